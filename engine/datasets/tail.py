"""Long tails: classes of unequal size, made from a set whose classes are alike.

The exponential profile is that of Cui et al. 2019 (arXiv 1901.05555), the step that of Buda et al. 2018
(arXiv 1710.05381). The classes thin out in the order of their numbers, as there; the test set stays whole.
"""

from typing import Literal

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.datasets import strata
from engine.settings import Settings


class NoTail(Settings):
    """Leaves the classes as large as they are."""

    kind: Literal["none"] = "none"

    def kept(self, labels: ndarray, classes: int) -> ndarray:  # noqa: ARG002 a protocol's
        """Returns all rows of labels (N,)."""
        return np.arange(len(labels))


class ExponentialTail(Settings):
    """Thins the classes out exponentially, from the first, which stays largest, to the last."""

    kind: Literal["exponential"] = "exponential"
    factor: float = Field(10, ge=1, le=10_000, description="size of the largest class over the smallest")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="which samples stay: apart from the run's seed")

    def kept(self, labels: ndarray, classes: int) -> ndarray:
        """Returns rising rows of labels (N,): round(n_max * factor^(-k / (K - 1))) of class k."""
        profile = self.factor ** (-np.arange(classes) / max(classes - 1, 1))
        return _thinned(labels, profile, np.random.default_rng(self.seed))


class StepTail(Settings):
    """Thins out the second half of the classes, all by the same factor."""

    kind: Literal["step"] = "step"
    factor: float = Field(10, ge=1, le=10_000, description="size of a large class over that of a small one")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="which samples stay: apart from the run's seed")

    def kept(self, labels: ndarray, classes: int) -> ndarray:
        """Returns rising rows of labels (N,): round(n_max / factor) of each class of the second half."""
        profile = np.where(np.arange(classes) < classes - classes // 2, 1.0, 1 / self.factor)
        return _thinned(labels, profile, np.random.default_rng(self.seed))


def _thinned(labels: ndarray, profile: ndarray, rng: np.random.Generator) -> ndarray:
    """Draws class k down to n_max * profile[k], at least one sample of each class that has any.

    n_max is the largest that every class can bear, so that the factor holds in sets whose classes were not
    alike before (ours; the size of a class where all are alike).
    """
    sizes = np.bincount(labels, minlength=len(profile))
    present = sizes > 0
    largest = (sizes[present] / profile[present]).min()
    counts = np.clip(np.rint(largest * profile).astype(np.int64), 1, sizes)
    return strata.drawn(labels, counts, rng)
