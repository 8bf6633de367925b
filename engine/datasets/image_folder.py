"""A folder of images in the layout of ImageNet: one folder a class.

The images are decoded once into a file in the cache that is mapped into memory, so a set may be larger than
the memory and the next run starts at once. The file is named after the paths, sizes and times of the images.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy import ndarray
from PIL import Image
from pydantic import Field

from engine.consistency import remember
from engine.datasets import Dataset, decode, mapped, strata
from engine.datasets.pictures import Flip, Gray
from engine.datasets.prompts import PHOTO, Prompts
from engine.progress import Report
from engine.settings import Settings

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff"))
TEST_FOLDERS = ("val", "validation", "test")
LISTING = "listing images"


class ImageFolder(Settings):
    """A folder of images: root/train/CLASS/* and root/val/CLASS/* (or validation, or test)."""

    kind: Literal["image_folder"] = "image_folder"
    root: str = Field(
        "",
        min_length=1,
        validate_default=True,
        description="folder with train/CLASS/* and val/CLASS/*; without val a fifth is held out",
    )
    side: int = Field(
        64, ge=8, le=1024, description="pixels a side; the short side is scaled, the long one cropped"
    )
    gray: Gray = False
    flip: Flip = True
    prompts: Prompts = PHOTO

    def load(self, report: Report) -> Dataset:
        """Returns the images mapped from the cache, decoded if they are new.

        Raises ValueError, with the name of the file, for a broken image.
        """
        report(LISTING, 0.0)
        found, names, training = _found(Path(self.root).expanduser().absolute())
        shape = (len(found.paths), 1 if self.gray else 3, self.side, self.side)
        key = remember.key(decode.VERSION, str(shape), "\n".join(found.stamps))
        pictures = _pictures(found.paths)
        fill = partial(decode.fill, pictures=pictures, resize=True, report=report)
        images = mapped.images(f"folder-{key}", shape, fill, report)
        return Dataset(
            images=images[:training],
            labels=found.labels[:training],
            test_images=images[training:],
            test_labels=found.labels[training:],
            class_names=names,
            prompts=self.prompts,
            flip=self.flip,
        )


class _Found(NamedTuple):
    """Image files with their classes, and what tells the content of each from another's."""

    paths: list[str]
    labels: ndarray  # (N,) int64
    stamps: list[str]  # path in the set, bytes, time of the last change

    def of(self, rows: ndarray) -> "_Found":
        return _Found(
            [self.paths[row] for row in rows], self.labels[rows], [self.stamps[row] for row in rows]
        )


def _found(root: Path) -> tuple[_Found, tuple[str, ...], int]:
    """Returns the files, training before test, the names of the classes, and how many are for training."""
    if not (root / "train").is_dir():
        raise ValueError(f"source.root must be a folder with a folder train in it; got {root}")
    names = tuple(_folders(root / "train"))
    if not names:
        raise ValueError(f"{root / 'train'} must have one folder a class; it has none")
    train = _listed(root / "train", names)
    for name in TEST_FOLDERS:
        if (root / name).is_dir() and (classes := _folders(root / name)):
            if unknown := sorted(set(classes) - set(names)):
                raise ValueError(
                    f"{root / name} has the class {unknown[0]!r}, which train has not; remove it"
                )
            test = _listed(root / name, names)
            together = _Found(
                train.paths + test.paths,
                np.concatenate([train.labels, test.labels]),
                train.stamps + test.stamps,
            )
            return together, names, len(train.paths)
    kept, held = strata.hold_out(train.labels, len(names), strata.HELD_OUT)
    return train.of(np.concatenate([kept, held])), names, len(kept)


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _listed(folder: Path, names: tuple[str, ...]) -> _Found:
    """Lists the images of each class in the order of their names, by suffix."""
    paths: list[str] = []
    labels: list[int] = []
    stamps: list[str] = []
    for label, name in enumerate(names):
        for entry in _images(folder / name):
            stat = entry.stat()
            paths.append(entry.path)
            labels.append(label)
            stamps.append(f"{folder.name}/{name}/{entry.name} {stat.st_size} {stat.st_mtime_ns}")
    if not paths:
        raise ValueError(f"{folder} has no images; put files such as .jpg or .png into its folders")
    return _Found(paths, np.array(labels, np.int64), stamps)


def _images(folder: Path) -> list["os.DirEntry[str]"]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        found = [
            entry for entry in entries if Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file()
        ]
    return sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)


def _pictures(paths: list[str]) -> Iterator[decode.Picture]:
    return (decode.Picture(row, path, partial(Image.open, path)) for row, path in enumerate(paths))
