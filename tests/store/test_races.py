"""Who may do a thing only once at a time does it once, whoever comes at the same moment."""

import random
from pathlib import Path

import pytest

from store import manifest, sources
from store.reader import ask
from store.run import Run, RunIsBusy
from tests import faults
from tests.faults import COUNTS, Notes

RACES = 20
EPOCHS = 20


def claim(folder: Path, path: Path, gate: Path) -> None:
    """Waits for the gate, claims the run, and keeps it until it is killed; notes whether it could."""
    notes, run = Notes(path), Run.open(folder)
    notes[Notes.begun] = 1
    faults.eventually(gate.exists)
    try:
        with run.claim():
            notes[Notes.returned] = 1
            faults.wait_for_the_end()
    except RunIsBusy:
        notes[Notes.returned] = 0
        faults.wait_for_the_end()


def fold(folder: Path, path: Path, gate: Path) -> None:
    """Waits for the gate and folds the run."""
    notes, run = Notes(path), Run.open(folder)
    notes[Notes.begun] = 1
    faults.eventually(gate.exists)
    run.fold()
    notes[Notes.returned] = 1
    faults.wait_for_the_end()


def race(work, run: Run, tmp_path: Path, runners: int) -> list[Notes]:
    """Lets so many processes do the work at one moment and returns what each noted."""
    gate, lanes = tmp_path / "gate", [tmp_path / f"lane-{number}" for number in range(runners)]
    for lane in lanes:
        lane.unlink(missing_ok=True)
    gate.unlink(missing_ok=True)
    notes = [Notes(lane) for lane in lanes]
    processes = [faults.started(work, run.folder, lane, gate) for lane in lanes]
    faults.eventually(lambda: all(note[Notes.begun] == 1 for note in notes))
    gate.touch()
    faults.eventually(lambda: all(note[Notes.returned] >= 0 for note in notes))
    for process in processes:
        faults.killed(process)
    return notes


def test_one_of_two_engines_gets_the_run_in_each_of_20_races(make_run, tmp_path):
    run = make_run(1)
    winners = [sum(note[Notes.returned] for note in race(claim, run, tmp_path, 2)) for _ in range(RACES)]
    assert winners == [1] * RACES
    with run.claim():
        faults.tell(f"engines: {RACES} races of two, {sum(winners)} winners")


def test_three_folds_at_once_make_one_generation(make_run, rows, tmp_path):
    run, generations = make_run(1), []
    for _ in range(8):
        rows.add(run, 1)
        race(fold, run, tmp_path, 3)
        generations.append(manifest.read_manifest(run.folder).generation)
    assert generations == list(range(1, 9))
    assert faults.half_written(run) == []
    faults.assert_has(run, range(9))
    faults.tell("folds: 8 races of three, 8 generations")


def test_readers_see_whole_epochs_only_while_one_writes_folds_and_goes_back(make_run, rows, tmp_path):
    run, rng, lanes = make_run(2), random.Random(5), [tmp_path / "first", tmp_path / "second"]
    readers = [faults.started(faults.read_on, run.folder, lane, True) for lane in lanes]
    asked = [Notes(lane) for lane in lanes]
    folder = faults.started(faults.fold_on, run.folder, tmp_path / "fold")
    faults.eventually(lambda: all(note[Notes.questions] > 0 for note in asked))
    rewinds = 0
    for _ in range(EPOCHS):
        rows.add(run, 1)
        if rng.random() < 0.3 and run.last_epoch() > 3:
            run.rewind(run.last_epoch() - rng.randrange(1, 4))
            rewinds += 1
        assert faults.is_whole(ask(run, COUNTS))
    faults.eventually(lambda: sum(note[Notes.questions] for note in asked) >= 60)
    for process in (*readers, folder):
        faults.killed(process)
    told = [lane.with_suffix(".txt").read_text() for lane in lanes if lane.with_suffix(".txt").exists()]
    questions = sum(note[Notes.questions] for note in asked)
    folds = manifest.read_manifest(run.folder).generation
    assert (sum(note[Notes.errors] for note in asked), told) == (0, [])
    assert rewinds >= 3 and folds >= 3
    faults.assert_has(run, range(run.last_epoch() + 1))
    faults.tell(
        f"readers: {questions} questions of 2 processes beside {EPOCHS} epochs, {folds} generations and "
        f"{rewinds} rewinds; 0 errors"
    )


@pytest.mark.parametrize("kind", ["epoch", "metrics", "stats"])
def test_a_part_that_goes_away_before_it_is_shown_is_no_failure(make_run, monkeypatch, kind):
    run, real, gone = make_run(3), sources.select, []

    def select_late(folder, table, state, *, catalog):
        if table == {"epoch": "history", "metrics": "metrics", "stats": "epoch_stats"}[kind] and not gone:
            gone.append(table)
            run.rewind(0)
        return real(folder, table, state, catalog=catalog)

    monkeypatch.setattr(sources, "select", select_late)
    assert ask(run, COUNTS).epoch.tolist() == [0]
    assert len(gone) == 1


@pytest.mark.parametrize("folded", [False, True])
def test_an_engine_that_is_killed_frees_its_run_at_once(make_run, tmp_path, folded):
    run = make_run(2)
    if folded:
        run.fold()
    notes = race(claim, run, tmp_path, 1)
    assert notes[0][Notes.returned] == 1
    with run.claim():
        assert run.epochs() == [0, 1]
