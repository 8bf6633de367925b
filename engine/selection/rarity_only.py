"""Rarity only: joint selection without consistency, to show what the label check adds.

Mislabelled images are outliers, so this is the baseline that keeps them (arXiv 2505.03809).
"""

from typing import Literal

from numpy import ndarray

from engine.selection import joint_score
from engine.selection.budget import RankedSettings


class RarityOnly(RankedSettings):
    """Keeps the samples that are rare in feature space, whatever their label."""

    kind: Literal["rarity_only"] = "rarity_only"

    def score(self, rarity: ndarray, consistency: ndarray) -> ndarray:
        """The rarity, (N,) float32; NaN where it is unknown; consistency is ignored, unknown or not."""
        return joint_score(rarity, consistency, consistency_exponent=0)
