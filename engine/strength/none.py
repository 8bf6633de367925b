"""No augmentation beyond crop and flip: what the other policies are held against."""

from typing import Literal

import numpy as np
from numpy import ndarray

from engine.settings import Settings
from engine.signals import Signals


class NoStrength(Settings):
    """Crops and flips only."""

    kind: Literal["none"] = "none"

    def strength(self, signals: Signals, epoch: int, *, rng: np.random.Generator) -> ndarray:
        """Returns 0 for every sample."""
        return np.zeros(len(signals), np.float32)
