"""The same epochs in one DuckDB file, as one would keep them without parts: what the store is held against.

Rows come as Arrow tables, the fastest way in, and are committed every epoch, so that a crash loses as little
as it does from parts. One peer opens and closes the file each time, since nobody else can read it while it is
open; the other keeps it open and shuts readers out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy import ndarray

from engine.recorder import Epoch, history_columns, metrics
from store import statistics, tables
from store.schema import ddl

OWN = "parts"
REOPENED = "one DuckDB file, opened and closed"
HELD = "one DuckDB file, held open"

TABLES = ("history", "metrics", "epoch_stats")  # what an epoch adds, in the store and here


@dataclass(frozen=True)
class Content:
    """Turns epochs into Arrow tables with the same rows as their parts."""

    labels: ndarray  # (N,)
    classes: int

    def tables(self, done: Epoch) -> dict[str, Any]:
        """Returns the Arrow table of each of TABLES, statistics computed as the store does."""
        columns = history_columns(done)
        numbers = metrics(done, seconds_record=0.0)
        named: dict[str, dict[str, Any]] = {
            "history": {"epoch": np.full(len(self.labels), done.epoch), **columns},
            "metrics": {"epoch": [done.epoch], **{name: [value] for name, value in numbers.items()}},
            "epoch_stats": self.statistics(done, columns),
        }
        return {table: tables.arrow_table(table, named[table]) for table in TABLES}

    def statistics(self, done: Epoch, columns: dict[str, ndarray]) -> dict[str, Any]:
        """Returns the statistics of an epoch as the store keeps them."""
        return statistics.epoch_statistics(done.epoch, columns, labels=self.labels, classes=self.classes)


@dataclass(frozen=True)
class Peers:
    """Two DuckDB files that grow by an epoch at a time."""

    content: Content
    reopened: Path
    held: duckdb.DuckDBPyConnection

    def reopen(self, done: Epoch) -> None:
        """Adds an epoch to the file that is closed in between."""
        content = self.content.tables(done)
        with duckdb.connect(self.reopened) as connection:
            _append(connection, content)

    def append(self, done: Epoch) -> None:
        """Adds an epoch to the file that stays open."""
        _append(self.held, self.content.tables(done))

    def rows(self) -> list[int]:
        """Returns the rows of history in both files; they must be there in whole."""
        with duckdb.connect(self.reopened) as connection:
            return [_rows(connection), _rows(self.held)]


@contextmanager
def peers(folder: Path, content: Content) -> Iterator[Peers]:
    """Yields two new files in a folder, reopened.duckdb and held.duckdb; both are closed afterwards."""
    paths = folder / "reopened.duckdb", folder / "held.duckdb"
    for path in paths:
        with duckdb.connect(path) as connection:
            for table in TABLES:
                connection.execute(ddl(table))
    with duckdb.connect(paths[1]) as held:
        yield Peers(content, paths[0], held)


def _append(connection: duckdb.DuckDBPyConnection, content: dict[str, Any]) -> None:
    connection.execute("BEGIN")
    for table, batch in content.items():
        connection.register("batch", batch)
        connection.execute(f"INSERT INTO {table} FROM batch")
        connection.unregister("batch")
    connection.execute("COMMIT")


def _rows(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.table("history").shape[0]
