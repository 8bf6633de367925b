"""What is done to several runs at once: stop all that train or wait, delete those that are over.

Each run is treated as a single click would treat it, so that a run that another tab has just ended or deleted
is no failure.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app import launch
from store.errors import RunIsBusy
from store.run import Run, find_runs


def stop_all(root: Path) -> int:
    """Stops the runs that wait, then those that train, so that none moves up; returns how many."""
    runs = [(run.status(), run) for run in find_runs(root)]
    going = [(status.is_alive, run) for status, run in runs if not status.is_over]
    for _, run in sorted(going, key=lambda pair: pair[0]):
        launch.stop(run)
    return len(going)


def delete_all(runs: Sequence[Run]) -> int:
    """Deletes the runs and all they recorded, apart from those that live again; returns how many."""
    deleted = 0
    for run in runs:
        with suppress(RunIsBusy):
            launch.delete(run)
            deleted += 1
    return deleted
