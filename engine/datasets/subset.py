"""A share of the training set, for trials that must be quick."""

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.datasets import strata
from engine.settings import Settings


class Subset(Settings):
    """Keeps a share of the training set, each class in proportion; the test set stays whole."""

    share: float = Field(1.0, gt=0, le=1, description="share of the training set, each class in proportion")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="which samples: fixed apart from the run's seed")

    def kept(self, labels: ndarray, classes: int) -> ndarray:
        """Returns round(share * N) rows of labels (N,), rising; no class is lost where there is room."""
        total = round(self.share * len(labels))
        if not total:
            raise ValueError(
                f"subset.share must keep at least one of the {len(labels)} samples; got {self.share}"
            )
        counts = strata.apportioned(np.bincount(labels, minlength=classes), total, least=1)
        return strata.drawn(labels, counts, np.random.default_rng(self.seed))
