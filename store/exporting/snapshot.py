"""One state of a run, opened to be read from its first row to its last in bounded memory.

A page asks small questions of whatever is newest (store/reader.py). What leaves Undertow as a whole must be
of one moment instead; every file is compared with its checksum first, and long tables come a slice at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from store import connections, files, manifest, sources, summaries
from store.derived import ALL_TABLES, SUMMARY
from store.sources import State

THREADS, MEMORY = 2, "1GB"
# Sorted at a time: every slice goes through the whole database, and what exceeds the memory is spilled.
SLICE_ROWS = 16_000_000
# A row group of Parquet each; DuckDB's own size.
ROWS_A_BATCH = 122_880

_FOLDED = "folded"
_ORDER = {
    "samples": "sample_id",
    "history": "epoch, sample_id",
    "metrics": "epoch",
    "epoch_stats": "epoch, signal, label NULLS FIRST",
    "classes": "label",
    SUMMARY: "sample_id",
}


@dataclass(frozen=True)
class Snapshot:
    """A state of the run in a folder; its database, if any, is attached to the connection."""

    folder: Path
    state: State
    connection: duckdb.DuckDBPyConnection

    @property
    def last_epoch(self) -> int:
        """The last epoch of the state, -1 where there is none."""
        return self.state.committed.last_epoch

    def rows(self, table: str) -> int:
        """Returns the number of rows of a table."""
        if table == SUMMARY:
            return self.rows("samples") if self.last_epoch >= 0 else 0
        counted = self.connection.execute(f"SELECT count(*) FROM ({self._select(table, self.state)})")
        return int(counted.fetchall()[0][0])

    def batches(self, table: str, *, lists_as_text: bool = False) -> Iterator[pa.RecordBatch]:
        """Yields the rows of a table by epoch, then sample or class; lists_as_text: lists come as JSON."""
        names = [
            f'CAST("{column.name}" AS VARCHAR) AS "{column.name}"'
            if lists_as_text and column.type.endswith("[]")
            else f'"{column.name}"'
            for column in ALL_TABLES[table]
        ]
        for source in self._slices(table):
            ordered = f"SELECT {', '.join(names)} FROM {source} ORDER BY {_ORDER[table]}"
            yield from self.connection.sql(ordered).to_arrow_reader(ROWS_A_BATCH)

    def is_replaced(self) -> bool:
        """True where a file of the state is another one by now, so that what was read is of no one moment."""
        return any(now not in (0, then) for now, then in self._times())

    def is_gone(self) -> bool:
        """True where a file of the state is not there any more: it was folded, or the run was deleted."""
        database = sources.database(self.folder, self.state)
        return any(now == 0 < then for now, then in self._times()) or bool(database and not database.exists())

    def _times(self) -> list[tuple[int, int]]:
        """When each file changed: now, and as the state has it."""
        return [
            (files.modified(self.folder / ("parts" if "-" in name else "") / name), then)
            for name, then in self.state.modified
        ]

    def _slices(self, table: str) -> Iterator[str]:
        """Yields what stands behind FROM for one slice of a table after the other."""
        if table == SUMMARY:
            yield from self._summary_slices()
        elif table in ("history", "epoch_stats"):
            step = max(1, SLICE_ROWS // max(1, self.rows("samples")))
            for low in range(0, self.last_epoch + 1, step):
                within = f"epoch BETWEEN {low} AND {low + step - 1}"
                yield f"({self._select(table, self._narrowed(low, low + step))}) WHERE {within}"
        else:
            yield f"({self._select(table, self.state)})"

    def _summary_slices(self) -> Iterator[str]:
        if self.last_epoch < 0:
            return
        if not self.state.committed.newer:
            yield f"({summaries.stored(self.connection, _FOLDED)})"
            return
        for table in ("samples", "history"):
            select = self._select(table, self.state)
            self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS {select}")
        samples, step = self.rows("samples"), max(1, SLICE_ROWS // (self.last_epoch + 1))
        for low in range(0, samples, step):
            within = f"sample_id BETWEEN {low} AND {low + step - 1}"
            yield f"(SELECT *, {self.last_epoch} AS up_to FROM ({summaries.select(within)})) WHERE {within}"

    def _select(self, table: str, state: State) -> str:
        has_database = state.committed.manifest.database is not None
        return sources.select(self.folder, table, state, catalog=_FOLDED if has_database else None)

    def _narrowed(self, low: int, high: int) -> State:
        """Returns the state with only those files that hold epochs from low to high - 1."""
        committed = self.state.committed
        newer = tuple(epoch for epoch in committed.newer if low <= epoch < high)
        known = committed.manifest if low <= committed.manifest.folded else manifest.Manifest()
        return replace(self.state, committed=replace(committed, manifest=known, newer=newer))


@contextmanager
def opened(folder: Path, spill: Path) -> Iterator[Snapshot]:
    """Opens the newest state of a run; what does not fit into memory lies in the folder spill meanwhile.

    Raises RunIsForeign naming the file that is not as it was written, FileNotFoundError where the state went
    away meanwhile.
    """
    state = sources.state(folder)
    _check(folder, state)
    settings = connections.settings(threads=THREADS, memory=MEMORY, spill=spill)
    with duckdb.connect(config=settings) as connection:
        connection.execute("SET parquet_metadata_cache = true")  # every slice asks for the same footers
        database = sources.database(folder, state)
        if database:
            try:
                connection.execute(f"ATTACH {sources.quoted(database)} AS {_FOLDED} (READ_ONLY)")
            except duckdb.Error as failure:
                if not database.exists():
                    raise FileNotFoundError(database) from failure
                raise sources.foreign(database) from failure
        yield Snapshot(folder, state, connection)


def _check(folder: Path, state: State) -> None:
    sources.check(folder, state)
    database = sources.database(folder, state)
    if database and files.sha256(database) != state.committed.manifest.sha256:
        raise sources.foreign(database)
