"""Entropy: the more certain the model is of a sample, the more strongly it is augmented.

The peer that reads strength off the probabilities of a single visit (after EntAugment, arXiv 2409.06290),
where SADA reads it off how the loss changes between visits.
"""

from typing import Literal

import numpy as np
from numpy import ndarray

from engine.settings import Settings
from engine.signals import Signals


class Entropy(Settings):
    """Augments samples strongly of which the model is certain, and mildly where it is not."""

    kind: Literal["entropy"] = "entropy"

    def strength(self, signals: Signals, epoch: int, *, rng: np.random.Generator) -> ndarray:
        """1 - H(p) / log K at the last visit; uniform draws for samples that were not visited yet (ours)."""
        draws = rng.random(len(signals), np.float32)
        certain = np.clip(1 - signals.entropy, 0, 1)
        return np.where(np.isnan(certain), draws, certain).astype(np.float32)
