"""Folding: parts become tables of one DuckDB file, sorted so that one sample's history lies together.

A fold never touches what a reader has open: it writes the next generation beside the last and publishes it
through the manifest. The last generation and the parts that it lacks stay until the fold after, for the
readers that still look at it.

One file, written whole each time, however long the run. 115 M rows (1.28 M samples x 90 epochs) take 150
core-seconds, 1.2 GB of memory and 2.7 GB of disk beside the parts and the last generation; one sample's
history is then in 3 of 959 row groups and takes 25 core-milliseconds. Segments of 16 M rows would rewrite
less, but every question would ask each of them (61 ms at p95 in the prototype), and no client would open the
run as one file.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from store import blame, connections, files, manifest, parts, sources, summaries
from store.deletion import deletion_said
from store.errors import disk_is_full
from store.manifest import Manifest
from store.schema import TABLES, ddl

# Rows of this many samples lie together, so that one sample's history is in few row groups.
BLOCK = 1024
# Within a block, so many epochs of one sample follow one another: what is refreshed every few epochs then
# repeats from row to row, and one epoch still touches a tenth of the rows only.
STRETCH = 10
# Kept rows first: columns that are empty for dropped samples then fill whole column segments or none, and an
# empty segment takes no space.
ORDER = f"NOT selected, sample_id // {BLOCK}, epoch // {STRETCH}, sample_id, epoch"
# Sorted at a time, so that a long history needs no more memory than a short one.
SLICE_ROWS = 4_000_000
# What the last generation still needs is kept this long after a fold, in seconds.
GRACE = 60.0

_MEMORY = "1GB"
# The oldest format, so that every DuckDB client since 1.0 opens the file.
_FORMAT = "v1.0.0"


def fold(folder: Path, up_to: int | None = None, *, threads: int = 2, is_final: bool = False) -> None:
    """Folds the committed parts, those after the epoch up_to aside, into the next generation.

    Every part is read whole and compared with its seal first. Having none, it cleans old files only.
    is_final: no fold is to follow soon, so nothing of the generation before is kept; a question that still
    looks at it is asked again.
    """
    with files.locked(folder / manifest.FOLD_LOCK, wait=True), _blamed(folder):
        _fold(folder, up_to, threads=threads, is_final=is_final)


def refold(folder: Path, epoch: int) -> None:
    """Publishes a generation without the epochs after epoch; the caller holds the fold lock."""
    with _blamed(folder):
        _publish(folder, sources.state(folder), epoch, threads=2)


@contextmanager
def _blamed(folder: Path) -> Iterator[None]:
    """Raises RunIsForeign naming the file to blame where DuckDB fails, or saying that the run is gone."""
    with deletion_said(folder, duckdb.Error):
        try:
            yield
        except duckdb.Error as failure:
            blame.explain([folder], failure)
            raise


def _fold(folder: Path, up_to: int | None, *, threads: int, is_final: bool) -> None:
    files.remove_strays(folder)
    state = sources.state(folder)
    newer = [epoch for epoch in state.committed.newer if up_to is None or epoch <= up_to]
    if newer:
        sources.check(folder, state)
        _publish(folder, state, newer[-1], threads=threads)
        if is_final:
            _clean_old(folder)
    elif is_final or abs(time.time_ns() - files.modified(folder / manifest.MANIFEST)) > GRACE * 1e9:
        _clean_old(folder)


def _publish(folder: Path, state: sources.State, last_epoch: int, *, threads: int) -> None:
    old = state.committed.manifest
    new = Manifest(generation=old.generation + 1)
    if last_epoch >= 0:
        name = "run.duckdb" if new.generation == 1 else f"run.{new.generation}.duckdb"
        path = folder / name
        rows = build(folder, path, state=state, last_epoch=last_epoch, threads=threads)
        size, digest = path.stat().st_size, files.sha256(path)
        new = replace(new, database=name, folded=last_epoch, rows=rows, bytes=size, sha256=digest)
    manifest.publish(folder, new)
    _clean(folder, new, old)


def _clean_old(folder: Path) -> None:
    now = manifest.read_manifest(folder)
    _clean(folder, now, now)


def _clean(folder: Path, new: Manifest, old: Manifest) -> None:
    """Removes what neither of two generations needs."""
    for epoch in {epoch for kind in parts.KINDS for epoch in manifest.numbered(folder / "parts", kind)}:
        if epoch <= min(new.folded, old.folded):
            parts.remove_parts(folder, epoch)
    for path in folder.glob("run*.duckdb"):
        if path.name not in (new.database, old.database):
            path.unlink(missing_ok=True)


def build(folder: Path, path: Path, *, state: sources.State, last_epoch: int, threads: int) -> int:
    """Writes a state, up to an epoch, as the database path, which appears whole.

    Returns the rows of its history. Raises DiskIsFull.
    """
    scratch = files.scratch_path(path)
    try:
        spill = scratch.with_name(f"{scratch.name}.spill")  # cleaned with the scratch file
        settings = connections.settings(threads=threads, memory=_MEMORY, spill=spill)
        with duckdb.connect(config=settings) as connection:
            connection.execute(f"ATTACH {sources.quoted(scratch)} AS new (STORAGE_VERSION '{_FORMAT}')")
            old = sources.database(folder, state)
            if old:
                connection.execute(f"ATTACH {sources.quoted(old)} AS old (READ_ONLY)")
            selects = {
                table: sources.select(folder, table, state, catalog="old" if old else None)
                for table in TABLES
            }
            rows = _write(connection, selects, last_epoch=last_epoch)
            connection.execute("DETACH new")
        files.sync(scratch)
        scratch.replace(path)
        files.sync(path.parent)
    except (duckdb.Error, OSError) as failure:
        if "No space left" in str(failure):
            raise disk_is_full(path, sources.size(folder, state)) from failure
        raise
    finally:
        files.remove_scratch(scratch)
    return rows


def _write(connection: duckdb.DuckDBPyConnection, selects: Mapping[str, str], *, last_epoch: int) -> int:
    """Writes every table and the summary into the new database; returns the rows of its history."""
    _create(connection)
    for table, select in selects.items():
        _fill(connection, table, select, last_epoch=last_epoch)
    summaries.create(connection, "new")
    for low, high in _slices(connection, last_epoch + 1) if last_epoch >= 0 else []:
        summaries.fill(connection, "new", epoch=last_epoch, low=low, high=high)
    return int(connection.execute("SELECT count(*) FROM new.history").fetchall()[0][0])


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates the tables with what each column means, all at once: every commit waits for the disk."""
    connection.execute("BEGIN")
    for table, columns in TABLES.items():
        connection.execute(ddl(table).replace("CREATE TABLE ", "CREATE TABLE new.", 1))
        for column in columns:
            comment = f"{column.meaning}; {column.when}".replace("'", "''")
            connection.execute(f"COMMENT ON COLUMN new.{table}.\"{column.name}\" IS '{comment}'")
    connection.execute("COMMIT")


def _fill(connection: duckdb.DuckDBPyConnection, table: str, select: str, *, last_epoch: int) -> None:
    """Inserts the rows of one table up to an epoch, in the order for reading."""
    if table in sources.FIXED:
        connection.execute(f"INSERT INTO new.{table} {select}")
    elif table != "history":
        # A question about statistics is about one signal.
        order = "signal, label, epoch" if table == "epoch_stats" else "epoch"
        connection.execute(
            f"INSERT INTO new.{table} FROM ({select}) WHERE epoch <= {last_epoch} ORDER BY {order}"
        )
    else:
        for low, high in _slices(connection, last_epoch + 1):
            connection.execute(
                f"INSERT INTO new.history FROM ({select}) WHERE epoch <= {last_epoch} "
                f"AND sample_id >= {low} AND sample_id < {high} "
                f"ORDER BY {ORDER}"
            )


def _slices(connection: duckdb.DuckDBPyConnection, epochs: int) -> list[tuple[int, int]]:
    """Returns ranges of samples, whole blocks each, whose histories can be sorted at a time."""
    samples = int(connection.execute("SELECT count(*) FROM new.samples").fetchall()[0][0])
    step = max(1, SLICE_ROWS // max(1, epochs) // BLOCK) * BLOCK
    return [(low, low + step) for low in range(0, samples, step)]
