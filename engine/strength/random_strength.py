"""Random strength: uniform for each sample and epoch, as TrivialAugment draws it (arXiv 2103.10158)."""

from typing import Literal

import numpy as np
from numpy import ndarray

from engine.settings import Settings
from engine.signals import Signals


class RandomStrength(Settings):
    """Draws each sample's strength uniformly in every epoch (TrivialAugment)."""

    kind: Literal["random_strength"] = "random_strength"

    def strength(self, signals: Signals, epoch: int, *, rng: np.random.Generator) -> ndarray:
        """Returns uniform draws from [0, 1)."""
        return rng.random(len(signals), np.float32)
