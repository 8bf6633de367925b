"""The parts of one epoch: three Parquet files; the history is written last and makes it count.

Each carries in its footer which run and epoch it belongs to, so that a file that was cut, copied in from
another run or written by something else is named instead of read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from store import files, manifest, statistics, tables
from store.deletion import deletion_said
from store.errors import RunIsForeign
from store.schema import SCHEMA_VERSION, TABLES

KINDS = {"stats": "epoch_stats", "metrics": "metrics", "epoch": "history"}


def write_parts(
    folder: Path, epoch: int, *, columns: Mapping[str, Any], metrics: Mapping[str, float], labels: ndarray
) -> Path:
    """Writes the parts of one epoch and returns the history part, whose name commits the epoch.

    columns: history without epoch, N rows in id order; metrics: without epoch; labels: (N,) of the samples.
    """
    _check_rows(epoch, columns, metrics, len(labels))
    with deletion_said(folder):
        classes = tables.read_rows(folder / "classes.parquet")
        contents = {
            "epoch_stats": statistics.epoch_statistics(epoch, columns, labels=labels, classes=classes),
            "metrics": {"epoch": [epoch], **{name: [value] for name, value in metrics.items()}},
            "history": {"epoch": np.full(len(labels), epoch), **columns},
        }
        encoded = {kind: _encode(folder, kind, epoch, contents[table]) for kind, table in KINDS.items()}
        for kind, content in encoded.items():
            files.write_whole(manifest.part_path(folder, kind, epoch), [content])
    return manifest.part_path(folder, "epoch", epoch)


def check_part(folder: Path, kind: str, epoch: int, *, rows: int | None) -> None:
    """Raises RunIsForeign where the part is not to the byte what this run wrote; rows: None = any.

    Reads the whole file, about 1 ms a megabyte.
    """
    path = manifest.part_path(folder, kind, epoch)
    try:
        names, found, noted = tables.parquet_facts(path)
    except tables.ArrowInvalid as failure:
        raise _foreign(path, epoch, "is no whole Parquet file") from failure
    except FileNotFoundError as failure:
        # Whoever removes an epoch begins with the part that commits it.
        is_committed = manifest.part_path(folder, "epoch", epoch).exists()
        if not path.is_symlink() and (path.exists() or not is_committed):
            raise
        raise _foreign(path, epoch, "is missing") from failure
    except OSError as failure:
        raise _foreign(path, epoch, "cannot be read as a file") from failure
    if names != _names(kind) or not note(folder, kind, epoch).items() <= noted.items():
        raise _foreign(path, epoch, "was not written by this run")
    if rows is not None and found != rows:
        raise _foreign(path, epoch, f"has {found} rows where {rows} are due")
    if not tables.is_sealed(path):
        raise _foreign(path, epoch, "has changed since it was written")


def note(folder: Path, kind: str, epoch: int) -> dict[str, str]:
    """Returns what the footer of a part says: which run and epoch it belongs to, and its kind."""
    return {
        "undertow.schema": str(SCHEMA_VERSION),
        "undertow.run": folder.name,
        "undertow.part": f"{kind} {epoch}",
    }


def remove_parts(folder: Path, epoch: int) -> None:
    """Removes the parts of one epoch, the one that commits it first."""
    for kind in reversed(KINDS):
        files.remove(manifest.part_path(folder, kind, epoch))


def remove_uncommitted(folder: Path, last_epoch: int) -> None:
    """Removes metrics and statistics of epochs after the last, which a dead writer never committed."""
    for kind in ("stats", "metrics"):
        for epoch in manifest.numbered(folder / "parts", kind):
            if epoch > last_epoch:
                files.remove(manifest.part_path(folder, kind, epoch))


def _check_rows(epoch: int, columns: Mapping[str, Any], metrics: Mapping[str, float], samples: int) -> None:
    tables.check_names(f"epoch {epoch}", list(columns), TABLES["history"][1:])
    tables.check_names(f"the metrics of epoch {epoch}", list(metrics), TABLES["metrics"][1:])
    for name, values in columns.items():
        if len(values) != samples:
            raise ValueError(f"{name} of epoch {epoch} must have {samples} rows; got {len(values)}")
    if not np.array_equal(columns["sample_id"], np.arange(samples)):
        raise ValueError(f"sample_id of epoch {epoch} must be 0 to {samples - 1} in order; got other ids")
    if tables.unknown_cells(columns["selected"]).any():
        raise ValueError(f"selected of epoch {epoch} must be known for every sample; got unknown ones")


def _names(kind: str) -> list[str]:
    return [column.name for column in TABLES[KINDS[kind]]]


def _encode(folder: Path, kind: str, epoch: int, columns: Mapping[str, Any]) -> memoryview:
    return tables.parquet_bytes(tables.arrow_table(KINDS[kind], columns), note(folder, kind, epoch))


def _foreign(path: Path, epoch: int, wrong: str) -> RunIsForeign:
    return RunIsForeign(
        f"parts/{path.name} of run {path.parent.parent.name} {wrong}; restore it from a copy, or delete the "
        f"parts from epoch {epoch} on and resume the run"
    )
