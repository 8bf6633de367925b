"""A run folder that is deleted while it is in use: whoever uses it gets a sentence, and it stays deleted."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from store.reader import ask
from store.run import Run, RunIsForeign
from tests import faults
from tests.faults import COUNTS, Notes

ROUNDS = 5
SENTENCES = ("is no run", "is missing", "was deleted", "vanish", "is damaged", "has no samples yet")


def read_until_it_fails(folder: Path, path: Path) -> None:
    """Asks a run until a question fails."""
    until_it_fails(lambda: ask(Run.open(folder), COUNTS), path)


def fold_until_it_fails(folder: Path, path: Path) -> None:
    """Folds a run, each time with all of its epochs, until that fails."""

    def fold() -> None:
        run = Run.open(folder)
        run.fold()
        run.rewind(run.last_epoch() - 1)

    until_it_fails(fold, path)


def write_until_it_fails(folder: Path, path: Path) -> None:
    """Writes epochs, maps and statuses until that fails."""
    until_it_fails(lambda: faults.write_on(folder, path, maps=True), path)


def until_it_fails(work: Callable[[], object], path: Path) -> None:
    """Works until it fails and notes why."""
    notes = Notes(path)
    while True:
        notes[Notes.begun] += 1
        try:
            work()
        except Exception as failure:
            told = failure if isinstance(failure, (RunIsForeign, FileNotFoundError)) else repr(failure)
            path.with_suffix(".txt").write_text(f"{type(failure).__name__}: {told}")
            notes[Notes.errors] = 1
            faults.wait_for_the_end()


def remove(folder: Path) -> None:
    """Removes a folder as somebody with rm -rf does, who tries again where it was not empty."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


def delete(folder: Path) -> None:
    """Deletes the run as the app does."""
    Run(folder).delete()


@pytest.mark.parametrize(
    ("work", "removal"),
    [
        (read_until_it_fails, remove),
        (fold_until_it_fails, remove),
        (write_until_it_fails, remove),
        (read_until_it_fails, delete),  # a run with an engine is not deleted from within
        (fold_until_it_fails, delete),
    ],
)
def test_a_run_that_is_deleted_while_it_is_in_use_is_gone(make_run, tmp_path, work, removal):
    rng, told = random.Random(6), []
    for number in range(ROUNDS):
        run, lane = make_run(6), tmp_path / f"lane-{number}"
        process = faults.started(work, run.folder, lane)
        notes = Notes(lane)
        faults.reached(notes, Notes.begun, 1)
        faults.killed_by_nobody(process, moment=rng.random() * 0.06)
        removal(run.folder)
        faults.reached(notes, Notes.errors, 1)
        told.append(lane.with_suffix(".txt").read_text())
        faults.killed(process)
        assert not run.folder.exists()
    assert [line for line in told if not any(sentence in line for sentence in SENTENCES)] == []
    faults.tell(
        f"{work.__name__}: deleted {ROUNDS} times in use, 0 came back; {sorted(set(map(kind, told)))}"
    )


def kind(line: str) -> str:
    return line.partition(":")[0]


def test_a_file_that_goes_away_under_an_epoch_is_a_sentence(make_run, rows):
    """As where rm -rf has come so far and the manifest is still there."""
    run = make_run(1)
    (run.folder / "classes.parquet").unlink()
    with pytest.raises(
        RunIsForeign, match=rf"a file of run {run.id} is missing \(.*classes\.parquet.*; restore"
    ):
        run.write_epoch(1, rows.epoch(1), rows.metrics(1))


def test_a_status_brings_no_deleted_run_back(make_run):
    run = make_run(1)
    (run.folder / "manifest.json").unlink()  # rm has come so far
    with pytest.raises(FileNotFoundError, match=f"run {run.id} was deleted"):
        run.write_status(state="failed")
    shutil.rmtree(run.folder)
    with pytest.raises(FileNotFoundError, match="was deleted"):
        run.write_status(state="failed")
    assert not run.folder.exists()
