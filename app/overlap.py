"""How far two sets of samples are the same, and how far chance alone would have it.

The Jaccard index is the samples of both sets over those of either. Two sets drawn at random overlap too, so
what chance gives sets of these sizes stands beside it wherever the index does (ours).
"""

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike


def jaccard(shared: ArrayLike, one: ArrayLike, other: ArrayLike) -> ndarray:
    """Returns shared / (one + other - shared), how many samples both and each hold; NaN where none does."""
    shared, either = np.asarray(shared, float), np.add(one, other) - np.asarray(shared, float)
    return np.divide(shared, either, out=np.full(either.shape, np.nan), where=either > 0)


def jaccard_of_ids(one: ndarray, other: ndarray) -> float:
    """Returns the index of two sets, (M,) and (L,) distinct ids each; NaN where both are empty."""
    return float(jaccard(len(np.intersect1d(one, other, assume_unique=True)), len(one), len(other)))


def by_chance(one: ArrayLike, other: ArrayLike, samples: int) -> ndarray:
    """Returns the index of two random sets of these sizes, by their expected overlap one x other / N (ours).

    That is the index of the expectation, which for many samples is that of the sets.
    """
    return jaccard(np.multiply(one, other) / samples, one, other)
