"""Maps: where samples lie on the plane after an epoch, and who their neighbours are in feature space.

They are files beside the tables, because a page reads a whole map at once and never a row of several.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy import ndarray

from store import files, tables
from store.errors import RunIsForeign
from store.manifest import map_path
from store.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = pa.schema(
    [
        ("sample_id", pa.uint32()),
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("neighbours", pa.list_(pa.uint32())),
    ]
)


def write(folder: Path, epoch: int, *, sample_ids: ndarray, positions: ndarray, neighbours: ndarray) -> None:
    """Writes one map. sample_ids (M,), positions (M, 2), neighbours (M, k) ids, nearest first."""
    count = len(sample_ids)
    if positions.shape != (count, 2):
        raise ValueError(f"positions of the map must have shape ({count}, 2); got {positions.shape}")
    if neighbours.ndim != 2 or len(neighbours) != count:
        raise ValueError(f"neighbours of the map must have shape ({count}, k); got {neighbours.shape}")
    content = {
        "sample_id": pa.array(np.asarray(sample_ids, np.uint32)),
        "x": pa.array(np.asarray(positions[:, 0], np.float32)),
        "y": pa.array(np.asarray(positions[:, 1], np.float32)),
        "neighbours": tables.list_array(neighbours),
    }
    table = pa.table(content, schema=SCHEMA)
    files.write_whole(map_path(folder, epoch), [tables.parquet_bytes(table, note(folder, epoch))])


def note(folder: Path, epoch: int) -> dict[str, str]:
    """Returns what the footer of a map says: which run and epoch it belongs to."""
    return {
        "undertow.schema": str(SCHEMA_VERSION),
        "undertow.run": folder.name,
        "undertow.part": f"map {epoch}",
    }


def read(
    folder: Path, epoch: int, sample_id: int | None = None, columns: Sequence[str] | None = None
) -> "pd.DataFrame":
    """Returns sample_id, x, y and neighbours of one map, or some of these, of all its samples or of one."""
    path = map_path(folder, epoch)
    if not path.exists():
        raise LookupError(f"run {folder.name} has no map of epoch {epoch}; map_epochs lists those there are")
    wanted = None if sample_id is None else [("sample_id", "==", sample_id)]
    try:
        frame: pd.DataFrame = pq.read_table(
            path, columns=None if columns is None else list(columns), filters=wanted
        ).to_pandas()
    except pa.ArrowInvalid as failure:
        raise RunIsForeign(
            f"maps/{path.name} of run {folder.name} is no whole Parquet file; delete it, the other maps stay"
        ) from failure
    return frame
