"""Images in a file that is mapped into memory: larger than the memory, decoded once, shared by runs.

The system keeps in memory what is used, and several runs on one machine share it. A file is named after what
it was made from, appears whole, and is only ever read afterwards.
"""

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy import ndarray

from engine.cache import cache_folder
from engine.consistency import remember
from engine.datasets.blocks import blocks
from engine.progress import Report

MEMORY_BYTES = 2 << 30  # chosen rows of more bytes are mapped; CIFAR takes 0.2 GB
WAITING = "waiting for another run that loads the same images"
COPYING = "choosing samples"


Mapped = np.memmap[tuple[int, ...], np.dtype[np.uint8]]


def images(key: str, shape: tuple[int, ...], fill: Callable[[ndarray], None], report: Report) -> Mapped:
    """Returns uint8 images of this shape, mapped read-only from the cache; lets fill write them if new.

    key: a digest of all that they are made from. Raises DiskIsFull where they do not fit.
    """
    path = cache_folder() / "images" / f"{key}.npy"
    known = _opened(path, shape)
    if known is None:
        with remember.exclusive(path, lambda: report(WAITING, 0.0)):
            known = _opened(path, shape)  # another run may have written it meanwhile
            if known is None:
                size = math.prod(shape)
                remember.write_whole(path, lambda scratch: _write(scratch, shape, fill), size=size)
                known = np.load(path, mmap_mode="r")
    return known


def rows(images_of_all: ndarray, ids: ndarray, report: Report) -> ndarray:
    """Returns images_of_all[ids], (n, C, H, W), for rising ids; no more than MEMORY_BYTES of it in memory.

    Neighbouring rows of a mapped file stay where they are; others are copied to a file of their own where
    they are too large for the memory.
    """
    if len(ids) and ids[-1] - ids[0] + 1 == len(ids):
        return images_of_all[ids[0] : ids[-1] + 1]
    if not isinstance(images_of_all, np.memmap) or len(ids) * images_of_all[:1].nbytes <= MEMORY_BYTES:
        return images_of_all[ids]

    def copy(chosen: ndarray) -> None:
        for part in blocks(chosen):
            report(COPYING, part.start / len(chosen))
            chosen[part] = images_of_all[ids[part]]

    first_and_last = images_of_all[ids[[0, -1]]]  # tell parts of one file apart
    made_from = remember.key(str(images_of_all.filename), ids, first_and_last)
    return images(f"rows-{made_from}", (len(ids), *images_of_all.shape[1:]), copy, report)


def _opened(path: Path, shape: tuple[int, ...]) -> Mapped | None:
    """Returns the images in the file; None where it is not there or damaged."""
    try:
        known: Mapped = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return known if known.shape == shape and known.dtype == np.uint8 else None


def _write(path: Path, shape: tuple[int, ...], fill: Callable[[ndarray], None]) -> None:
    """Claims the space before anything is written: a full disk under a mapped file kills the process."""
    with path.open("wb") as file:
        layout = {"descr": np.dtype(np.uint8).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, layout)
        begin = file.tell()
        os.posix_fallocate(file.fileno(), 0, begin + math.prod(shape))
    mapped = np.memmap(path, np.uint8, "r+", offset=begin, shape=shape)
    fill(mapped)
    mapped.flush()
