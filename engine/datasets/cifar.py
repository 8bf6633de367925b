"""CIFAR-10 and CIFAR-100: 60,000 coloured pictures of 32 x 32 (Krizhevsky 2009), through torchvision.

torchvision checks every file by its digest and fetches what is missing; where it cannot, the error says
which file to put where.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.cache import cache_folder
from engine.datasets import Dataset, decode
from engine.progress import Report
from engine.settings import Settings

PROMPTS = ("a photo of a {}", "a blurry photo of a {}", "a low resolution photo of a {}")
ROOT = "folder of the archive or of what it holds; empty: Undertow's cache, downloaded on first use"


class Cifar10(Settings):
    """60,000 photos in ten classes of animals and vehicles, 32 x 32."""

    kind: Literal["cifar10"] = "cifar10"
    root: str = Field("", description=ROOT)

    def load(self, report: Report) -> Dataset:
        """Returns 50,000 training and 10,000 test images; ValueError where they are not to be had."""
        from torchvision.datasets import CIFAR10

        return _loaded(CIFAR10, self.root, report)


class Cifar100(Settings):
    """60,000 photos in a hundred classes, 32 x 32."""

    kind: Literal["cifar100"] = "cifar100"
    root: str = Field("", description=ROOT)

    def load(self, report: Report) -> Dataset:
        """Returns 50,000 training and 10,000 test images; ValueError where they are not to be had."""
        from torchvision.datasets import CIFAR100

        return _loaded(CIFAR100, self.root, report)


def _loaded(archive: Any, given: str, report: Report) -> Dataset:
    root = Path(given).expanduser() if given else cache_folder() / "datasets"
    report(decode.LOADING, 0.0)
    try:
        train, test = (archive(root, train=training, download=True) for training in (True, False))
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"{archive.__name__} is not whole in {root} and could not be downloaded; put {archive.filename} "
            f"there, or the folder {archive.base_folder} that is in it ({error})"
        ) from error
    return Dataset(
        images=_channels_first(train.data),
        labels=np.array(train.targets, np.int64),
        test_images=_channels_first(test.data),
        test_labels=np.array(test.targets, np.int64),
        class_names=tuple(name.replace("_", " ") for name in train.classes),
        prompts=PROMPTS,
        flip=True,
    )


def _channels_first(images: ndarray) -> ndarray:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
