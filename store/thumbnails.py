"""Small pictures of the samples, one file a data set, shared by its runs and read without loading it."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy import ndarray

from store import files

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def write(root: Path, key: str, images: ndarray) -> None:
    """Writes the images (N, H, W, C) uint8 of a data set; a key that has them already keeps them."""
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(f"images must be (N, H, W, C) uint8; got {images.shape} {images.dtype}")
    path = _path(root, key)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    images = np.ascontiguousarray(images)
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(images))
    files.write_whole(path, [header.getvalue(), images.data])


def read(root: Path, key: str | None) -> ndarray | None:
    """Returns the images of a data set, (N, H, W, C) uint8, mapped from the disk; None = none."""
    if key is None or not _path(root, key).exists():
        return None
    images: ndarray = np.load(_path(root, key), mmap_mode="r")
    return images


def _path(root: Path, key: str) -> Path:
    if not _KEY.fullmatch(key):
        raise ValueError(f"the key of a data set must be letters, digits, dots, dashes; got {key!r}")
    return root / "datasets" / f"{key}.npy"
