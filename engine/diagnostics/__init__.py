"""Diagnostics: the papers' failure signatures, each computed from the log of a run with its number.

They only read what the store keeps and load nothing that trains, so that the app can ask them of any run,
also of one that is still training. One function a signature, one line in the tuple; the order is that on
screen.
"""

from collections.abc import Callable

from engine.diagnostics import cost, kept, strength, trust
from engine.diagnostics.badge import Badge
from engine.diagnostics.cache import remembered
from engine.diagnostics.rates import between_runs
from store.run import Run

__all__ = ["DIAGNOSTICS", "Badge", "between_runs", "diagnosed", "remembered"]

DIAGNOSTICS: tuple[Callable[[Run], Badge], ...] = (
    kept.noise,
    kept.region,
    kept.class_collapse,
    kept.hard_dropped,
    kept.monopoly,
    trust.consistency,
    strength.stalls,
    strength.piles_up,
    strength.small_classes,
    strength.meaning_lost,
    cost.accuracy_fell,
    cost.speed_up,
    cost.index_pays,
    trust.recall,
    trust.jaccard,
    trust.index_is_named,
    trust.map_trust,
    kept.stale_features,
)


def diagnosed(run: Run) -> list[Badge]:
    """Returns the badge of every diagnostic of one run, in the order of DIAGNOSTICS."""
    return [diagnostic(run) for diagnostic in DIAGNOSTICS]
