"""Data sets as files, written from real digits: folders of images, Parquet files, CIFAR's own archive."""

import io
import json
import os
import pickle
from collections.abc import Iterable, Sequence
from hashlib import md5
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy import ndarray
from PIL import Image
from pyarrow import parquet
from sklearn.datasets import load_digits

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def digits(samples: int) -> tuple[ndarray, ndarray]:
    """The first real digits: (n, 8, 8) uint8 and (n,) their numbers."""
    originals = load_digits()
    return (originals.images[:samples] * (255 / 16)).round().astype(np.uint8), originals.target[:samples]


def png(image: ndarray) -> bytes:
    """The bytes of an image, (H, W) or (H, W, 3) uint8, as PNG, which keeps every level."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def write_folder(root: Path, images: Iterable[ndarray], labels: Iterable[int]) -> Path:
    """Writes images into root/<word>/<number>.png and returns root."""
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = root / WORDS[label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05d}.png").write_bytes(png(image))
    return root


def write_parquet(
    path: Path, encoded: Sequence[object], labels: Sequence[object], metadata: dict[str, object] | None = None
) -> str:
    """Writes columns image and label and returns the path as a setting has it."""
    table = pa.table({"image": list(encoded), "label": list(labels)})
    texts = {key: json.dumps(value) for key, value in (metadata or {}).items()}
    parquet.write_table(table.replace_schema_metadata(texts), path)
    return str(path)


def write_cifar(root: Path, archive: type, monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
    """Writes a small CIFAR in the layout of the real one, and tells torchvision these digests."""
    rng = np.random.default_rng(0)
    folder = root / archive.base_folder
    folder.mkdir(parents=True)
    key = "labels" if classes == 10 else "fine_labels"

    def written(name: str, content: object) -> list[str]:
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, md5((folder / name).read_bytes()).hexdigest()]

    def batch(name: str) -> list[str]:
        rows = {"data": rng.integers(0, 256, (classes, 3072), np.uint8), key: list(range(classes))}
        return written(name, rows)

    monkeypatch.setattr(archive, "train_list", [batch(name) for name, _ in archive.train_list])
    monkeypatch.setattr(archive, "test_list", [batch(name) for name, _ in archive.test_list])
    names = [f"great_class_{label}" for label in range(classes)]
    filename, digest = written(archive.meta["filename"], {archive.meta["key"]: names})
    monkeypatch.setattr(archive, "meta", archive.meta | {"filename": filename, "md5": digest})


def real_cifar(part: str) -> str:
    """The path of CIFAR-10's train or test part as Parquet; skips the test where it is not there."""
    folder = Path(os.environ.get("UNDERTOW_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
    path = folder / f"cifar10_{part}.parquet"
    if not path.exists():
        pytest.skip(f"needs {path.name} in UNDERTOW_TEST_DATA")
    return str(path)
