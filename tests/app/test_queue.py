"""The queue as a person arranges it: order and slots, in a file that two tabs and a supervisor share."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import queue
from app.queue import Move
from store.run import Run


def queue_of(root: Path, count: int = 3) -> list[Run]:
    """Queues runs one after the other, each a second later than the one before."""
    runs = [Run.create(root, {"name": str(place)}) for place in range(count)]
    for place, run in enumerate(runs):
        run.write_status(updated=1000.0 + place)
    return runs


def names(root: Path) -> str:
    ordered = queue.in_order(root, queue.queued(root))
    return "".join(str(run.config()["name"]) for run in ordered)


def test_runs_wait_in_the_order_in_which_they_were_queued(tmp_path: Path) -> None:
    queue_of(tmp_path)
    assert names(tmp_path) == "012"


@pytest.mark.parametrize(
    ("moved", "to", "expected"),
    [
        (2, "first", "201"), (2, "up", "021"), (0, "down", "102"), (0, "up", "012"), (2, "down", "012"),
        (0, "first", "012"),
    ],
)  # fmt: skip
def test_a_waiting_run_is_moved(tmp_path: Path, moved: int, to: Move, expected: str) -> None:
    runs = queue_of(tmp_path)
    queue.move(runs[moved], to)
    assert names(tmp_path) == expected


def test_a_run_queued_later_stands_behind_the_moved_ones(tmp_path: Path) -> None:
    runs = queue_of(tmp_path)
    queue.move(runs[2], "first")
    Run.create(tmp_path, {"name": "3"})
    assert names(tmp_path) == "2013"


def test_a_run_that_waits_no_more_is_not_moved(tmp_path: Path) -> None:
    runs = queue_of(tmp_path)
    runs[1].write_status(state="stopped")
    queue.move(runs[1], "first")
    assert not (tmp_path / queue.FILE).exists()


def test_a_run_queued_anew_has_lost_its_place(tmp_path: Path) -> None:
    runs = queue_of(tmp_path)
    queue.move(runs[2], "first")
    queue.forget(runs[2])
    assert names(tmp_path) == "012"


def test_slots_and_order_do_not_overwrite_each_other(tmp_path: Path) -> None:
    runs = queue_of(tmp_path)
    queue.set_slots(tmp_path, 3)
    queue.move(runs[1], "first")
    assert (queue.slots(tmp_path), names(tmp_path)) == (3, "102")


def test_two_tabs_that_move_at_once_lose_no_run(tmp_path: Path) -> None:
    runs = queue_of(tmp_path, 4)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda run: queue.move(run, "first"), runs * 4))
    assert sorted(names(tmp_path)) == list("0123")


@pytest.mark.parametrize("content", ["", "[]", '{"slots": "x", "order": 7}', '{"slots": 0, "order": [1]}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str) -> None:
    queue_of(tmp_path)
    (tmp_path / queue.FILE).write_text(content)
    assert (queue.slots(tmp_path), names(tmp_path)) == (None, "012")


@pytest.mark.parametrize("wanted", [0, 65])
def test_impossible_slots_are_refused(tmp_path: Path, wanted: int) -> None:
    with pytest.raises(ValueError, match=f"slots must be from 1 to 64; got {wanted}"):
        queue.set_slots(tmp_path, wanted)
