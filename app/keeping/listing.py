"""The list of runs in a terminal: one row each, newest first, and a sentence for each that cannot be read.

A row is made of small files and one number of the last epoch, so that a list of hundreds of runs is quick.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from rich.table import Table

from app import naming, wording
from app.exits import Refusal
from app.keeping import chosen, layout, sizes
from store import files, tables
from store import status as statuses
from store.errors import RunIsForeign
from store.questions import glance
from store.run import Run, run_folders
from store.status import State

UNREADABLE = "unreadable"  # stands in place of the state, whatever a process does there

# The columns of a terminal, and which are left out first where it is too narrow for all.
_HEADS = ("Run", "State", "Epochs", "Study", "Method", "Seed", "Accuracy", "Samples", "Size", "Age")
_RIGHT = ("Epochs", "Seed", "Accuracy", "Samples", "Size", "Age")
_LEFT_OUT = ("Samples", "Study", "Age", "Size", "Seed")


@dataclass(frozen=True)
class Listed:
    """What the list says of a run; problem: why it cannot be read, "" where it can."""

    folder: Path
    state: str
    problem: str
    config: dict[str, Any]
    epochs_done: int | None
    epochs_planned: int | None
    test_accuracy: float | None
    samples: int | None
    bytes: int
    created: datetime | None  # None where the id is of no time

    @property
    def shown_state(self) -> str:
        """The state in the list."""
        return UNREADABLE if self.problem else self.state

    @property
    def study(self) -> str:
        """The study that the run names."""
        return str(self.config.get("study") or "")

    @property
    def method(self) -> str:
        """The method in words; "–" where the settings cannot be read."""
        with suppress(AttributeError, TypeError, ValueError):
            return naming.method(self.config) if self.config else wording.UNKNOWN
        return wording.UNKNOWN

    @property
    def seconds_old(self) -> float:
        """Seconds since the run was made; NaN where nobody knows when that was."""
        if self.created is None:
            return math.nan
        return max(0.0, (datetime.now(UTC) - self.created).total_seconds())


def read(root: Path, *, study: str | None = None, states: Sequence[str] = ()) -> list[Listed]:
    """Returns the runs of a folder that fit, newest first; one that is deleted meanwhile is left out."""
    known = (*get_args(State), UNREADABLE)
    for state in states:
        if state not in known:
            raise Refusal(f"--state must be one of {', '.join(known)}; got {state!r}")
    folders = [path for path in run_folders(root) if study is None or chosen.study_of(path) == study]
    listed = [row(folder) for folder in folders if folder.is_dir()]
    return [one for one in listed if not states or one.shown_state in states]


def row(folder: Path) -> Listed:
    """Returns what the list says of one run, readable or not. Read-only."""
    config = files.read_json(folder / "config.json") or {}
    status = statuses.observe(folder)
    done: int | None = None
    accuracy, problem = None, ""
    try:
        run = Run.open(folder)
        config = run.config()
        done = run.last_epoch() + 1
        accuracy = glance.last_metric(run, "test_accuracy")
    except (RunIsForeign, OSError) as failure:
        problem = str(failure)
    planned = status.epochs or config.get("epochs")
    return Listed(
        folder=folder,
        state=str(status.state),
        problem=problem,
        config=config,
        epochs_done=done,
        epochs_planned=planned if isinstance(planned, int) else None,
        test_accuracy=accuracy,
        samples=_samples(folder),
        bytes=sizes.total(folder),
        created=_created(folder.name),
    )


def as_json(listed: Sequence[Listed]) -> list[dict[str, Any]]:
    """Returns the list as JSON; what is unknown is null."""
    return [
        {
            "id": one.folder.name,
            "state": one.state,
            "problem": one.problem or None,
            "epochs_done": one.epochs_done,
            "epochs_planned": one.epochs_planned,
            "study": one.study or None,
            "name": one.config.get("name") or None,
            "method": None if one.method == wording.UNKNOWN else one.method,
            "seed": one.config.get("seed"),
            "test_accuracy": one.test_accuracy,
            "samples": one.samples,
            "bytes": one.bytes,
            "created": one.created.isoformat() if one.created else None,
            "age_seconds": round(one.seconds_old) if one.created else None,
        }
        for one in listed
    ]


def lines(root: Path, listed: Sequence[Listed], *, is_narrowed: bool) -> Iterator[str | Table]:
    """Yields what a terminal is told: the table, a sentence for each unreadable run, the sum."""
    if not listed:
        yield f"No run in {root} is like that." if is_narrowed else chosen.nothing(root)
        return
    table, left_out = layout.fitting(
        _HEADS, [_cells(one) for one in listed], right=_RIGHT, left_out_first=_LEFT_OUT
    )
    yield table
    for one in listed:
        if one.problem:
            yield one.problem if one.folder.name in one.problem else f"{one.folder.name}: {one.problem}"
    total = wording.size(sum(one.bytes for one in listed))
    rest = f"; for {', '.join(left_out).lower()} widen the terminal or add --json" if left_out else ""
    yield f"{wording.plural(len(listed), 'run')}, {total}{rest}"


def age(seconds: float) -> str:
    """Writes how old something is with one unit: 12 s, 5 min, 3 h, 12 d; NaN as "–"."""
    if math.isnan(seconds):
        return wording.UNKNOWN
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)}\N{NO-BREAK SPACE}{unit}"
    return f"{int(seconds)}\N{NO-BREAK SPACE}s"


def _cells(one: Listed) -> tuple[str, ...]:
    planned = wording.count(one.epochs_planned)
    return (
        one.folder.name,
        one.shown_state,
        f"{wording.count(one.epochs_done)}/{planned}",
        one.study or wording.UNKNOWN,
        one.method,
        str(one.config.get("seed", wording.UNKNOWN)),
        wording.percent(one.test_accuracy),
        wording.count(one.samples),
        wording.size(one.bytes),
        age(one.seconds_old),
    )


def _created(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # looks like an id and names the 99th second
        return None


def _samples(folder: Path) -> int | None:
    try:
        return tables.parquet_facts(folder / "samples.parquet")[1]
    except (OSError, tables.ArrowInvalid):
        return None
