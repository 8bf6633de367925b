"""Every question to the tables of a run: one DuckDB in memory for the process, a cursor for each question.

A run's database is attached read-only and joined with the parts that are newer by views, one schema of views
for each state of the run, so that a question sees one state from beginning to end while epochs arrive and
folds happen.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from store import blame, connections, sources, summaries
from store.errors import RunIsForeign
from store.run import Run
from store.schema import TABLES
from store.sources import State

# What stays in memory between questions: most are as quick with it, for the system keeps the files that were
# read. Summaries of past epochs and a map's first opening take up to twice as long; the few questions that
# fail below it are asked again above it.
MEMORY, MEMORY_AT_MOST = "24MB", "1GB"
# Seconds that the views of a past state stay for the questions that still use them.
GRACE = 30.0

_ATTEMPTS = 10


def ask(run: Run, sql: str, **params: Any) -> pd.DataFrame:
    """Returns the answer to SQL over the run's tables, named as in the schema; params are bound as $name.

    Whole numbers come as floats with NaN where one is unknown, truth values as nullable booleans. Read-only.
    """
    return _reader().ask(sql, params, [run], is_one=True)


def ask_runs(runs: Sequence[Run], sql: str, **params: Any) -> pd.DataFrame:
    """Returns the answer over several runs; every table has the column run (its id) first. Read-only."""
    return _reader().ask(sql, params, runs, is_one=False)


@dataclass(frozen=True)
class _Views:
    """One state of a run: the schema of its views and the database below them."""

    state: State
    schema: str
    database: Path | None


class _Reader:
    """The views of every run that was asked; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names = 0
        self._large = 0
        self._start()

    def _start(self) -> None:
        spill = Path(tempfile.gettempdir()) / f"undertow-{os.getpid()}"
        settings = connections.settings(threads=2, memory=MEMORY, spill=spill)
        # The system keeps the parts; a second copy only turns over.
        self._connection = duckdb.connect(config={**settings, "enable_external_file_cache": False})
        self._views: dict[Path, _Views] = {}
        self._attached: dict[Path, str] = {}
        self._retired: list[tuple[float, _Views]] = []

    def ask(self, sql: str, params: dict[str, Any], runs: Sequence[Run], *, is_one: bool) -> pd.DataFrame:
        """Answers from one state of each run; asks again where that state went away meanwhile."""
        folders = [run.folder for run in runs]
        failed: list[str] = []
        for _ in range(_ATTEMPTS):
            connection, schemas = self._connection, []
            try:
                schemas = [self._schema(folder) for folder in folders]
                return self._answer(sql, params, runs, schemas, is_one=is_one)
            except duckdb.Error as failure:
                is_dead = self._is_started_anew(connection, failure)
                if is_dead or schemas == failed:
                    blame.explain(folders, failure)
                if schemas == failed and not is_dead:
                    raise
                failed = schemas
        names = ", ".join(run.id for run in runs)
        raise RunIsForeign(f"{names} changed {_ATTEMPTS} times during one question; ask again later")

    def _is_started_anew(self, connection: duckdb.DuckDBPyConnection, failure: duckdb.Error) -> bool:
        """True where the failure was the end of DuckDB, which other questions must not notice."""
        if not isinstance(failure, blame.DEADLY):
            return False
        with self._lock:
            if self._connection is connection:  # else another question has seen to it
                self._start()
        return True

    def _answer(
        self, sql: str, params: dict[str, Any], runs: Sequence[Run], schemas: Sequence[str], *, is_one: bool
    ) -> pd.DataFrame:
        """Answers a question, with much memory where it fails with little."""

        def answer() -> pd.DataFrame:
            with self._connection.cursor() as cursor:
                _enter(cursor, schemas, runs, is_one=is_one)
                return _frame(cursor.execute(sql, params))

        try:
            return answer()
        except duckdb.OutOfMemoryException:
            with self._much_memory():
                return answer()

    @contextmanager
    def _much_memory(self) -> Iterator[None]:
        """Lets questions take MEMORY_AT_MOST; the last one that needs it hands it back."""
        with self._lock:
            self._large += 1
            self._connection.execute(f"SET memory_limit = '{MEMORY_AT_MOST}'")
        try:
            yield
        finally:
            with self._lock:
                self._large -= 1
                if not self._large:
                    with suppress(duckdb.OutOfMemoryException):  # another question still holds it
                        self._connection.execute(f"SET memory_limit = '{MEMORY}'")

    def _schema(self, folder: Path) -> str:
        """Returns the schema whose views show the run as it is now."""
        for _ in range(_ATTEMPTS):
            state = sources.state(folder)
            with self._lock:
                views = self._views.get(folder)
                if views and views.state == state:
                    return views.schema
                try:
                    return self._show(folder, state).schema
                except FileNotFoundError:
                    continue
        raise blame.vanishing(folder)

    def _show(self, folder: Path, state: State) -> _Views:
        """Makes the views of a state and retires the old ones; FileNotFoundError if the state is gone."""
        old = self._views.get(folder)
        sources.check(folder, state, known=old.state if old else None)
        database = sources.database(folder, state)
        catalog = self._attach(database, state.committed.manifest.rows) if database else None
        self._names += 1
        schema = f"r_{folder.name.replace('-', '_')}_{self._names}"
        try:
            self._create_views(folder, state, schema=schema, catalog=catalog)
        except duckdb.Error as failure:
            if isinstance(failure, blame.DEADLY) or sources.state(folder) == state:
                raise
            self._connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
            raise FileNotFoundError(folder) from failure
        views = self._views[folder] = _Views(state, schema, database)
        if old:
            self._retired.append((time.monotonic(), old))
        self._clean()
        return views

    def _create_views(self, folder: Path, state: State, *, schema: str, catalog: str | None) -> None:
        """Makes a schema with a view for each table; fails where a part went away meanwhile."""
        self._connection.execute(f'CREATE SCHEMA "{schema}"')
        for table in TABLES:
            select = sources.select(folder, table, state, catalog=catalog)
            self._connection.execute(f'CREATE VIEW "{schema}".{table} AS {select}')
        summary = summaries.stored(self._connection, None if state.committed.newer else catalog)
        self._connection.execute(f'CREATE VIEW "{schema}".{summaries.TABLE} AS {summary}')

    def _attach(self, database: Path, rows: int) -> str:
        """Returns the name under which a database is attached, each file only once."""
        if database in self._attached:
            return self._attached[database]
        self._names += 1
        catalog = f"d_{self._names}"
        try:
            self._connection.execute(f"ATTACH {sources.quoted(database)} AS {catalog} (READ_ONLY)")
            found = self._connection.execute(f"SELECT count(*) FROM {catalog}.history").fetchall()[0][0]
        except duckdb.Error as failure:
            if isinstance(failure, duckdb.FatalException):
                raise
            if not database.exists():
                raise FileNotFoundError(database) from failure
            raise sources.foreign(database) from failure
        if found != rows:
            raise sources.foreign(database)
        self._attached[database] = catalog
        return catalog

    def _clean(self) -> None:
        """Drops the views and databases of states that went out of use more than the grace ago."""
        now = time.monotonic()
        for folder in [folder for folder in self._views if not folder.exists()]:
            self._retired.append((now, self._views.pop(folder)))
        while self._retired and now - self._retired[0][0] > GRACE:
            _, views = self._retired.pop(0)
            self._connection.execute(f'DROP SCHEMA IF EXISTS "{views.schema}" CASCADE')
        used = [views.database for views in self._views.values()] + [old.database for _, old in self._retired]
        for database in [path for path in self._attached if path not in used]:
            self._connection.execute(f"DETACH {self._attached.pop(database)}")


def _enter(
    cursor: duckdb.DuckDBPyConnection, schemas: Sequence[str], runs: Sequence[Run], *, is_one: bool
) -> None:
    """Makes the tables of the schema mean those of one run, or of all runs with their id in front."""
    if is_one:
        cursor.execute(f'USE memory."{schemas[0]}"')
        return
    for table in TABLES:
        selects = [
            f"SELECT '{run.id}' AS run, * FROM memory.\"{schema}\".{table}"
            for run, schema in zip(runs, schemas, strict=True)
        ]
        nothing = f"SELECT ''::VARCHAR AS run, * FROM ({sources.nothing(table)})"
        cursor.execute(f"CREATE TEMP VIEW {table} AS {' UNION ALL BY NAME '.join(selects) or nothing}")


def _frame(answer: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Returns the answer with plain numbers: DuckDB gives nullable integers, on which charts stumble."""
    frame = answer.df()
    for name, dtype in frame.dtypes.items():
        if pd.api.types.is_integer_dtype(dtype) and pd.api.types.is_extension_array_dtype(dtype):
            frame[name] = frame[name].to_numpy("float64", na_value=float("nan"))
    return frame


@cache
def _reader() -> _Reader:
    return _Reader()
