"""What an epoch of visits teaches of every sample, in the engine's loop and in a person's own."""

import numpy as np

from engine import signals
from engine.influence import InfluenceSettings, influence
from engine.observed import Observations
from engine.signals import Signals


def learned(known: Signals, seen: Observations, settings: InfluenceSettings) -> Signals:
    """Returns the signals after an epoch that saw this: loss and entropy, and influence with its variance.

    The clean probe measures influence later, so no sample has one after this.
    """
    if settings.probe == "visit":
        before = signals.answers(known, seen.ids)
        changes = influence(seen.answers, before, settings.proxy)
        known = signals.answered(known, seen.ids, seen.answers)
    elif settings.probe == "step":
        changes = influence(seen.answers_after, seen.answers, settings.proxy)
    else:
        changes = np.full(len(seen.ids), np.nan, np.float32)
    known = signals.influenced(known, seen.ids, changes, settings=settings)
    return signals.visited(known, seen.ids, losses=seen.losses, entropies=seen.entropies)
