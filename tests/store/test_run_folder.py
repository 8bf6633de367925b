"""What a run folder keeps, what it refuses, and what a reader never sees of an interrupted write."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from store import files, manifest, queries
from store.reader import ask
from store.run import (
    DiskIsFull,
    Run,
    RunIsBusy,
    RunIsForeign,
    RunNotFound,
    default_root,
    find_run,
    find_runs,
)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_new_run_is_queued_and_found(tmp_path):
    run = Run.create(tmp_path, {"epochs": 3})
    assert find_runs(tmp_path) == [run]
    assert find_run(tmp_path, run.id) == Run.open(run.folder) == run
    assert (run.config(), run.about(), run.status().state) == ({"epochs": 3}, {}, "queued")
    assert (run.epochs(), run.last_epoch(), run.map_epochs()) == ([], -1, [])


def test_runs_are_listed_newest_first_and_other_folders_are_left_out(tmp_path):
    run = Run.create(tmp_path, {})
    older = tmp_path / "20200101-000000-0a1b2c"
    run.folder.rename(older)
    newer = Run.create(tmp_path, {})
    (tmp_path / "datasets").mkdir()
    (tmp_path / "20990101-000000-0a1b2c").mkdir()
    assert [run.folder for run in find_runs(tmp_path)] == [newer.folder, older]
    assert find_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("run_id", ["../20200101-000000-0a1b2c", "20200101-000000-0a1b2c", ""])
def test_an_id_without_a_run_is_not_found(tmp_path, run_id):
    with pytest.raises(RunNotFound):
        find_run(tmp_path, run_id)


def test_the_root_is_the_variable_else_runs_here(monkeypatch, tmp_path):
    monkeypatch.setenv("UNDERTOW_RUNS", str(tmp_path))
    assert default_root() == tmp_path
    monkeypatch.delenv("UNDERTOW_RUNS")
    assert default_root() == Path.cwd() / "runs"


def test_a_run_of_another_schema_version_is_refused(tmp_path):
    run = Run.create(tmp_path, {})
    path = run.folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 7}))
    with pytest.raises(RunIsForeign, match="schema version 7 and this Undertow reads version 3; open it"):
        Run.open(run.folder)
    with pytest.raises(RunIsForeign, match="schema version 7"):
        ask(run, "SELECT 1")
    assert find_runs(tmp_path) == []


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunIsForeign, match=r"is no run: manifest\.json is missing or damaged"):
        Run.open(tmp_path)


def test_an_epoch_comes_back_as_it_was_written(make_run, rows):
    run = make_run(1)
    written, read = rows.epoch(0), queries.history(run, range(rows.samples))
    for name, values in written.items():
        expected = np.ma.filled(np.ma.asarray(values, np.float64), np.nan)
        np.testing.assert_array_equal(read[name].to_numpy("float64", na_value=np.nan), expected, err_msg=name)
    metrics = queries.metrics(run).iloc[0].to_dict()
    assert metrics == pytest.approx({"epoch": 0, **rows.metrics(0)}, nan_ok=True)


def test_unknown_true_labels_are_null_whether_negative_masked_or_nan(make_run, rows):
    run = make_run()
    unknown = np.arange(rows.samples) % 7 == 3
    known = np.abs(rows.fixed()["true_label"])
    for given in (np.ma.masked_array(known, unknown), np.where(unknown, np.nan, known)):
        run.write_samples({**rows.fixed(), "true_label": given}, rows.classes)
        assert ask(run, "SELECT true_label IS NULL AS gone FROM samples").gone.tolist() == unknown.tolist()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"loss": None}, "epoch 0 has no column 'loss'; fill it in the engine"),
        ({"mood": [1]}, "epoch 0 has an unknown column 'mood'; declare it in store/schema.py"),
        ({"loss": np.zeros(3)}, "loss of epoch 0 must have 40 rows; got 3"),
        ({"sample_id": np.arange(40)[::-1]}, "sample_id of epoch 0 must be 0 to 39 in order"),
        (
            {"prediction": np.full(40, -1)},
            "prediction must be a whole number that fits uint16; got -1",
        ),
        (
            {"prediction": np.full(40, 1.5)},
            "prediction must be a whole number that fits uint16; got 1.5",
        ),
        (
            {"operation": np.full(40, 256)},
            "operation must be a whole number that fits uint8; got 256",
        ),
        ({"selected": np.full(40, np.nan)}, "selected of epoch 0 must be known for every sample"),
    ],
)
def test_an_epoch_that_does_not_fit_the_schema_is_refused(make_run, rows, change, sentence):
    run = make_run()
    columns = {name: values for name, values in rows.epoch(0, **change).items() if values is not None}
    with pytest.raises(ValueError, match=sentence):
        run.write_epoch(0, columns, rows.metrics(0))
    assert files_in(run.folder / "parts") == []


def test_metrics_that_do_not_fit_the_schema_are_refused(make_run, rows):
    metrics = rows.metrics(0)
    del metrics["recall"]
    with pytest.raises(ValueError, match="the metrics of epoch 0 has no column 'recall'"):
        make_run().write_epoch(0, rows.epoch(0), metrics)


@pytest.mark.parametrize("epoch", [1, 3])
def test_epochs_follow_each_other(make_run, rows, epoch):
    with pytest.raises(ValueError, match=f"must be 2, the one after the last; got {epoch}"):
        make_run(2).write_epoch(epoch, rows.epoch(epoch), rows.metrics(epoch))


def test_an_epoch_needs_samples_first(tmp_path, rows):
    with pytest.raises(ValueError, match="has no samples yet; write_samples comes before write_epoch"):
        Run.create(tmp_path, {}).write_epoch(0, rows.epoch(0), rows.metrics(0))


def test_samples_stay_as_they_were_once_epochs_refer_to_them(make_run, rows):
    run = make_run(1)
    run.write_samples(rows.fixed(), rows.classes)
    with pytest.raises(ValueError, match="must stay as they were; make a new run"):
        run.write_samples({**rows.fixed(), "consistency": np.zeros(rows.samples)}, rows.classes)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"label": np.full(40, np.nan)}, "label of samples must be from 0 to 2; got nan to nan"),
        ({"label": np.full(40, 3)}, "label of samples must be from 0 to 2; got 3 to 3"),
        ({"sample_id": np.arange(1, 41)}, "sample_id of samples must be 0, 1, 2"),
        ({"consistency": np.zeros(3)}, "consistency of samples must have 40 rows, one a sample; got 3"),
    ],
)
def test_samples_that_do_not_fit_are_refused(make_run, rows, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_run().write_samples({**rows.fixed(), **change}, rows.classes)


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("successes", range(3))
def test_a_full_disk_says_so_and_commits_nothing(make_run, rows, monkeypatch, call, successes):
    run = make_run(1)
    before = files_in(run.folder)
    real, calls = getattr(os, call), []

    def full(*given):
        calls.append(given)
        if len(calls) > successes:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, full)
        with pytest.raises(DiskIsFull, match=r"the disk is full: .* needs 0\.\d MB and .* MB are free in .*"):
            run.write_epoch(1, rows.epoch(1), rows.metrics(1))
    assert (run.last_epoch(), len(queries.metrics(run))) == (0, 1)
    assert not [name for name in files_in(run.folder) if files.SCRATCH in name]
    with run.claim():
        assert files_in(run.folder / "parts") == [name[6:] for name in before if name.startswith("parts/")]
    rows.add(run, 1)
    assert run.epochs() == [0, 1]


def test_half_written_files_of_dead_processes_are_ignored_and_cleaned(make_run):
    run = make_run(2)
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    dead = run.folder / "parts" / f".scratch-{int(gone.stdout)}-abcd-epoch-00002.parquet"
    reused = run.folder / "maps" / f".scratch-{os.getpid()}-0123abcd-epoch-00002.parquet"
    alive = files.scratch_path(run.folder / "status.json")
    uncommitted = manifest.part_path(run.folder, "metrics", 2)
    for path in (dead, reused, alive, uncommitted):
        path.write_bytes(b"half")
    os.utime(alive, (1, 1))  # the clock may be set back while it is written
    assert (run.epochs(), len(queries.metrics(run))) == ([0, 1], 2)
    with run.claim():
        assert [path.exists() for path in (dead, reused, alive, uncommitted)] == [False, False, True, False]


def test_a_second_engine_is_told_who_has_the_run(make_run):
    run = make_run()
    script = "import sys; from store.run import Run; run = Run.open(sys.argv[1])\nwith run.claim(): pass"
    second = [sys.executable, "-c", script, str(run.folder)]
    with run.claim():
        with (
            pytest.raises(RunIsBusy, match=f"another engine \\(pid {os.getpid()}\\) works on run"),
            run.claim(),
        ):
            pass
        assert "RunIsBusy" in subprocess.run(second, capture_output=True, text=True, check=False).stderr
    assert subprocess.run(second, check=False).returncode == 0


def test_writing_epochs_loads_no_duckdb(make_run):
    run = make_run()
    script = """
import sys, numpy as np
from store.run import Run
from store.schema import EPOCH_COLUMNS, METRIC_COLUMNS
run = Run.open(sys.argv[1])
with run.claim():
    columns = {column.name: np.full(40, np.nan) for column in EPOCH_COLUMNS[3:]}
    columns |= {"sample_id": np.arange(40), "selected": np.ones(40)}
    run.write_epoch(0, columns, {column.name: 0.0 for column in METRIC_COLUMNS[1:]})
    run.rewind(-1)
    run.write_status(state="done")
sys.exit("duckdb" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script, str(run.folder)], check=False).returncode == 0


def test_rewinding_drops_what_came_later(make_run, rows):
    run = make_run(4)
    for epoch in (1, 3):
        run.write_map(epoch, sample_ids=np.arange(2), positions=np.zeros((2, 2)), neighbours=np.zeros((2, 1)))
    version = run.data_version()
    run.rewind(1)
    assert (run.epochs(), run.map_epochs(), len(queries.metrics(run))) == ([0, 1], [1], 2)
    assert not list(run.folder.glob("parts/*-00002.parquet"))
    rows.add(run, 2)
    assert run.data_version() != version


def test_a_map_comes_back_as_it_was_written(make_run):
    run = make_run()
    positions, neighbours = np.array([[0, 1], [2, 3], [4, 5]]), np.array([[7, 9], [9, 4], [4, 7]])
    run.write_map(2, sample_ids=np.array([4, 7, 9]), positions=positions, neighbours=neighbours)
    drawn = run.read_map(2)
    assert drawn[["sample_id", "x", "y"]].to_numpy().tolist() == [[4, 0, 1], [7, 2, 3], [9, 4, 5]]
    assert [row.tolist() for row in drawn.neighbours] == neighbours.tolist()
    with pytest.raises(LookupError, match="has no map of epoch 1; map_epochs lists those there are"):
        run.read_map(1)
    (run.folder / "maps" / "epoch-00002.parquet").write_bytes(b"torn")
    with pytest.raises(RunIsForeign, match=r"maps/epoch-00002\.parquet of run .* is no whole Parquet file"):
        run.read_map(2)


def test_the_data_version_changes_with_every_answer_that_can_change(make_run, rows):
    run = make_run()
    versions = [run.data_version()]
    one_point = {"sample_ids": np.arange(1), "positions": np.zeros((1, 2)), "neighbours": np.zeros((1, 1))}
    for change in (
        lambda: rows.add(run, 1),
        lambda: rows.add(run, 1),
        run.fold,
        lambda: run.write_map(1, **one_point),
        lambda: run.rewind(0),
    ):
        assert run.data_version() == versions[-1]
        change()
        versions.append(run.data_version())
    assert len(set(versions)) == len(versions)


def test_thumbnails_are_shared_by_the_runs_of_a_data_set(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 1), dtype=np.uint8)
    first, second = Run.create(tmp_path, {}), Run.create(tmp_path, {})
    assert first.thumbnails() is None
    first.write_thumbnails("digits-1", images)
    second.write_about({"dataset_key": "digits-1"})
    np.testing.assert_array_equal(second.thumbnails(), images)
    assert isinstance(second.thumbnails(), np.memmap)
    with pytest.raises(ValueError, match="the key of a data set must be letters"):
        first.write_thumbnails("../digits", images)


def test_a_stop_is_asked_seen_and_forgotten(make_run):
    run = make_run()
    seen = [run.stop_requested()]
    run.request_stop()
    seen.append(run.stop_requested())
    run.clear_stop()
    assert [*seen, run.stop_requested()] == [False, True, False]


def test_the_log_is_read_from_its_end(make_run):
    run = make_run()
    assert run.log_tail() == ""
    (run.folder / "log.txt").write_text("".join(f"line {number}\n" for number in range(50_000)))
    assert run.log_tail(2) == "line 49998\nline 49999"


def test_a_run_is_deleted_unless_something_works_on_it(make_run):
    run = make_run(1)
    queries.metrics(run)
    run.write_status(state="running", pid=os.getpid())
    with pytest.raises(RunIsBusy, match="is running; stop it before deleting it"):
        run.delete()
    run.write_status(state="done")
    with run.claim(), pytest.raises(RunIsBusy):
        run.delete()
    run.delete()
    assert list(run.folder.parent.iterdir()) == []


def test_parts_carry_floats_as_float_and_nothing_else_than_the_schema(make_run):
    run = make_run(1)
    for kind, table in (("epoch", "history"), ("metrics", "metrics"), ("stats", "epoch_stats")):
        arrow = pq.read_schema(manifest.part_path(run.folder, kind, 0))
        assert "double" not in {str(field.type) for field in arrow}, table
