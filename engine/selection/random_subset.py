"""Random subset.

A fresh random share in every epoch, the peer at equal budget that any selection has to beat.
"""

from typing import Literal

import numpy as np
from numpy import ndarray

from engine.selection.budget import BudgetSettings
from engine.signals import Signals


class RandomSubset(BudgetSettings):
    """Trains on a fresh random share of the samples in every epoch."""

    kind: Literal["random_subset"] = "random_subset"

    def chosen(self, signals: Signals, kept: int, rng: np.random.Generator) -> ndarray:
        """Returns so many ids drawn without replacement."""
        drawn: ndarray = rng.permutation(len(signals))[:kept]
        return drawn
