"""The forms of an export: how the rows of a snapshot become Parquet files, CSV files or one database.

Rows are streamed, so that a table of any length needs the memory of some row groups. Nothing here decides
where a file goes or whether it may: that is store/exporting/exports.py.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from store import connections, sources
from store.derived import ALL_MEANINGS, ALL_TABLES, RUN, RUN_COLUMNS
from store.exporting.snapshot import MEMORY, ROWS_A_BATCH, THREADS, Snapshot
from store.folding import fold
from store.run import Run
from store.schema import SCHEMA_VERSION, Column
from store.tables import ARROW_TYPES

# Told what is being written, rows written and rows in all; None = unknown.
Told = Callable[[str, int | None, int | None], None]

_TYPES = {**ARROW_TYPES, "DOUBLE": pa.float64(), "BIGINT": pa.int64()}
_COPIED = 64 << 20  # bytes at a time


def write_parquet(run: Run, snapshot: Snapshot, folder: Path, told: Told) -> None:
    """Writes <table>.parquet for every table, zstd, with run, schema version and meanings in its metadata."""
    folder.mkdir()
    about = _about(run, snapshot)
    for table, batches in _tables(snapshot, about, told, lists_as_text=False):
        schema = _schema(table)
        floats = [field.name for field in schema if pa.types.is_floating(field.type)]
        with (
            (folder / f"{table}.parquet").open("wb") as stream,
            pq.ParquetWriter(
                stream, schema, compression="zstd", use_byte_stream_split=floats,
                use_dictionary=[name for name in schema.names if name not in floats],
            ) as writer,
        ):  # fmt: skip
            for batch in batches:
                writer.write_table(pa.table(batch).cast(schema), row_group_size=ROWS_A_BATCH)
            writer.add_key_value_metadata(_note(table, about))


def write_csv(run: Run, snapshot: Snapshot, folder: Path, told: Told) -> None:
    """Writes <table>.csv for every table: UTF-8 with a header, unknown empty, true or false, lists as JSON.

    A float has the fewest digits from which the same float is read.
    """
    folder.mkdir()
    for table, batches in _tables(snapshot, _about(run, snapshot), told, lists_as_text=True):
        schema = pa.schema(
            [
                (field.name, pa.string() if pa.types.is_list(field.type) else field.type)
                for field in _schema(table)
            ]
        )
        with (folder / f"{table}.csv").open("wb") as stream, csv.CSVWriter(stream, schema) as writer:
            for batch in batches:
                writer.write_table(pa.table(batch).cast(schema))


def write_database(run: Run, snapshot: Snapshot, path: Path, told: Told) -> None:
    """Writes one DuckDB file with every table and what each column means."""
    told("database", None, None)
    folded = sources.database(run.folder, snapshot.state)
    if folded and not snapshot.state.committed.newer:
        _copy(folded, path, told)
    else:
        state, last_epoch = snapshot.state, snapshot.last_epoch
        fold.build(run.folder, path, state=state, last_epoch=last_epoch, threads=THREADS)
    rows = _about(run, snapshot)
    with duckdb.connect(config=connections.settings(threads=1, memory=MEMORY)) as connection:
        connection.execute(f"ATTACH {sources.quoted(path)} AS new")
        connection.execute("BEGIN")
        declared = ", ".join(f'"{column.name}" {column.type}' for column in RUN_COLUMNS)
        connection.execute(f"CREATE TABLE new.{RUN} ({declared})")
        marks = ", ".join("?" for _ in RUN_COLUMNS)
        connection.execute(f"INSERT INTO new.{RUN} VALUES ({marks})", list(rows.to_pylist()[0].values()))
        for column in RUN_COLUMNS:
            connection.execute(f'COMMENT ON COLUMN new.{RUN}."{column.name}" IS {_text(_comment(column))}')
        for table, meaning in ALL_MEANINGS.items():
            connection.execute(f"COMMENT ON TABLE new.{table} IS {_text(meaning)}")
        connection.execute("COMMIT")
        connection.execute("DETACH new")


def _tables(
    snapshot: Snapshot, about: pa.Table, told: Told, *, lists_as_text: bool
) -> Iterator[tuple[str, Iterator[pa.RecordBatch]]]:
    """Yields every table with its rows and tells how many of all rows were taken."""
    named = [table for table in ALL_TABLES if table != RUN]
    total, done = sum(snapshot.rows(table) for table in named), 0

    def counted(table: str) -> Iterator[pa.RecordBatch]:
        nonlocal done
        for batch in snapshot.batches(table, lists_as_text=lists_as_text):
            yield batch
            done += batch.num_rows
            told(table, done, total)

    for table in named:
        told(table, done, total)
        yield table, counted(table)
    yield RUN, iter(about.to_batches())


def _about(run: Run, snapshot: Snapshot) -> pa.Table:
    """Returns the one row that says whose tables these are."""
    row: dict[str, Any] = {
        "id": run.id,
        "schema_version": SCHEMA_VERSION,
        "state": run.status().state,
        "last_epoch": snapshot.last_epoch if snapshot.last_epoch >= 0 else None,
        "config": json.dumps(run.config(), ensure_ascii=False),
        "about": json.dumps(run.about(), ensure_ascii=False),
    }
    return pa.Table.from_pylist([row], schema=_schema(RUN))


def _schema(table: str) -> pa.Schema:
    return pa.schema([(column.name, _TYPES[column.type]) for column in ALL_TABLES[table]])


def _note(table: str, about: pa.Table) -> dict[str, str]:
    row = about.to_pylist()[0]
    meanings = {column.name: _comment(column) for column in ALL_TABLES[table]}
    return {
        "undertow.run": row["id"],
        "undertow.schema": str(row["schema_version"]),
        "undertow.table": f"{table}: {ALL_MEANINGS[table]}",
        "undertow.columns": json.dumps(meanings, ensure_ascii=False),
        "undertow.config": row["config"],
    }


def _copy(source: Path, path: Path, told: Told) -> None:
    """Copies a database that holds all epochs already."""
    total, done = source.stat().st_size, 0
    with source.open("rb") as old, path.open("wb") as new:
        while piece := old.read(_COPIED):
            new.write(piece)
            done += len(piece)
            told("database", done, total)


def _comment(column: Column) -> str:
    return f"{column.meaning}; {column.when}"


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
