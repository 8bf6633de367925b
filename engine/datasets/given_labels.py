"""Labels from a file instead of those of the source: real annotators' errors, or a person's corrections."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.datasets import Dataset
from engine.settings import Settings

COLUMNS = ("sample_id", "label")


class GivenLabels(Settings):
    """Takes labels from a file, of all samples or of some; the others keep theirs."""

    kind: Literal["given"] = "given"
    path: str = Field(
        "",
        min_length=1,
        validate_default=True,
        description=".csv or .parquet with sample_id and label, or .npy with (n, 2) of them or (N,) labels",
    )
    given_are: Literal["noisy", "corrected"] = Field(
        "noisy",
        description="noisy: the source's labels are the true ones; corrected: nobody knows the true labels",
    )

    def corrupt(self, dataset: Dataset) -> Dataset:
        """Returns the data set with the labels of the file, of which sample_id is a row of the training set.

        Raises ValueError where the file, an id or a label is not what it must be.
        """
        path = Path(self.path).expanduser()
        ids, given = read(path)
        where = path.name
        if len(ids) and not 0 <= ids.min() <= ids.max() < len(dataset.labels):
            last = len(dataset.labels) - 1
            raise ValueError(f"sample_id in {where} must be from 0 to {last}; got {ids.min()} to {ids.max()}")
        if len(np.unique(ids)) < len(ids):
            raise ValueError(f"sample_id in {where} must name each sample once; some stand there again")
        labels = dataset.labels.copy()
        labels[ids] = _numbers(given, dataset.class_names, where)
        noisy = self.given_are == "noisy"
        return replace(dataset, labels=labels, true_labels=dataset.labels if noisy else None)


def read(path: Path) -> tuple[ndarray, Sequence[Any]]:
    """Returns the ids (n,) int64 and the n labels, numbers or names, in a file.

    Raises ValueError where it cannot be read.
    """
    readers = {".csv": _csv, ".parquet": _parquet, ".npy": _npy}
    if path.suffix not in readers:
        raise ValueError(f"noise.path must end in .csv, .parquet or .npy; got {path}")
    if not path.is_file():
        raise ValueError(f"noise.path must be a file; {path} is not there")
    ids, labels = readers[path.suffix](path)
    try:
        return np.array([int(number) for number in ids], np.int64), labels
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_id in {path.name} must be whole numbers ({error})") from error


def _csv(path: Path) -> tuple[Sequence[Any], Sequence[Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        _check_columns(rows.fieldnames or (), path)
        pairs = [(row["sample_id"], row["label"]) for row in rows]
    return [number for number, _ in pairs], [label for _, label in pairs]


def _parquet(path: Path) -> tuple[Sequence[Any], Sequence[Any]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ValueError(f"{path} cannot be read as Parquet; give another file ({error})") from error
    _check_columns(table.column_names, path)
    return table["sample_id"].to_pylist(), table["label"].to_pylist()


def _npy(path: Path) -> tuple[Sequence[Any], Sequence[Any]]:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read as an array; give another file ({error})") from error
    if values.ndim == 1 and values.dtype.names is not None:
        _check_columns(values.dtype.names, path)
        return values["sample_id"].tolist(), values["label"].tolist()
    if values.dtype.kind in "iu" and values.ndim == 1:
        return list(range(len(values))), values.tolist()
    if values.dtype.kind in "iu" and values.ndim == 2 and values.shape[1] == len(COLUMNS):
        return values[:, 0].tolist(), values[:, 1].tolist()
    raise ValueError(
        f"{path.name} must be (n, 2) ids and labels or (N,) labels; got {values.shape} {values.dtype}"
    )


def _check_columns(found: Sequence[str], path: Path) -> None:
    if not set(COLUMNS) <= set(found):
        raise ValueError(f"{path.name} must have the columns sample_id and label; got {', '.join(found)}")


def _numbers(given: Sequence[Any], names: tuple[str, ...], where: str) -> ndarray:
    """The class number of each label; a name counts before a number that is written like it."""
    numbers = {str(label): label for label in range(len(names))}
    numbers |= {name: label for label, name in enumerate(names)}
    unknown = next((label for label in given if str(label) not in numbers), None)
    if unknown is not None or None in given:
        raise ValueError(
            f"label in {where} must be a class ({', '.join(names[:12])}) or its number; got {unknown!r}"
        )
    return np.array([numbers[str(label)] for label in given], np.int64)
