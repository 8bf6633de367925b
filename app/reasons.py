"""Why a sample was kept or dropped, and what would turn it, in sentences with their numbers."""

from app import wording
from store.queries import Why


def outcome(why: Why) -> str:
    """Returns what happened: "Dropped in epoch 12"."""
    if why.kept is None:
        return f"Epoch {why.epoch} has not been recorded"
    return f"{'Kept' if why.kept else 'Dropped'} in epoch {why.epoch}"


def reason(why: Why, strategy: str) -> str:
    """Returns what decided, in one sentence; strategy: the kind in the configuration."""
    if why.kept is None:
        return "Nothing is known of this epoch yet."
    if why.reason == "warmup":
        if strategy == "everything":
            return "This run trains on all samples in every epoch, so nothing is ever dropped."
        return f"Epoch {why.epoch} trained on all {wording.count(why.n)} samples, so nothing was dropped."
    if why.reason != "score":
        if strategy == "random_subset":
            return f"A fresh random draw of {wording.count(why.kept_count)} of {wording.count(why.n)} samples decided."
        return f"The scores known after epoch {why.decided_after} do not explain this selection."
    verb = "reaches" if why.kept else "is below"
    return (
        f"After epoch {why.decided_after} its score {wording.number(why.score)} = rarity "
        f"{wording.number(why.rarity)} × consistency {wording.number(why.consistency)} ranked "
        f"{wording.count(why.rank)} of {wording.count(why.n)} and {verb} the cut of {wording.number(why.cut)} "
        f"that kept {wording.count(why.kept_count)}."
    )


def change(why: Why) -> str:
    """Returns the smallest change of one factor that turns the decision; "" where the score did not decide."""
    if why.reason != "score":
        return ""
    turned = "be dropped" if why.kept else "be kept"
    rarity, consistency = why.needed_rarity, why.needed_consistency
    ways = [
        f"{name} {'of at most' if why.kept else 'of at least'} {wording.number(needed)} instead of {wording.number(now)}"
        for name, needed, now in (
            ("a rarity", rarity, why.rarity),
            ("a consistency", consistency, why.consistency),
        )
        if wording.is_known(needed)
    ]
    if not ways:
        return f"No change of one factor alone would make it {turned}."
    return f"To {turned} it needs {' or '.join(ways)}."


def weaker(why: Why) -> str:
    """Names the factor that pulled the score down more, in words for a headline."""
    if not (wording.is_known(why.rarity) and wording.is_known(why.consistency)):
        return ""
    if why.consistency <= why.rarity:
        return "image and label disagree"
    return "its surroundings are crowded"
