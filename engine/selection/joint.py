"""Joint selection keeps the samples that are rare in feature space and agree with their label.

After arXiv 2505.03809: rarity alone keeps outliers, and mislabelled images are outliers; consistency alone
keeps the easy and common. Their product keeps the rare ones that are what their label says.
"""

from typing import Literal

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.selection import Selection, StrategySettings, joint_score, keep_all, keep_top, kept_count
from engine.signals import Signals


class Joint(StrategySettings):
    """Keeps the samples that are rare in feature space and agree with their label."""

    kind: Literal["joint"] = "joint"
    keep: float = Field(0.5, ge=0.01, le=1, description="share of the samples kept")
    rarity_exponent: float = Field(1.0, ge=0, le=4, description="0 ignores rarity; larger weighs it more")
    consistency_exponent: float = Field(
        1.0, ge=0, le=4, description="0 ignores consistency; larger weighs it more"
    )
    warmup_epochs: int = Field(1, ge=0, le=1000, description="first epochs, on all samples")

    def select(self, signals: Signals, epoch: int, *, epochs: int, rng: np.random.Generator) -> Selection:
        """Returns the round(keep * N) samples with the highest score; all of them in the warm-up."""
        if epoch < self.warmup_epochs or np.isnan(signals.score).all():
            return keep_all(len(signals))
        return keep_top(signals.score, kept_count(self.keep, len(signals)))

    def score(self, rarity: ndarray, consistency: ndarray) -> ndarray:
        """rarity^a x consistency^b, (N,) float32; NaN where either is unknown."""
        return joint_score(
            rarity,
            consistency,
            rarity_exponent=self.rarity_exponent,
            consistency_exponent=self.consistency_exponent,
        )
