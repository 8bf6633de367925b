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
    """Returns what decided, in one sentence; config: that of the run, for its kind and its exponents."""
    strategy = config.get("strategy", {}).get("kind")
    if why.kept is None:
        return "Nothing is known of this epoch yet."
    if why.reason == "warmup":
        if strategy == "everything":
            return "This run trains on all samples in every epoch, so nothing is ever dropped."
        return f"Epoch {why.epoch} trained on all {wording.count(why.n)} samples, so nothing was dropped."
    if why.reason != "score":
        if strategy == "random_subset":
            drawn = f"{wording.count(why.kept_count)} of {wording.count(why.n)}"
            return f"A fresh random draw of {drawn} samples decided."
        return f"The scores known after epoch {why.decided_after} do not explain this selection."
    of_rarity, of_consistency = (wording.power(exponent) for exponent in naming.exponents(config))
    verb = "reaches" if why.kept else "is below"
    return (
        f"After epoch {why.decided_after} its score {wording.number(why.score)} = rarity "
        f"{wording.number(why.rarity)}{of_rarity} × consistency {wording.number(why.consistency)}"
        f"{of_consistency} ranked {wording.count(why.rank)} of {wording.count(why.n)} and {verb} the cut of "
        f"{wording.number(why.cut)} that kept {wording.count(why.kept_count)}."
    )


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
