"""One number of the last epoch of a run, for a list of hundreds of runs.

Joining database and parts takes a tenth of a second a run and loads pandas; the last row of metrics lies in
one small part, or is one row of the database.
"""

from functools import cache

import duckdb

from store import connections, manifest, sources, tables
from store.errors import RunIsForeign
from store.run import Run

_ATTEMPTS = 10


def last_metric(run: Run, name: str) -> float | None:
    """Returns a column of metrics in the last committed epoch; None where it is unknown or there is none.

    Raises RunIsForeign where what holds it is damaged. Read-only.
    """
    for _ in range(_ATTEMPTS):
        now = manifest.committed(run.folder)
        try:
            if now.newer:
                return _of_part(run, now.last_epoch, name)
            return _of_database(run, now.manifest, name) if now.manifest.database else None
        except FileNotFoundError:
            continue  # folded or superseded meanwhile
    raise RunIsForeign(f"the metrics of run {run.id} are missing; restore its files from a copy")


def _of_part(run: Run, epoch: int, name: str) -> float | None:
    path = manifest.part_path(run.folder, "metrics", epoch)
    try:
        (value,) = tables.read_column(path, name)
    except (tables.ArrowInvalid, ValueError) as failure:
        raise sources.foreign(path) from failure
    return None if value is None else float(value)


def _of_database(run: Run, published: manifest.Manifest, name: str) -> float | None:
    path = run.folder / str(published.database)
    with _connection().cursor() as cursor:
        try:
            cursor.execute(f"ATTACH {sources.quoted(path)} AS glanced (READ_ONLY)")
            row = cursor.execute(
                f'SELECT "{name}" FROM glanced.metrics WHERE epoch = ?', [published.folded]
            ).fetchone()
        except duckdb.Error as failure:
            if not path.exists():
                raise FileNotFoundError(path) from failure
            raise sources.foreign(path) from failure
        finally:
            cursor.execute("DETACH DATABASE IF EXISTS glanced")
    return None if row is None or row[0] is None else float(row[0])


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config=connections.settings(threads=1, memory="64MB"))
