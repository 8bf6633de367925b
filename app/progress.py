"""One progress over some runs, from the first second until each of them is over.

Where nobody looks at a terminal it becomes one line when a run changes its state, so that a log can be read.
"""

import time
from collections.abc import Sequence
from threading import Event

from rich.progress import BarColumn, Progress, TextColumn

from app import launch, naming, wording
from app.terminal import out, say
from store.run import Run
from store.status import Status

POLL_SECONDS = 0.25
LOST_SECONDS = 5.0  # a supervisor takes less to say how a dead worker ended


def watch(runs: Sequence[Run], cancelled: Event | None = None) -> list[Status]:
    """Shows one progress over the runs until each is over or somebody cancels; returns what they do then."""
    cancelled = cancelled or Event()
    with Board(runs) as board:
        while True:
            statuses = [run.status() for run in runs]
            board.draw(statuses)
            if all(_is_settled(run, status) for run, status in zip(runs, statuses, strict=True)):
                return statuses
            if any(status.state == "queued" for status in statuses):
                launch.ensure_supervisor(runs[0].folder.parent)  # the one they wait for may have been killed
            if cancelled.wait(POLL_SECONDS):
                return statuses


def follow(run: Run) -> tuple[Status, bool]:
    """Watches one run to its end; returns how it ended, and whether Ctrl-C was pressed.

    The first Ctrl-C stops the run, the second kills it.
    """
    statuses, was_interrupted = follow_all([run])
    return statuses[0], was_interrupted


def follow_all(runs: Sequence[Run]) -> tuple[list[Status], bool]:
    """Watches runs until all are over; returns how they ended, and whether Ctrl-C was pressed.

    The first Ctrl-C stops them, those that wait before those that train; the second kills them.
    """
    presses = 0
    while True:
        try:
            return watch(runs), presses > 0
        except KeyboardInterrupt:
            presses += 1
            if presses == 1:
                what = "the run" if len(runs) == 1 else "the runs"
                say(f"Stopping after the batch in work and a checkpoint; Ctrl-C again kills {what}.")
            for run in sorted(runs, key=lambda run: run.status().state != "queued"):
                (launch.stop if presses == 1 else launch.kill)(run)


def doing(status: Status) -> str:
    """Says in a few words what a run does: "3 of 20 epochs, training"."""
    if status.state == "queued":
        return "waiting for a free slot"
    if not status.is_alive:
        says_state = status.message.startswith(status.state)
        return status.message if says_state else f"{status.state}: {status.message}".removesuffix(": ")
    phase = status.phase if status.state == "running" else f"{status.state}, {status.phase}"
    if status.epoch < 0:
        share = f" {wording.setting_percent(round(status.share, 2))}" if status.share else ""
        return f"{phase}{share}"
    return f"{status.epoch} of {status.epochs} epochs, {phase}"


class Board:
    """The progress of some runs: one row each and, where there are several, one over all of them."""

    def __init__(self, runs: Sequence[Run]) -> None:
        texts = (
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[says]}", markup=False),
        )
        columns = (texts[0], BarColumn(24), TextColumn("{task.percentage:>3.0f} %"), texts[1])
        self._progress = Progress(*columns, console=out, disable=not out.is_terminal)
        self._began = time.monotonic()
        titles = [naming.run_title(run.config()) for run in runs]
        self._said: dict[str, str] = dict.fromkeys(titles, "")
        self._total = self._progress.add_task(f"{len(runs)} runs", total=1, says="", visible=len(runs) > 1)
        self._rows = [self._progress.add_task(title, total=1, says="") for title in titles]

    def __enter__(self) -> "Board":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def draw(self, statuses: Sequence[Status]) -> None:
        """Shows these statuses, in the order of the runs."""
        for row, status in zip(self._rows, statuses, strict=True):
            self._progress.update(row, completed=status.progress, says=doing(status))
        done = sum(status.state == "done" for status in statuses)
        elapsed = wording.duration(time.monotonic() - self._began)
        mean = sum(status.progress for status in statuses) / len(statuses)
        self._progress.update(self._total, completed=mean, says=f"{done} of {len(statuses)} done, {elapsed}")
        if not out.is_terminal:
            self._log(statuses)

    def _log(self, statuses: Sequence[Status]) -> None:
        for title, status in zip(self._said, statuses, strict=True):
            if status.state != self._said[title]:
                self._said[title] = status.state
                say(f"{title}: {doing(status)}")


def _is_settled(run: Run, status: Status) -> bool:
    """Whether nothing more is to come: over or deleted, and not dead with a supervisor about to say why."""
    if status.state == "lost":
        return time.time() - status.updated > LOST_SECONDS
    return status.is_over or not run.folder.is_dir()
