"""SADA: how strongly to augment each sample, from how steadily its loss changes (arXiv 2510.00434).

Influence is the change of a sample's loss between two of its visits, which stands in for the projection of
its gradient on the update. Steady samples are learned and can bear strong augmentation.
"""

from typing import Literal

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.scaling import scaled
from engine.settings import Settings
from engine.signals import Signals


class Sada(Settings):
    """Augments steadily learned samples strongly and unsteady ones mildly."""

    kind: Literal["sada"] = "sada"
    scaling: Literal["percentile", "minmax", "rank"] = Field(
        "rank",
        description="variance to [0, 1]: rank spreads evenly, percentile clips at the 1st and 99th, minmax "
        "is ruled by one outlier (all ours; rank trained best on CIFAR-10, see the README's results)",
    )

    def strength(self, signals: Signals, epoch: int, *, rng: np.random.Generator) -> ndarray:
        """1 - scaled variance; uniform draws, as TrivialAugment's, for samples without a variance (ours)."""
        draws = rng.random(len(signals), np.float32)
        return np.where(np.isnan(signals.variance), draws, 1 - scaled(signals.variance, self.scaling))
