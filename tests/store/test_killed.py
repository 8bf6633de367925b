"""Who writes, folds or reads a run may be killed at any moment: nothing that was committed is lost by it.

Each test counts how many of its kills landed where it hurts, so that it cannot pass by missing.
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from store import manifest
from store.reader import ask
from tests import faults
from tests.faults import COUNTS, Notes


def has_come_to(folder: Path, stage: str, generation: int) -> bool:
    """True where the fold after a generation begins, writes the next one, or has published it and cleans."""
    if stage == "writes":
        return bool(list(folder.glob(".scratch-*.duckdb")))
    return stage == "begins" or manifest.read_manifest(folder).generation > generation


@pytest.fixture
def reader(tmp_path):
    """A process that asks a run all the time, which starts by being called with the run."""
    notes, processes = Notes(tmp_path / "reader"), []

    def read(run) -> Notes:
        processes.append(faults.started(faults.read_on, run.folder, tmp_path / "reader"))
        faults.reached(notes, Notes.questions, 1)
        return notes

    yield read
    for process in processes:
        faults.killed(process)


def what_was_wrong(tmp_path: Path) -> str:
    told = tmp_path / "reader.txt"
    return told.read_text() if told.exists() else ""


def test_no_epoch_is_lost_by_200_kills_of_an_engine_that_is_read_and_folded(make_run, reader, tmp_path):
    run, notes, rng = make_run(1), Notes(tmp_path / "writer"), random.Random(1)
    asked = reader(run)
    inside = halves = last = 0
    for kill in range(200):
        notes[Notes.begun] = notes[Notes.returned] = last
        writer = faults.started(faults.write_on, run.folder, tmp_path / "writer")
        sooner, moment = rng.randrange(1, 3), rng.random() * 0.015
        faults.reached(notes, Notes.begun, last + sooner)  # it has the run and goes on
        if kill % 20 == 10:
            run.fold()
        if kill % 2:
            faults.eventually(lambda: faults.is_writing(run))
            moment /= 10
        faults.killed(writer, moment=moment)
        first, last = last + 1, run.last_epoch()
        inside += notes[Notes.begun] > notes[Notes.returned]
        halves += bool(faults.half_written(run))
        assert last in (notes[Notes.returned], notes[Notes.returned] + 1)
        faults.assert_has(run, range(first, last + 1))
    faults.assert_has(run, range(last + 1))
    with run.claim():
        assert faults.half_written(run) == []
    assert (asked[Notes.errors], what_was_wrong(tmp_path)) == (0, "")
    assert inside >= 100 and halves >= 20 and asked[Notes.questions] >= 50 and last >= 100
    faults.tell(
        f"engine: 200 kills, {inside} inside a part, {halves} left half an epoch; 0 of {last + 1} committed "
        f"epochs lost; 0 reader errors in {asked[Notes.questions]} questions"
    )


def test_no_map_is_half_there_after_20_kills_of_an_engine_that_draws_them(make_run, tmp_path):
    run, notes, rng = make_run(), Notes(tmp_path / "writer"), random.Random(2)
    last = -1
    for _ in range(20):
        notes[Notes.begun] = notes[Notes.returned] = last
        writer = faults.started(faults.write_on, run.folder, tmp_path / "writer", True)
        faults.reached(notes, Notes.begun, last + 2)
        faults.killed(writer, moment=rng.random() * 0.02)
        last = run.last_epoch()
    drawn = run.map_epochs()
    for epoch in drawn:
        assert run.read_map(epoch).x.tolist() == faults.plane(epoch)["positions"][:, 0].tolist()
    faults.assert_has(run, range(last + 1))
    assert len(drawn) >= 5
    faults.tell(f"maps: 20 kills, {len(drawn)} maps of {last + 1} epochs, 0 half there")


def test_no_row_is_lost_by_100_kills_of_a_fold(make_run, rows, tmp_path):
    run, notes, rng = make_run(10), Notes(tmp_path / "fold"), random.Random(3)
    run.fold()
    inside = published = 0
    for _ in range(100):
        rows.add(run, 1)
        notes[Notes.begun] = notes[Notes.returned] = 0
        generation = manifest.read_manifest(run.folder).generation
        fold = faults.started(faults.fold_once, run.folder, tmp_path / "fold")
        faults.reached(notes, Notes.begun, 1)
        stage = rng.choice(["begins", "writes", "cleans"])
        faults.eventually(lambda now=(stage, generation): has_come_to(run.folder, *now))
        faults.killed(fold, moment=rng.random() * 0.03)
        inside += notes[Notes.returned] == 0
        published += manifest.read_manifest(run.folder).generation - generation
        assert faults.is_free(run.folder / manifest.FOLD_LOCK)
        found = ask(run, COUNTS)
        assert faults.is_whole(found) and found.epoch.tolist() == run.epochs()
    run.fold()
    assert faults.half_written(run) == []
    faults.assert_has(run, range(110))
    assert inside >= 50 and published >= 10
    faults.tell(
        f"fold: 100 kills, {inside} inside, {published} after it was published; 0 of 110 epochs lost, "
        "0 locks held, 0 questions failed"
    )


def test_no_writer_and_no_fold_notices_50_kills_of_a_reader(make_run, rows, tmp_path):
    run, notes, rng = make_run(3), Notes(tmp_path / "reader"), random.Random(4)
    inside = 0
    for kill in range(50):
        notes[Notes.begun] = notes[Notes.returned] = 0
        process = faults.started(faults.read_on, run.folder, tmp_path / "reader")
        faults.reached(notes, Notes.begun, 1)
        rows.add(run, 1)
        if kill % 5 == 0:
            run.fold()
        faults.killed(process, moment=rng.random() * 0.03)
        inside += notes[Notes.begun] > notes[Notes.returned]
        assert all(faults.is_free(lock) for lock in run.folder.glob(".*.lock"))
    run.fold()
    faults.assert_has(run, range(53))
    assert (notes[Notes.errors], what_was_wrong(tmp_path)) == (0, "")
    assert inside >= 25
    faults.tell(f"reader: 50 kills, {inside} inside a question; 0 of 53 epochs lost, 0 locks held")


def test_the_process_that_folds_may_be_killed_too(make_run, rows):
    run = make_run(4, samples=20_000)
    for _ in range(3):
        rows.add(run, 1, 20_000)
        process = subprocess.Popen([sys.executable, "-m", "store.folding.beside", run.folder])
        faults.eventually(lambda: bool(list(run.folder.glob(".scratch-*.duckdb"))))
        process.kill()
        process.wait()
        assert faults.is_free(run.folder / manifest.FOLD_LOCK)
        assert ask(run, "SELECT count(*) AS n FROM history").n.tolist() == [20_000 * len(run.epochs())]
    run.fold()
    assert faults.half_written(run) == []
    assert ask(run, "SELECT count(*) AS n FROM history").n.tolist() == [20_000 * 7]
