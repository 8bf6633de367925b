"""Everything.

Trains on all samples in every epoch, the baseline that every selection must be held against.
"""

from typing import Literal

import numpy as np

from engine.selection import Selection, StrategySettings, keep_all
from engine.signals import Signals


class Everything(StrategySettings):
    """Trains on all samples in every epoch."""

    kind: Literal["everything"] = "everything"

    def select(self, signals: Signals, epoch: int, *, epochs: int, rng: np.random.Generator) -> Selection:
        """Returns every sample."""
        return keep_all(len(signals))
