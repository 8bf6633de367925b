"""Maps: where samples lie on the plane after an epoch, and who their neighbours are in feature space.

They are files beside the tables, because a page reads a whole map at once and never a row of several.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy import ndarray

from store import files, tables
from store.manifest import map_path

if TYPE_CHECKING:
    import pandas as pd


def write(folder: Path, epoch: int, *, sample_ids: ndarray, positions: ndarray, neighbours: ndarray) -> None:
    """Writes one map. sample_ids (M,), positions (M, 2), neighbours (M, k) ids, nearest first."""
    count = len(sample_ids)
    if positions.shape != (count, 2):
        raise ValueError(f"positions of the map must have shape ({count}, 2); got {positions.shape}")
    if neighbours.ndim != 2 or len(neighbours) != count:
        raise ValueError(f"neighbours of the map must have shape ({count}, k); got {neighbours.shape}")
    offsets = np.arange(count + 1, dtype=np.int32) * neighbours.shape[1]
    content = {
        "sample_id": pa.array(np.asarray(sample_ids, np.uint32)),
        "x": pa.array(np.asarray(positions[:, 0], np.float32)),
        "y": pa.array(np.asarray(positions[:, 1], np.float32)),
        "neighbours": pa.ListArray.from_arrays(
            pa.array(offsets), pa.array(np.asarray(neighbours, np.uint32).reshape(-1))
        ),
    }
    files.write_whole(map_path(folder, epoch), [tables.parquet_bytes(pa.table(content), {})])


def read(folder: Path, epoch: int, sample_id: int | None = None) -> "pd.DataFrame":
    """Returns sample_id, x, y and neighbours of one map, of all its samples or of one."""
    path = map_path(folder, epoch)
    if not path.exists():
        raise LookupError(f"run {folder.name} has no map of epoch {epoch}; map_epochs lists those there are")
    wanted = None if sample_id is None else [("sample_id", "==", sample_id)]
    frame: pd.DataFrame = pq.read_table(path, filters=wanted).to_pandas()
    return frame
