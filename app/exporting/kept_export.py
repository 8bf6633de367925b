"""The samples that each epoch trained on as a file: a CSV and a Parquet file of rows, an npz of truth values.

Each says which settings it comes from, in its name and inside, because ids alone mean nothing without them.
"""

from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pandas import DataFrame
from pyarrow import csv as arrow_csv

from app.exporting import export
from store.questions import kept
from store.run import Run

_SCHEMA = pa.schema([("epoch", pa.int32()), ("sample_id", pa.int64()), ("weight", pa.float32())])


class Format(NamedTuple):
    """One way to write the selected ids."""

    name: str
    ending: str
    mime: str
    write: Callable[[Run], bytes]
    holds: str


def file_name(run: Run, ending: str) -> str:
    """Returns the name of the file: what it holds, the run and the digest of its settings."""
    return f"kept-{run.id}-{export.config_digest(run.config())}.{ending}"


def as_csv(run: Run) -> bytes:
    """Returns rows of epoch, sample_id, weight, run and config, by epoch and id."""
    digest, written = export.config_digest(run.config()), BytesIO()
    schema = _SCHEMA.append(pa.field("run", pa.string())).append(pa.field("config", pa.string()))
    with arrow_csv.CSVWriter(written, schema) as writer:
        for rows in kept.by_epoch(run):
            table = _table(rows.assign(run=run.id, config=digest), schema)
            writer.write_table(table)
    return written.getvalue()


def as_parquet(run: Run) -> bytes:
    """Returns rows of epoch, sample_id and weight, by epoch and id; run and config stand in the metadata."""
    note = {"undertow.run": run.id, "undertow.config": export.config_digest(run.config())}
    schema, written = _SCHEMA.with_metadata(note), BytesIO()
    with pq.ParquetWriter(written, schema, compression="zstd") as writer:
        for rows in kept.by_epoch(run):
            writer.write_table(_table(rows, schema))
    return written.getvalue()


def as_npz(run: Run) -> bytes:
    """Returns arrays: selected, (epochs, N) booleans whose columns are sample ids; run and config as text."""
    written = BytesIO()
    np.savez_compressed(
        written, selected=kept.matrix(run), run=run.id, config=export.config_digest(run.config())
    )
    return written.getvalue()


def _table(rows: DataFrame, schema: pa.Schema) -> pa.Table:
    columns = [pa.array(rows[field.name], field.type, from_pandas=True, safe=False) for field in schema]
    return pa.table(columns, schema=schema)


FORMATS = (
    Format("CSV", "csv", "text/csv", as_csv, "epoch, sample_id, weight, run, config: a row a kept sample"),
    Format(
        "Parquet", "parquet", "application/vnd.apache.parquet", as_parquet,
        "epoch, sample_id, weight; run and config in its metadata",
    ),
    Format("npz", "npz", "application/zip", as_npz, "selected: true or false, epochs x samples; run, config"),
)  # fmt: skip
