"""Where the rows of a table are at one moment: the SELECT over database and parts that a view is made of."""

from dataclasses import dataclass
from pathlib import Path

from store import files, manifest, parts, tables
from store.errors import RunIsForeign
from store.manifest import Committed
from store.schema import TABLES

FIXED = ("samples", "classes")
_KIND_OF = {table: kind for kind, table in parts.KINDS.items()}


@dataclass(frozen=True)
class State:
    """What is committed, and when each file beside the database last changed, in nanoseconds."""

    committed: Committed
    modified: frozenset[tuple[str, int]]


def state(folder: Path) -> State:
    """Returns the state of a run now; RunIsForeign where it is no run of this schema version."""
    committed = manifest.committed(folder)
    times = files.modified_in(folder / "parts") if committed.newer else {}
    names = [manifest.part_name(kind, epoch) for epoch in committed.newer for kind in parts.KINDS]
    paths = [_fixed_path(folder, table) for table in FIXED]
    fixed = [(path.name, files.modified(path)) for path in paths]
    return State(committed, frozenset([*fixed, *((name, times.get(name, 0)) for name in names)]))


def check(folder: Path, state: State, *, known: State | None = None) -> None:
    """Raises RunIsForeign naming the first file that is not to the byte the run's own; known is trusted.

    Reads every file beside the database that known has not or has as another one. FileNotFoundError where a
    part went away meanwhile.
    """
    changed = {name for name, _ in state.modified - (known.modified if known else frozenset())}
    rows = {table: _fixed_rows(folder, table) for table in FIXED}
    for table in FIXED:
        path = _fixed_path(folder, table)
        if path.name in changed and path.exists() and not tables.is_sealed(path):
            raise foreign(path)
    due = {"epoch": rows["samples"], "metrics": 1, "stats": None}
    for epoch in state.committed.newer:
        for kind, rows_due in due.items():
            if manifest.part_name(kind, epoch) in changed:
                parts.check_part(folder, kind, epoch, rows=rows_due)


def database(folder: Path, state: State) -> Path | None:
    """Returns the database that holds the folded epochs, None where nothing is folded."""
    name = state.committed.manifest.database
    return folder / name if name else None


def size(folder: Path, state: State) -> int:
    """Returns the bytes that the database and the newer parts take, about those of the next database."""
    parted = [
        manifest.part_path(folder, kind, epoch) for epoch in state.committed.newer for kind in parts.KINDS
    ]
    folded = database(folder, state)
    return sum(path.stat().st_size for path in [*parted, *([folded] if folded else [])])


def select(folder: Path, table: str, state: State, *, catalog: str | None) -> str:
    """Returns the SELECT of all rows of a table; catalog: the name under which the database is attached."""
    names = ", ".join(f'"{column.name}"' for column in TABLES[table])
    if table in FIXED:
        paths = [_fixed_path(folder, table)] if _fixed_path(folder, table).exists() else []
    else:
        paths = [manifest.part_path(folder, _KIND_OF[table], epoch) for epoch in state.committed.newer]
    selects = [f"SELECT {names} FROM {catalog}.{table}"] if catalog and table not in FIXED else []
    if paths:
        listed = ", ".join(quoted(path) for path in paths)
        selects.append(f"SELECT {names} FROM read_parquet([{listed}])")
    return " UNION ALL ".join(selects) or nothing(table)


def nothing(table: str) -> str:
    """Returns a SELECT with the columns of a table and no row."""
    columns = ", ".join(f'CAST(NULL AS {column.type}) AS "{column.name}"' for column in TABLES[table])
    return f"SELECT {columns} WHERE false"


def quoted(path: Path) -> str:
    """Returns a path as an SQL text."""
    return "'" + str(path).replace("'", "''") + "'"


def foreign(path: Path) -> RunIsForeign:
    """Returns the failure of a file in the run folder that is not the one that was written there."""
    return RunIsForeign(
        f"{path.name} of run {path.parent.name} is damaged or was not written by this run; restore it "
        "from a copy or delete the run"
    )


def _fixed_rows(folder: Path, table: str) -> int:
    """Rows of samples or classes, 0 before they are written; RunIsForeign where the file is not whole."""
    path = _fixed_path(folder, table)
    try:
        names, rows, _ = tables.parquet_facts(path) if path.exists() else (None, 0, {})
    except tables.ArrowInvalid:
        names, rows = [], 0
    if names not in (None, [column.name for column in TABLES[table]]):
        raise foreign(path)
    return rows


def _fixed_path(folder: Path, table: str) -> Path:
    return folder / f"{table}.parquet"
