"""A query that a person writes: what it may read, how it is asked, and what came of it in words.

The query itself runs in a process of its own (store/sql/sandbox.py), which whoever asks has to start: this
module makes the question and reads the answer. Beside a run's tables it offers those of its study.
"""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pandas import DataFrame

from store import sources
from store.run import Run
from store.schema import TABLES
from store.sql.sandbox import MEMORY

SECONDS = 10.0
SHOWN = 10_000  # rows
DOWNLOADED = 1_000_000  # rows
STUDY = "all_"  # stands before the name of a table that holds the rows of all runs of the study

# Starts the process of the sandbox: question and seconds to live in, its answer out, empty if it died.
Process = Callable[[bytes, float], bytes]

_ATTEMPTS = 3
_TYPE_OF_ERROR = re.compile(r"^(?:[A-Z]\w*(?: [A-Z]\w*)* Error: )+")
_PLACE = re.compile(r"\n\s*LINE (\d+): (.*)\n(\s*)\^")


class QueryRefused(ValueError):
    """A query gave no answer; the message says why and what to do."""


@dataclass(frozen=True)
class Answer:
    """The first rows of an answer.

    total: all rows that were counted; is_counted: whether that is all there are.
    """

    frame: DataFrame
    total: int
    is_counted: bool

    @property
    def is_whole(self) -> bool:
        """Whether every row is there."""
        return self.is_counted and len(self.frame) == self.total

    @property
    def sample_ids(self) -> tuple[int, ...]:
        """The different samples in the column sample_id, in their order; none without such a column."""
        if "sample_id" not in self.frame:
            return ()
        numbers = pd.to_numeric(self.frame["sample_id"], errors="coerce").dropna()
        whole = numbers[(numbers >= 0) & (numbers == numbers.round())]
        return tuple(int(number) for number in whole.unique())


def ask(run: Run, sql: str, *, process: Process, mates: Sequence[Run] = (), rows: int = SHOWN) -> Answer:
    """Returns the answer of a SELECT over the run's tables, and over those of its mates as all_…. Read-only.

    mates: the runs of the study, this one among them. Raises QueryRefused with a sentence where the query is
    none that may be asked, is wrong, or takes more than SECONDS or its memory; RunIsForeign where a file is.
    """
    head: dict[str, Any] = {"kind": "files", "message": ""}
    sent = b""
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError):  # a fold removed a part while it was looked at
            asked = question(run, sql, mates=mates, rows=rows)
            head, sent = _parted(process(json.dumps(asked).encode(), SECONDS))
            if head.get("kind") != "files":
                break
    if "kind" in head:
        raise QueryRefused(_sentence(head["kind"], head["message"]))
    return Answer(_frame(sent), head["total"], head["is_counted"])


def columns(frame: DataFrame) -> DataFrame:
    """Returns the frame with names that are all different: a query may name two columns alike."""
    names: list[str] = []
    for name in map(str, frame.columns):
        times = 2
        chosen = name
        while chosen in names:
            chosen, times = f"{name}_{times}", times + 1
        names.append(chosen)
    return frame.set_axis(names, axis=1)


def question(run: Run, sql: str, *, mates: Sequence[Run], rows: int) -> dict[str, Any]:
    """Returns what the process is told: the views, what lies below them, the query and its limits."""
    known = [run, *(mate for mate in mates if STUDY in sql.lower() and mate.id != run.id)]
    states = [(one, sources.state(one.folder)) for one in known]
    databases: dict[str, str] = {}
    selects: dict[str, list[tuple[str, str]]] = {table: [] for table in TABLES}
    for place, (one, state) in enumerate(states):
        sources.check(one.folder, state)
        below = sources.database(one.folder, state)
        if below:
            databases[f"run_{place}"] = str(below)
        for table in TABLES:
            select = sources.select(one.folder, table, state, catalog=f"run_{place}" if below else None)
            selects[table].append((one.id, select))
    return {
        "sql": sql,
        "rows": rows,
        "seconds": SECONDS,
        "databases": databases,
        "files": [str(path) for one in known for path in _files(one.folder)],
        "views": {name: select for table in TABLES for name, select in _views(table, selects[table])},
    }


def _views(table: str, selects: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the view of the run and the one of its study, in which every row says its run first."""
    named = [f"SELECT '{run_id}' AS run, * FROM ({select})" for run_id, select in selects]
    return [(table, selects[0][1]), (STUDY + table, " UNION ALL BY NAME ".join(named))]


def _files(folder: Path) -> list[Path]:
    return [*folder.glob("*.parquet"), *(folder / "parts").glob("*.parquet")]


def _parted(answer: bytes) -> tuple[dict[str, Any], bytes]:
    """Returns the head and the rows of an answer; without one, the process met its limits."""
    line, _, rows = answer.partition(b"\n")
    return (json.loads(line), rows) if line else ({"kind": "died", "message": ""}, b"")


def _frame(rows: bytes) -> DataFrame:
    """Returns the rows with whole numbers that may be unknown, sums as plain numbers, the rest as it is."""
    table = pa.ipc.open_stream(rows).read_all()
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            plain = table.column(place).cast(pa.float64())
            table = table.set_column(place, field.name, plain)
    return columns(table.to_pandas(types_mapper=_NULLABLE.get))


_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def _sentence(kind: str, message: str) -> str:
    """Returns what a person reads where there is no answer."""
    if kind == "time":
        return (
            f"the query was cut off after {SECONDS:g} s; narrow it with WHERE epoch = … or sample_id IN "
            "(…), or aggregate before you join"
        )
    if kind in ("memory", "died"):
        return (
            f"the query needs more than the {MEMORY} MB that one may take and was stopped; select fewer rows "
            "or columns, or aggregate before you sort or join"
        )
    if kind == "files":
        return "the files of the run changed while the query ran; ask again"
    return _readable(message)


def _readable(message: str) -> str:
    """Returns a failure of DuckDB as one line: what is wrong, then where."""
    place = _PLACE.search(message)
    said = message[: place.start()] if place else message
    line = " ".join(_TYPE_OF_ERROR.sub("", said).split())
    if place is None:
        return line
    near = re.match(
        r"\w+|\S", place[2][max(0, len(place[0].splitlines()[-1]) - len(f"LINE {place[1]}: ") - 1) :]
    )
    where = f"line {place[1]}" + (f", near {near[0]!r}" if near else "")
    return f"{line} ({where})"
