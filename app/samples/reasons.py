"""Why a sample was kept or dropped, and what would turn it, in sentences with their numbers."""

from app import naming, wording
from app.naming import Settings
from store.queries import Why


def outcome(why: Why) -> str:
    """Returns what happened: "Dropped in epoch 12"."""
    if why.kept is None:
        return f"Epoch {why.epoch} has not been recorded"
    return f"{'Kept' if why.kept else 'Dropped'} in epoch {why.epoch}"


def reason(why: Why, config: Settings) -> str:
    """Returns what decided, in one or two sentences; config: that of the run, for its kind and exponents."""
    if why.kept is None:
        return "Nothing is known of this epoch yet."
    if why.reason in ("warmup", "tail", "all"):
        return _nothing_dropped(why, config)
    if why.reason == "random":
        return f"A fresh random draw of {_kept_of_all(why)} samples decided."
    if why.reason == "threshold":
        return _beyond(why, config)
    if why.reason == "loss":
        return _by_loss(why)
    if why.reason == "draw":
        return (
            f"{_standing(why, config)}. {_kept_of_all(why)} were drawn, higher scores with a higher chance: "
            f"one like this is kept in about {wording.percent(why.chance)} of draws, and it "
            f"{'was' if why.kept else 'was not'}."
        )
    if why.reason == "score":
        verb = "reaches" if why.kept else "is below"
        schedule = config.get("strategy", {}).get("schedule", "constant")
        scheduled = (
            "" if schedule == "constant" else f", as many as this epoch of the {schedule} schedule has"
        )
        return (
            f"{_standing(why, config)} and {verb} the cut of {wording.number(why.cut)} that kept "
            f"{wording.count(why.kept_count)}{scheduled}."
        )
    if naming.is_tracked(config):
        return f"The program that trained the run chose the {_kept_of_all(why)} samples of this epoch."
    return f"The scores known after epoch {why.decided_after} do not explain this selection."


def change(why: Why) -> str:
    """Returns the smallest change of one factor that turns the decision; "" where no score decided."""
    if why.reason != "score":
        return ""
    turned = "be dropped" if why.kept else "be kept"
    bound = "at most" if why.kept else "at least"
    factors = (
        ("rarity", why.needed_rarity, why.rarity),
        ("consistency", why.needed_consistency, why.consistency),
    )
    ways = [
        f"a {name} of {bound} {wording.number(needed)} instead of {wording.number(now)}"
        for name, needed, now in factors
        if wording.is_known(needed)
    ]
    if not ways:
        return f"No change of one factor alone would make it {turned}."
    return f"To {turned} it needs {' or '.join(ways)}."


def _nothing_dropped(why: Why, config: Settings) -> str:
    if config.get("strategy", {}).get("kind") == "everything":
        return "This run trains on all samples in every epoch, so nothing is ever dropped."
    which = {"warmup": ", one of the first of the run,", "tail": ", one of the last of the run,"}
    place = which.get(why.reason, "")
    return f"Epoch {why.epoch}{place} trained on all {wording.count(why.n)} samples, so nothing was dropped."


def _beyond(why: Why, config: Settings) -> str:
    lowest = float(config.get("strategy", {}).get("min_consistency", 0))
    if wording.is_known(why.consistency) and why.consistency < lowest:
        value, limit = (
            f"consistency {wording.number(why.consistency)} is below",
            f"min_consistency {lowest:g}",
        )
    else:
        highest = float(config.get("strategy", {}).get("max_rarity", 1))
        value, limit = f"rarity {wording.number(why.rarity)} is above", f"max_rarity {highest:g}"
    return f"Its {value} strategy.{limit}, beyond which no sample is kept whatever its score."


def _by_loss(why: Why) -> str:
    if not wording.is_known(why.loss):
        return "Its loss was not known before this epoch, and InfoBatch keeps what it has not seen."
    against = f"the mean {wording.number(why.mean_loss)} of all last losses"
    if why.chance == 1:
        return f"Its last loss {wording.number(why.loss)} is not below {against}, so InfoBatch keeps it."
    chance = f"InfoBatch drops such samples with a chance of {wording.percent(1 - why.chance)}"
    told = (
        f"this one stayed and weighs {wording.number(why.weight)} to stand in for those dropped"
        if why.kept
        else "this one was dropped"
    )
    return f"Its last loss {wording.number(why.loss)} is below {against}; {chance}, and {told}."


def _standing(why: Why, config: Settings) -> str:
    """ "After epoch 11 its score 0.020 = rarity 0.400 × consistency 0.050 ranked 91 of 100"."""
    within = " within its class" if config.get("density", {}).get("per_class") else ""
    factors = (("rarity", why.rarity, within), ("consistency", why.consistency, ""))
    product = " × ".join(
        f"{name} {wording.number(value)}{wording.power(exponent)}{place}"
        for (name, value, place), exponent in zip(factors, naming.exponents(config), strict=True)
        if exponent
    )
    return (
        f"After epoch {why.decided_after} its score {wording.number(why.score)}{product and ' = '}{product} "
        f"ranked {wording.count(why.rank)} of {wording.count(why.n)}"
    )


def _kept_of_all(why: Why) -> str:
    return f"{wording.count(why.kept_count)} of {wording.count(why.n)}"
