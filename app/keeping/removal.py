"""Removing runs from a terminal: what would go, whether it may, and the one question before it goes.

Nothing is removed unless all of what was named may be: half of a request would be hard to take back.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.table import Table

from app import launch, terminal, wording
from app.exits import INTERRUPTED, Refusal
from app.keeping import layout, sizes
from store import status as statuses
from store.errors import RunIsBusy, RunIsForeign
from store.run import Run


@dataclass(frozen=True)
class Removal:
    """A run that is to go; epochs: None where nobody can say."""

    folder: Path
    state: str
    epochs: int | None
    bytes: int


def plan(folders: Sequence[Path]) -> list[Removal]:
    """Returns what would go, damaged runs too; RunIsBusy where a process works on one of them."""
    planned = [_removal(folder) for folder in folders]
    busy = [folder.name for folder in folders if statuses.observe(folder).is_alive]
    if busy:
        words, them = ("is", "it") if len(busy) == 1 else ("are", "them")
        raise RunIsBusy(
            f"{', '.join(busy)} {words} at work, so nothing was removed; stop {them} on the page Runs, or "
            f"leave {them} out"
        )
    return planned


def table(planned: Sequence[Removal]) -> Table:
    """Returns what would go, one row a run."""
    rows = [
        (one.folder.name, one.state, wording.count(one.epochs), wording.size(one.bytes)) for one in planned
    ]
    return layout.fitting(("Run", "State", "Epochs", "Size"), rows, right=("Epochs", "Size"))[0]


def total(planned: Sequence[Removal]) -> str:
    """Says what that is in all: "3 runs, 60 epochs, 4.21 MB"."""
    epochs = sum(one.epochs or 0 for one in planned)
    size = wording.size(sum(one.bytes for one in planned))
    return f"{wording.plural(len(planned), 'run')}, {wording.plural(epochs, 'epoch')}, {size}"


def is_wanted(planned: Sequence[Removal]) -> bool:
    """Asks whether they may go for good; Refusal where nobody is there to answer."""
    if not sys.stdin.isatty():
        raise Refusal(
            f"nobody is here to be asked whether {total(planned)} may go; add --yes, or --dry-run to look"
        )
    try:
        return typer.confirm(f"Remove {total(planned)} for good?")
    except typer.Abort:  # Ctrl-C
        terminal.say("\nNothing was removed.")
        raise typer.Exit(INTERRUPTED) from None


def remove(planned: Sequence[Removal]) -> list[str]:
    """Removes the runs; returns a sentence for each that began to work meanwhile or may not be written."""
    failed = []
    for one in planned:
        try:
            launch.delete(Run(one.folder))
        except (RunIsBusy, OSError) as failure:
            failed.append(str(failure))
    return failed


def _removal(folder: Path) -> Removal:
    try:
        epochs: int | None = Run.open(folder).last_epoch() + 1
    except RunIsForeign:
        epochs = None
    return Removal(folder, str(statuses.observe(folder).state), epochs, sizes.total(folder))
