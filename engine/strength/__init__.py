"""How strongly each sample is augmented: the contract of a policy.

A policy is its settings and one method; all that it may remember is in Signals.
"""

from typing import Protocol

import numpy as np
from numpy import ndarray

from engine.signals import Signals


class Policy(Protocol):
    """Chooses the strength of every sample from what is known of it."""

    def strength(self, signals: Signals, epoch: int, *, rng: np.random.Generator) -> ndarray:
        """Returns (N,) float32 in [0, 1], 0 none to 1 full.

        Works before anything is known; changes nothing.
        """
        ...
