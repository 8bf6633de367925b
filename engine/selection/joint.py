"""Joint selection keeps the samples that are rare in feature space and agree with their label.

After arXiv 2505.03809: rarity alone keeps outliers, and mislabelled images are outliers; consistency alone
keeps the easy and common. Their product keeps the rare ones that are what their label says.
"""

from typing import Literal

from numpy import ndarray
from pydantic import Field

from engine.selection import joint_score
from engine.selection.budget import RankedSettings


class Joint(RankedSettings):
    """Keeps the samples that are rare in feature space and agree with their label."""

    kind: Literal["joint"] = "joint"
    rarity_exponent: float = Field(1.0, ge=0, le=4, description="0 ignores rarity; larger weighs it more")
    consistency_exponent: float = Field(
        1.0, ge=0, le=4, description="0 ignores consistency; larger weighs it more"
    )

    def score(self, rarity: ndarray, consistency: ndarray) -> ndarray:
        """rarity^a x consistency^b, (N,) float32; NaN where either is unknown."""
        return joint_score(
            rarity,
            consistency,
            rarity_exponent=self.rarity_exponent,
            consistency_exponent=self.consistency_exponent,
        )
