"""A disk that is really full: a sentence names the file, nothing committed is lost, and all goes on later."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from store.errors import DiskIsFull
from store.reader import ask
from store.run import Run
from tests import faults
from tests.faults import COUNTS

MEGABYTES = 8
PAGE = 4096  # what the smallest file takes on such a disk


class Disk:
    """A small disk of its own; what is free on it can be chosen to the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def leave(self, pages: int) -> None:
        """Takes all of the disk but so many pages."""
        self.free()
        with self._ballast.open("wb") as ballast:
            ballast.write(b"x" * max(0, shutil.disk_usage(self.folder).free - pages * PAGE))

    def free(self) -> None:
        """Gives back what was taken."""
        self._ballast.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A mounted disk of some megabytes; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "undertow-test", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk can only be mounted by root")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def run(disk, rows) -> Run:
    """A run of three epochs on the small disk."""
    made = Run.create(disk.folder / "runs", {"epochs": 10})
    made.write_samples(rows.fixed(), rows.classes)
    rows.add(made, 3)
    return made


def refused(work: Callable[[], object], name: str) -> None:
    """Fails unless the work ends in the sentence that names the file, what it needs and what is free."""
    sentence = (
        rf"the disk is full: {name} needs (\d+\.\d) MB and (\d+\.\d) MB are free in .*; free some space"
    )
    with pytest.raises(DiskIsFull) as failure:
        work()
    assert re.match(sentence, str(failure.value)), str(failure.value)


def test_an_epoch_that_does_not_fit_is_not_there_and_comes_later(disk, run, rows):
    planted = 0
    for pages in range(14):
        disk.leave(pages)
        try:
            rows.add(run, 1)
        except DiskIsFull:
            planted += 1
            refused(lambda: rows.add(run, 1), r"(stats|metrics|epoch)-0000\d\.parquet")
        assert faults.is_whole(ask(run, COUNTS))
    disk.free()
    before = run.last_epoch()
    with run.claim():
        assert faults.half_written(run) == []
        rows.add(run, 2)
    faults.assert_has(run, range(before + 3))
    assert planted >= 3
    faults.tell(f"full disk: {planted} epochs refused, 0 of {before + 1} committed ones lost")


def test_a_fold_that_does_not_fit_publishes_nothing_and_comes_later(disk, run, rows):
    planted = 0
    for pages in (0, 3, 20, 60, 100, 150, 200, 300):
        disk.leave(pages)
        try:
            run.fold()
        except DiskIsFull:
            planted += 1
            refused(run.fold, r"(run(\.\d+)?\.duckdb|manifest\.json)")
        assert faults.is_whole(ask(run, COUNTS))
        assert faults.half_written(run) == []
        disk.free()
        rows.add(run, 1)
    run.fold()
    faults.assert_has(run, range(11))
    assert planted >= 3
    faults.tell(f"full disk: {planted} folds refused, 0 of 11 epochs lost")


def test_a_status_that_does_not_fit_leaves_the_last_one(disk, run):
    run.write_status(state="running", message="so far")
    disk.leave(0)
    refused(lambda: run.write_status(message="more"), r"status\.json")
    assert run.status().message == "so far"
    disk.free()
    assert run.write_status(message="more").message == "more"


def test_a_map_that_does_not_fit_leaves_the_others(disk, run):
    run.write_map(0, **faults.plane(0))
    disk.leave(0)
    refused(lambda: run.write_map(1, **faults.plane(1)), r"epoch-00001\.parquet")
    assert run.map_epochs() == [0]
    disk.free()
    run.write_map(1, **faults.plane(1))
    assert run.map_epochs() == [0, 1]


def test_thumbnails_that_do_not_fit_are_not_there(disk, run):
    images = np.zeros((600, 32, 32, 3), np.uint8)
    disk.leave(100)
    refused(lambda: run.write_thumbnails("digits", images), r"digits\.npy")
    run.write_about({"dataset_key": "digits"})
    assert run.thumbnails() is None


def test_a_run_that_does_not_fit_is_not_made(disk, run):
    disk.leave(0)
    refused(lambda: Run.create(disk.folder / "runs", {"epochs": 3}), r"(config|manifest|status)\.json")
    disk.free()
    made = Run.create(disk.folder / "runs", {"epochs": 3})
    assert sorted(path.name for path in run.folder.parent.iterdir()) == sorted([run.id, made.id])
