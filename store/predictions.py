"""What somebody expected a run to keep, written down before the run began.

A prediction that could be changed afterwards would prove nothing: the file appears whole, names the run it
was computed from, and carries the digest of the settings that it is for.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy import ndarray

from store import files, tables
from store.errors import RunIsForeign
from store.run import Run

NAME = "predicted.parquet"
SCHEMA = pa.schema([("epoch", pa.uint16()), ("sample_ids", pa.list_(pa.uint32()))])

_NOTE = "undertow_prediction"


@dataclass(frozen=True)
class Prediction:
    """The sets that a run is expected to keep; base: id of the run whose log they were computed from.

    epoch: the one that somebody looked at; kept: ids (M,), ascending, by epoch, this one among them; of: how
    many samples there are.
    """

    base: str
    epoch: int
    of: int
    kept: Mapping[int, ndarray]


def write(run: Run, prediction: Prediction) -> Path:
    """Writes what a run is expected to keep into its folder; returns the file, which appears whole.

    Raises ValueError where the run has begun, or where the prediction lacks its own epoch or holds ids that
    are not ascending numbers of its samples; DiskIsFull.
    """
    if run.last_epoch() >= 0:
        raise ValueError(f"run {run.id} must have no epoch yet, or it is no prediction; got one")
    if prediction.epoch not in prediction.kept:
        raise ValueError(f"a prediction must hold its epoch {prediction.epoch}; got {list(prediction.kept)}")
    for epoch, ids in prediction.kept.items():
        _check_ids(epoch, ids, prediction.of)
    note = {
        "base": prediction.base,
        "epoch": prediction.epoch,
        "of": prediction.of,
        "config": digest(run.config()),
    }
    table = pa.table(
        {
            "epoch": list(prediction.kept),
            "sample_ids": pa.array(list(prediction.kept.values()), pa.list_(pa.uint32())),
        },
        schema=SCHEMA,
    )
    path = run.folder / NAME
    files.write_whole(path, [tables.parquet_bytes(table, {_NOTE: json.dumps(note)})])
    return path


def read(run: Run) -> Prediction | None:
    """Returns what a run was expected to keep, None where nobody predicted.

    Raises RunIsForeign where the file is damaged or was written for other settings than the run has.
    """
    path = run.folder / NAME
    if not path.exists():
        return None
    try:
        table, note = pq.read_table(path), json.loads(tables.parquet_facts(path)[2][_NOTE])
        of, kept = int(note["of"]), _sets(table)
        for epoch, ids in kept.items():
            _check_ids(epoch, ids, of)
        found = Prediction(base=str(note["base"]), epoch=int(note["epoch"]), of=of, kept=kept)
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as failure:
        raise RunIsForeign(
            f"{NAME} of run {run.id} is no whole prediction; delete it, the run itself stays"
        ) from failure
    if note.get("config") != digest(run.config()):
        raise RunIsForeign(
            f"{NAME} of run {run.id} was written for other settings; delete it, the run itself stays"
        )
    return found


def digest(config: Mapping[str, Any]) -> str:
    """Returns a text that is equal for equal settings, in whatever order they stand."""
    return hashlib.sha256(json.dumps(dict(config), sort_keys=True).encode()).hexdigest()


def _sets(table: pa.Table) -> dict[int, ndarray]:
    sets = [row.values.to_numpy(zero_copy_only=False).astype(np.int64) for row in table["sample_ids"]]
    return dict(zip(table["epoch"].to_pylist(), sets, strict=True))


def _check_ids(epoch: int, ids: ndarray, of: int) -> None:
    ids = np.asarray(ids)
    is_ordered = ids.ndim == 1 and (np.diff(ids) > 0).all()
    if not is_ordered or (len(ids) and (ids[0] < 0 or ids[-1] >= of)):
        raise ValueError(f"ids kept in epoch {epoch} must ascend from 0 to {of - 1}; got {ids}")
