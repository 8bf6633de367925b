"""What does not change during a run: its samples and the names of its classes, one Parquet file each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy import ndarray

from store import files, tables
from store.schema import SCHEMA_VERSION, TABLES


def write(folder: Path, columns: Mapping[str, Any], *, class_names: Sequence[str], is_fixed: bool) -> None:
    """Writes samples and classes; is_fixed: epochs refer to them, so that only the same ones are accepted."""
    tables.check_names("samples", list(columns), TABLES["samples"])
    _check(columns, len(class_names))
    true_label = np.ma.masked_less(np.ma.masked_invalid(columns["true_label"]), 0)
    content = {
        "classes": {"label": np.arange(len(class_names)), "name": class_names},
        "samples": {**columns, "true_label": true_label},
    }
    for table, named in content.items():
        path = folder / f"{table}.parquet"
        arrow = tables.arrow_table(table, named)
        if is_fixed and not pq.read_table(path).equals(arrow):
            raise ValueError(f"{table} of run {folder.name} must stay as they were; make a new run")
        files.write_whole(path, [tables.parquet_bytes(arrow, note(folder, table))])


def note(folder: Path, table: str) -> dict[str, str]:
    """Returns what the footer of samples or classes says: which run it belongs to, and which it is."""
    return {
        "undertow.schema": str(SCHEMA_VERSION),
        "undertow.run": folder.name,
        "undertow.part": table,
    }


def read_labels(folder: Path) -> ndarray:
    """Returns the label of every sample, (N,) uint16."""
    path = folder / "samples.parquet"
    if not path.exists():
        raise ValueError(f"run {folder.name} has no samples yet; write_samples comes before write_epoch")
    with pq.ParquetFile(path, pre_buffer=False) as file:  # read_table takes five times as long to begin
        labels: ndarray = file.read(["label"], use_threads=False)["label"].to_numpy()
    return labels


def _check(columns: Mapping[str, Any], classes: int) -> None:
    rows = len(columns["sample_id"])
    for name, values in columns.items():
        if len(values) != rows:
            raise ValueError(f"{name} of samples must have {rows} rows, one a sample; got {len(values)}")
    if not rows or not np.array_equal(columns["sample_id"], np.arange(rows)):
        raise ValueError("sample_id of samples must be 0, 1, 2, … in order; got other ids")
    low, high = np.min(columns["label"]), np.max(columns["label"])
    if not (low >= 0 and high < classes) or tables.unknown_cells(columns["label"]).any():
        raise ValueError(f"label of samples must be from 0 to {classes - 1}; got {low} to {high}")
