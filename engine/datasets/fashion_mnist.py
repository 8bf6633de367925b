"""Fashion-MNIST: 70,000 gray pictures of clothes (Xiao et al. 2017, arXiv 1708.07747).

Debian has it as a package, so it comes without a download where that is installed. The files are in IDX, the
format of MNIST, which takes ten lines to read.
"""

import gzip
import math
from pathlib import Path
from typing import Literal

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.cache import cache_folder
from engine.datasets import Dataset, decode
from engine.progress import Report
from engine.settings import Settings

PACKAGED = Path("/usr/share/datasets/fashion-mnist")  # of Debian's dataset-fashion-mnist
DOWNLOADED = "FashionMNIST/raw"  # where torchvision puts the files in its root
FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
CLASS_NAMES = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"
)  # fmt: skip


class FashionMnist(Settings):
    """70,000 gray pictures of clothes in ten classes, 28 x 28."""

    kind: Literal["fashion_mnist"] = "fashion_mnist"
    root: str = Field(
        "", description="folder of the four IDX files; empty: the Debian package's, else a download"
    )

    def load(self, report: Report) -> Dataset:
        """Returns 60,000 training and 10,000 test images; ValueError where they are not to be had."""
        report(decode.LOADING, 0.0)
        folder = self._folder()
        images, labels, test_images, test_labels = (read_idx(_file(folder, name)) for name in FILES)
        return Dataset(
            images=images[:, None],
            labels=labels.astype(np.int64),
            test_images=test_images[:, None],
            test_labels=test_labels.astype(np.int64),
            class_names=CLASS_NAMES,
            prompts=("a photo of a {}", "a gray picture of a {}", "a product photo of a {}"),
            flip=True,
        )

    def _folder(self) -> Path:
        """Finds the folder that has the files, or fetches them."""
        if self.root:
            given = Path(self.root).expanduser()
            if found := _complete([given, given / DOWNLOADED]):
                return found
            names = ", ".join(f"{name}-ubyte" for name in FILES)
            raise ValueError(f"source.root must be a folder with {names}, plain or .gz; got {self.root}")
        root = cache_folder() / "datasets"
        return _complete([PACKAGED, root / DOWNLOADED]) or _download(root)


def read_idx(path: Path) -> ndarray:
    """Returns the uint8 array in an IDX file, plain or gzipped; ValueError where it is none."""
    content = path.read_bytes()
    try:
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} is damaged; fetch it again ({error})") from error
    dimensions = content[3] if content[:3] == b"\x00\x00\x08" and len(content) > 3 else 0
    shape = tuple(np.frombuffer(content[4 : 4 + 4 * dimensions], ">u4").tolist())
    if not dimensions or len(content) != 4 + 4 * dimensions + math.prod(shape):
        raise ValueError(
            f"{path} must be an IDX file of bytes; it is damaged or another file, fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()


def _complete(folders: list[Path]) -> Path | None:
    whole = (folder for folder in folders if all(_file(folder, name).is_file() for name in FILES))
    return next(whole, None)


def _file(folder: Path, name: str) -> Path:
    plain = folder / f"{name}-ubyte"
    return plain if plain.is_file() else folder / f"{name}-ubyte.gz"


def _download(root: Path) -> Path:
    from torchvision.datasets import FashionMNIST

    try:
        FashionMNIST(root, download=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            "Fashion-MNIST is not on this machine and could not be downloaded; run `apt-get install "
            f"dataset-fashion-mnist`, or put its four IDX files into {root / DOWNLOADED} ({error})"
        ) from error
    return root / DOWNLOADED
