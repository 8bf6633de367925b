"""Walks over images block by block, for arrays that may be larger than the memory."""

from collections.abc import Iterator

import numpy as np
from numpy import ndarray

BLOCK_BYTES = 1 << 24


def blocks(images: ndarray) -> Iterator[slice]:
    """Yields slices of rows that cover the images (N, …) in order, each of some 16 MiB, one row at least."""
    rows = max(BLOCK_BYTES // max(images[:1].nbytes, 1), 1)
    for begin in range(0, len(images), rows):
        yield slice(begin, min(begin + rows, len(images)))


def channel_statistics(images: ndarray) -> tuple[ndarray, ndarray]:
    """Mean and standard deviation (C,) float64 of each channel of images (N, C, H, W), scaled to 0..1.

    Exact up to rounding: levels are counted, and the 256 counts are summed.
    """
    counts = np.zeros((images.shape[1], 256), np.int64)
    for rows in blocks(images):
        for channel, levels in enumerate(images[rows].swapaxes(0, 1)):
            counts[channel] += np.bincount(levels.ravel(), minlength=256)
    shares = counts / counts.sum(axis=1, keepdims=True)
    levels = np.arange(256) / 255
    mean = shares @ levels
    return mean, np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(axis=1))
