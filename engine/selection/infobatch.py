"""InfoBatch: drops well-learned samples by chance, and lets the kept ones stand in (arXiv 2303.04947).

The weights of the kept ones make up for the dropped ones on average, so the expected gradient is that of all
samples; a top-k selection has no such promise. The last epochs run on all samples, which evens out chance.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from engine.selection import Selection, StrategySettings, keep_all
from engine.selection.budget import in_full_tail
from engine.signals import Signals


class InfoBatch(StrategySettings):
    """Drops samples with a loss below the mean by chance and weighs the kept ones of them more."""

    kind: Literal["infobatch"] = "infobatch"
    drop_chance: float = Field(
        0.5,
        ge=0,
        le=0.99,
        description="chance r, anew in every epoch, that a sample whose last loss is below the mean is "
        "dropped; kept ones of them weigh 1 / (1 - r); 0.5 in the paper",
    )
    full_tail: float = Field(
        0.125,
        ge=0,
        le=1,
        description="share of the run's epochs, rounded down, that end it on all samples (1 - delta; 0.125 "
        "in the paper)",
    )

    def select(self, signals: Signals, epoch: int, *, epochs: int, rng: np.random.Generator) -> Selection:
        """Returns the kept samples; one that was never seen is kept; the weights sum to N on average."""
        samples = len(signals)
        known = signals.loss[~np.isnan(signals.loss)]
        if not len(known) or in_full_tail(epoch, epochs, self.full_tail):
            return keep_all(samples)
        below = signals.loss < known.mean(dtype=np.float64)  # in float32 equal losses fall below their mean
        ids = np.flatnonzero(~(below & (rng.random(samples) < self.drop_chance)))
        return Selection(ids, np.where(below[ids], 1 / (1 - self.drop_chance), 1).astype(np.float32))
