"""What a person may change about the queue: its order, and how many runs train at once.

Both stand in one file beside the runs, replaced whole under the lock of the queue, so that two tabs and the
supervisor that obeys them see one state or the next.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from app import tenure
from store import files
from store.run import Run, find_runs
from store.status import Status

FILE = "queue.json"
MOST_SLOTS = 64

Move = Literal["first", "up", "down"]


def slots(root: Path) -> int | None:
    """Returns how many runs a person wants to train at once; None where nobody said so. Read-only."""
    wanted = _read(root).get("slots")
    return wanted if isinstance(wanted, int) and 1 <= wanted <= MOST_SLOTS else None


def at_once(root: Path) -> int:
    """Returns how many runs train at once: what a person wants, else the default."""
    return slots(root) or default_slots()


def default_slots() -> int:
    """Returns how many runs train at once where nobody said: one a core that this process may use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def set_slots(root: Path, wanted: int) -> None:
    """Sets how many runs train at once; a living supervisor obeys at its next look and ends no run for it."""
    if not 1 <= wanted <= MOST_SLOTS:
        raise ValueError(f"slots must be from 1 to {MOST_SLOTS}; got {wanted}")
    with tenure.exclusive(root):
        _write(root, slots=int(wanted))


def in_order(root: Path, waiting: Sequence[tuple[Run, Status]]) -> list[Run]:
    """Returns the waiting runs as they will start: moved ones first, the others as they were queued."""
    places = {run_id: place for place, run_id in enumerate(_order(root))}
    ranked = sorted(
        (places.get(run.id, len(places)), status.updated, run.id, place)
        for place, (run, status) in enumerate(waiting)
    )
    return [waiting[place][0] for *_, place in ranked]


def move(run: Run, to: Move) -> None:
    """Moves a waiting run to the front of the queue, or one place; nothing where it waits no more."""
    root = run.folder.parent
    with tenure.exclusive(root):
        order = [waiting.id for waiting in in_order(root, queued(root))]
        if run.id not in order:
            return
        place = order.index(run.id)
        order.remove(run.id)
        order.insert({"first": 0, "up": max(0, place - 1), "down": place + 1}[to], run.id)
        _write(root, order=order)


def forget(run: Run) -> None:
    """Takes the place from a run that is queued anew; to be called under the lock of the queue."""
    order = _order(run.folder.parent)
    if run.id in order:
        _write(run.folder.parent, order=[run_id for run_id in order if run_id != run.id])


def queued(root: Path) -> list[tuple[Run, Status]]:
    """Returns the runs that wait for a slot, each with its status. Read-only."""
    waiting = []
    for run in find_runs(root):
        with suppress(FileNotFoundError):  # deleted between the two looks
            status = run.status()
            if status.state == "queued" and not status.is_tracked:
                waiting.append((run, status))
    return waiting


def _order(root: Path) -> list[str]:
    order = _read(root).get("order")
    return [run_id for run_id in order if isinstance(run_id, str)] if isinstance(order, list) else []


def _read(root: Path) -> dict[str, Any]:
    return files.read_json(root / FILE) or {}


def _write(root: Path, **changes: Any) -> None:
    files.write_json(root / FILE, {**_read(root), **changes}, durable=False)
