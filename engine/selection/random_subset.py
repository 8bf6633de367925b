"""Random subset.

A fresh random share in every epoch, the peer at equal budget that any selection has to beat.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from engine.selection import Selection, StrategySettings, kept_count
from engine.signals import Signals


class RandomSubset(StrategySettings):
    """Trains on a fresh random share of the samples in every epoch."""

    kind: Literal["random_subset"] = "random_subset"
    keep: float = Field(0.5, ge=0.01, le=1, description="share of the samples kept")

    def select(self, signals: Signals, epoch: int, *, epochs: int, rng: np.random.Generator) -> Selection:
        """Returns round(keep * N) samples drawn without replacement."""
        ids = np.sort(rng.permutation(len(signals))[: kept_count(self.keep, len(signals))])
        return Selection(ids, np.ones(len(ids), np.float32))
