"""Constant strength: the same for every sample and epoch, as hand-tuned augmentation is."""

from typing import Literal

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.settings import Settings
from engine.signals import Signals


class Constant(Settings):
    """Augments every sample with the same strength."""

    kind: Literal["constant"] = "constant"
    value: float = Field(0.5, ge=0, le=1, description="strength of every sample, 0 none to 1 full")

    def strength(self, signals: Signals, epoch: int, *, rng: np.random.Generator) -> ndarray:
        """Returns the value for every sample."""
        return np.full(len(signals), self.value, np.float32)
