"""Images in Parquet files, as the hubs keep them: a column of encoded images and a column of labels.

Decoded by threads once, into a file in the cache that is mapped into memory, so that the next run on the same
images starts at once and a set may be larger than the memory.
"""

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy import ndarray
from PIL import Image
from pydantic import Field

from engine.consistency import remember
from engine.datasets import Dataset, decode, mapped, strata
from engine.datasets.parquet_labels import labels_and_names
from engine.datasets.pictures import Flip, Gray, Side
from engine.datasets.prompts import PHOTO, Prompts
from engine.progress import Report
from engine.settings import Settings

BATCH = 512  # rows that are read at once


class ImageParquet(Settings):
    """Parquet files with encoded images and labels, as the hubs keep them."""

    kind: Literal["image_parquet"] = "image_parquet"
    train: str = Field(
        "", min_length=1, validate_default=True, description="a file, a folder of *.parquet, or a pattern"
    )
    test: str = Field("", description="the same for the test images; empty: a fifth of train is held out")
    image: str = Field("image", min_length=1, description="column of encoded images, or of {bytes, path}")
    label: str = Field("label", min_length=1, description="column of class numbers or names")
    side: Side = 0
    gray: Gray = False
    flip: Flip = True
    prompts: Prompts = PHOTO

    def load(self, report: Report) -> Dataset:
        """Returns the images mapped from the cache, decoded if they are new.

        Files are told apart by path, size and time of change. Raises ValueError, with the file and the row,
        for a broken image.
        """
        report(decode.LOADING, 0.0)
        train, test = _files(self.train, "train"), _files(self.test, "test") if self.test else []
        for path in (*train, *test):
            _check_columns(path, self.image, self.label)
        labels, names, training = labels_and_names(train, test, self.label)
        order = np.arange(len(labels))
        if not test:
            kept, held = strata.hold_out(labels, len(names), strata.HELD_OUT)
            order, training = np.concatenate([kept, held]), len(kept)
        images = self._images([*train, *test], order, report)
        labels = labels[order]
        return Dataset(
            images=images[:training],
            labels=labels[:training],
            test_images=images[training:],
            test_labels=labels[training:],
            class_names=names,
            prompts=self.prompts,
            flip=self.flip,
        )

    def _images(self, files: list[Path], order: ndarray, report: Report) -> ndarray:
        """Decodes all images, (N, C, H, W) uint8: row i is number order[i] of the files."""
        first = next(_pictures(files, self.image, np.zeros(len(order), np.int64)))
        width, height = (self.side, self.side) if self.side else decode.opened(first).size
        shape = (len(order), 1 if self.gray else 3, height, width)
        pictures = _pictures(files, self.image, np.argsort(order))
        fill = partial(decode.fill, pictures=pictures, resize=self.side > 0, report=report)
        stamps = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
        key = remember.key(decode.VERSION, *stamps, self.image, str(shape), order)
        return mapped.images(f"parquet-{key}", shape, fill, report)


def _files(where: str, setting: str) -> list[Path]:
    """Returns the files that a setting names, in the order of their names."""
    path = Path(where).expanduser().absolute()
    if path.is_dir():
        found = sorted(path.glob("*.parquet"))
    else:
        found = (
            [path] if path.is_file() else sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        )
    if not found:
        raise ValueError(f"source.{setting} must be a file, a folder of *.parquet or a pattern; got {where}")
    return found


def _check_columns(path: Path, image: str, label: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ValueError(f"{path} cannot be read as Parquet; give another file ({error})") from error
    for setting, column in (("image", image), ("label", label)):
        if column not in schema.names:
            known = ", ".join(schema.names)
            raise ValueError(f"source.{setting} must be a column of {path.name} ({known}); got {column!r}")
    kind = schema.field(image).type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise ValueError(f"source.image must be a column of encoded images; {image!r} is {kind}")


def _pictures(files: list[Path], image: str, places: ndarray) -> Iterator[decode.Picture]:
    """Reads the images of all files one after the other; number i of them belongs into row places[i]."""
    number = 0
    for path in files:
        for row, encoded in enumerate(_rows(path, image)):
            yield decode.Picture(int(places[number]), f"row {row} of {path}", partial(_opened, encoded))
            number += 1


def _rows(path: Path, image: str) -> Iterator[bytes | None]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=[image]):
            yield from _encoded(batch.column(0))


def _opened(encoded: bytes | None) -> Image.Image:
    if encoded is None:
        raise ValueError("it holds no bytes")
    return Image.open(io.BytesIO(encoded))


def _encoded(column: Any) -> list[bytes | None]:
    """The bytes of each image, of the hubs' {bytes, path} too."""
    import pyarrow as pa

    if pa.types.is_struct(column.type):
        column = column.field("bytes")
    values: list[bytes | None] = column.to_pylist()
    return values
