"""Draws that keep the classes' shares: how many samples of each class, and which.

Counts are exact, so that a share of N samples is round(share * N) of them whatever the classes' sizes.
"""

import numpy as np
from numpy import ndarray

SPLIT_SEED = 0  # a split is part of the data set, so that runs of any seed are tested on the same images
HELD_OUT = 0.2  # of the images of a set that comes without test images


def apportioned(sizes: ndarray, total: int, *, least: int = 0, spare: int = 0) -> ndarray:
    """Returns (K,) int64 counts in proportion to the class sizes (K,), total together.

    Largest remainders decide. A class gets at least `least` where it and the total have as many, and leaves
    at least `spare` undrawn. Raises ValueError where the total cannot be had so.
    """
    high = np.maximum(sizes - spare, 0)
    low = np.minimum(least, high)
    if low.sum() > total:
        low = np.zeros_like(high)
    if total > high.sum():
        raise ValueError(
            f"{total} of {sizes.sum()} samples cannot be drawn so that each class keeps {spare}; draw fewer"
        )
    ideal = sizes * (total / max(sizes.sum(), 1))
    counts = np.clip(np.floor(ideal).astype(np.int64), low, high)
    while (missing := total - counts.sum()) != 0:
        way = 1 if missing > 0 else -1
        free = counts < high if way > 0 else counts > low
        counts[np.argmax(np.where(free, way * (ideal - counts), -np.inf))] += way
    return counts


def drawn(labels: ndarray, counts: ndarray, rng: np.random.Generator) -> ndarray:
    """Returns rows of labels (N,), rising: counts[k] of class k, each equally likely."""
    of_class = [
        rng.permutation(np.flatnonzero(labels == label))[:count] for label, count in enumerate(counts)
    ]
    return np.sort(np.concatenate(of_class))


def hold_out(labels: ndarray, classes: int, share: float) -> tuple[ndarray, ndarray]:
    """Splits the rows of labels (N,) into those that stay and round(share * N) that are held out.

    Stratified, at a fixed seed; each class keeps a sample. Raises ValueError where that cannot be.
    """
    sizes = np.bincount(labels, minlength=classes)
    counts = apportioned(sizes, round(share * len(labels)), spare=1)
    held = drawn(labels, counts, np.random.default_rng(SPLIT_SEED))
    return np.setdiff1d(np.arange(len(labels)), held, assume_unique=True), held
