"""Consistency only: joint selection without rarity, to show what looking at features adds.

Consistency is fixed before training, so this baseline keeps the same samples in every epoch unless they are
drawn (arXiv 2505.03809).
"""

from typing import Literal

from numpy import ndarray

from engine.selection import joint_score
from engine.selection.budget import RankedSettings


class ConsistencyOnly(RankedSettings):
    """Keeps the samples whose image agrees best with their label, however common they are."""

    kind: Literal["consistency_only"] = "consistency_only"

    def score(self, rarity: ndarray, consistency: ndarray) -> ndarray:
        """The consistency, (N,) float32; NaN where it is unknown; rarity is ignored, unknown or not."""
        return joint_score(rarity, consistency, rarity_exponent=0)
