"""Whether the tables of a run's database are what the schema and the rest of the run say they must be.

The checksum proves that the file is the one that was published; this proves that what was published is whole.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import duckdb

from store import connections, sources, summaries
from store.manifest import Manifest
from store.schema import SIGNALS, TABLES

# Samples whose epochs are counted at a time, so that a large run needs no more memory than a small one.
_SAMPLES_AT_A_TIME = 200_000


def wrong(folder: Path, published: Manifest, *, compared: Sequence[str]) -> str:
    """Returns the first thing that is wrong with the database of a run, "" where nothing is. Read-only.

    compared: which of samples and classes are to be those of the run's own files.
    """
    path = folder / str(published.database)
    spill = Path(tempfile.gettempdir()) / f"undertow-check-{os.getpid()}"
    try:
        with duckdb.connect(config=connections.settings(threads=2, memory="1GB", spill=spill)) as connection:
            connection.execute(f"ATTACH {sources.quoted(path)} AS kept (READ_ONLY)")
            connection.execute("USE kept")
            found = _all_wrong(connection, published)
            differing = (_differing(connection, folder, table) for table in compared)
            return next(chain(found, chain.from_iterable(differing)), "")
    except duckdb.Error as failure:
        return f"cannot be read ({str(failure).splitlines()[0]})"


def _all_wrong(connection: duckdb.DuckDBPyConnection, published: Manifest) -> Iterator[str]:
    for table in TABLES:
        yield from _columns(connection, table)
    epochs = published.folded + 1
    samples, classes = _number(connection, "FROM samples"), _number(connection, "FROM classes")
    due = {
        "history": samples * epochs,
        "metrics": epochs,
        "epoch_stats": epochs * len(SIGNALS) * (classes + 1),
    }
    for table, rows in due.items():
        found = _number(connection, f"FROM {table}")
        if found != rows:
            yield f"table {table} has {found} rows where {rows} are due"
    if published.rows != due["history"]:
        yield f"has {due['history']} rows of history where the manifest says {published.rows}"
    yield from _history(connection, samples, epochs)
    yield from _epochs(connection, epochs)
    yield from _summary(connection, samples, epochs)


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
    found = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = 'kept' AND table_name = ? ORDER BY column_index",
        [table],
    ).fetchall()
    if found != [(column.name, column.type) for column in TABLES[table]]:
        yield f"table {table} {'has other columns than the schema' if found else 'is missing'}"


def _history(connection: duckdb.DuckDBPyConnection, samples: int, epochs: int) -> Iterator[str]:
    """Every sample must have every epoch once: each epoch sets one bit, and no bit is set twice."""
    for low in range(0, samples, _SAMPLES_AT_A_TIME):
        high = min(low + _SAMPLES_AT_A_TIME, samples)
        whole = _number(
            connection,
            f"""
            FROM (
                SELECT count(*) AS rows, bit_count(bitstring_agg(epoch, 0, {max(epochs - 1, 1)})) AS epochs
                FROM history WHERE sample_id >= {low} AND sample_id < {high} GROUP BY sample_id
            ) WHERE rows = {epochs} AND epochs = {epochs}
            """,
        )
        if whole != high - low:
            yield f"{high - low - whole} samples from {low} on have not one row an epoch in history"


def _epochs(connection: duckdb.DuckDBPyConnection, epochs: int) -> Iterator[str]:
    for table in ("metrics", "epoch_stats"):
        found = _number(connection, f"FROM (SELECT DISTINCT epoch FROM {table}) WHERE epoch < {epochs}")
        if found != epochs:
            yield f"table {table} is of {found} epochs where {epochs} are due"


def _summary(connection: duckdb.DuckDBPyConnection, samples: int, epochs: int) -> Iterator[str]:
    """The stored summary, where there is one, is of every sample and of the last epoch."""
    stored = summaries.stored(connection, "kept")
    found = _number(connection, f"FROM ({stored})")
    right = _number(connection, f"FROM ({stored}) WHERE up_to = {epochs - 1} AND sample_id < {samples}")
    if found and not found == right == samples:
        yield f"table {summaries.TABLE} has {right} of {samples} samples as of epoch {epochs - 1}"


def _differing(connection: duckdb.DuckDBPyConnection, folder: Path, table: str) -> Iterator[str]:
    path = folder / f"{table}.parquet"
    names = ", ".join(f'"{column.name}"' for column in TABLES[table])
    file = f"SELECT {names} FROM read_parquet({sources.quoted(path)})"
    differing = _number(connection, f"FROM (({file}) EXCEPT ALL SELECT {names} FROM {table})")
    differing += _number(connection, f"FROM (SELECT {names} FROM {table} EXCEPT ALL ({file}))")
    if differing:
        yield f"table {table} is not that of {path.name}"


def _number(connection: duckdb.DuckDBPyConnection, rest: str) -> int:
    return int(connection.execute(f"SELECT count(*) {rest}").fetchall()[0][0])
