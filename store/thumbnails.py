"""Small pictures of the samples, one file a data set, shared by its runs and read without loading it."""

import math
import re
from io import BytesIO
from itertools import chain
from pathlib import Path

import numpy as np
from numpy import ndarray

from store import files

LARGEST = 64  # pixels a side

_BLOCK_BYTES = 1 << 24
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def write(root: Path, key: str, images: ndarray) -> None:
    """Writes the images (N, H, W, C) uint8 of a data set; a key that has them already keeps them.

    In blocks, since the images may be more than the memory holds. Larger ones are made smaller: each pixel is
    the mean of a box of whole pixels, so that no side has more than LARGEST.
    """
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(f"images must be (N, H, W, C) uint8; got {images.shape} {images.dtype}")
    path = _path(root, key)
    if path.exists():
        return
    files.make_folder(path.parent, parents=True)
    box = max(-(-max(images.shape[1:3]) // LARGEST), 1)
    shape = (len(images), images.shape[1] // box, images.shape[2] // box, images.shape[3])
    header = BytesIO()
    layout = {"descr": images.dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, layout)
    begins = range(0, len(images), max(_BLOCK_BYTES // max(images[:1].nbytes, 1), 1))
    blocks = (_shrunken(images[begin : begin + begins.step], box).data for begin in begins)
    files.write_whole(path, chain([header.getvalue()], blocks), size=header.tell() + math.prod(shape))


def read(root: Path, key: str | None) -> ndarray | None:
    """Returns the images of a data set, (N, H, W, C) uint8, mapped from the disk; None = none."""
    if key is None or not _path(root, key).exists():
        return None
    images: ndarray = np.load(_path(root, key), mmap_mode="r")
    return images


def _shrunken(images: ndarray, box: int) -> ndarray:
    """Averages boxes of pixels of (n, H, W, C) uint8; what is left over at the right and below is cut off."""
    samples, height, width, channels = images.shape
    if box == 1:
        return np.ascontiguousarray(images)
    high, wide = height // box, width // box
    cut = images[:, : high * box, : wide * box].reshape(samples, high, box, wide, box, channels)
    return np.ascontiguousarray(np.rint(cut.mean(axis=(2, 4), dtype=np.float32)), dtype=np.uint8)


def _path(root: Path, key: str) -> Path:
    if not _KEY.fullmatch(key):
        raise ValueError(f"the key of a data set must be letters, digits, dots, dashes; got {key!r}")
    return root / "datasets" / f"{key}.npy"
