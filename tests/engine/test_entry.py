"""python -m engine refuses what it must with one sentence, and says truthfully how a run ended."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine import __main__ as entry
from engine import describe, progress
from engine.config import parse
from engine.distributed import ALONE
from engine.progress import Progress, Stopped
from store import queries
from store.folding.beside import FoldFailed, Folding
from store.run import DiskIsFull, Run


def engine(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", folder], capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def run(tmp_path):
    settings = parse({}, ["consistency.kind=none", "epochs=2", "maps.every=0", "precision=float32"])
    return Run.create(tmp_path, settings.model_dump(mode="json"))


def test_a_second_engine_is_refused_with_a_sentence(run):
    with run.claim():
        refused = engine(run.folder)
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"another engine (pid {os.getpid()}) works on run {run.id}; wait for it or stop it"
    )


def test_a_folder_that_is_no_run_is_refused_with_a_sentence(tmp_path):
    refused = engine(tmp_path)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_a_run_of_another_version_is_refused_with_a_sentence(run):
    manifest = json.loads((run.folder / "manifest.json").read_text())
    (run.folder / "manifest.json").write_text(json.dumps(manifest | {"schema": 99}))
    refused = engine(run.folder)
    assert refused.returncode == 1
    assert "99" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_run_ends_in_done_and_in_one_database(run):
    with run.claim():
        entry.finish(run, threading.Event(), ALONE)
    status = run.status()
    assert (status.state, status.epoch, status.epochs, status.message) == ("done", 1, 2, "")
    assert (run.folder / "run.duckdb").exists()
    about = run.about()
    assert about["n"] == 1437
    assert about["encoder"] == "none"
    assert about["consistency_auroc"] is None
    assert about["threads"] >= 1


def test_a_run_that_was_asked_to_stop_says_so_and_the_next_start_goes_on(run):
    asked = threading.Event()
    asked.set()
    with run.claim():
        entry.finish(run, asked, ALONE)
        assert run.status().state == "stopped"
        assert run.status().message == "stopped after 0 whole epochs"
        entry.finish(run, threading.Event(), ALONE)
    assert run.status().state == "done"
    assert run.epochs() == [0, 1]


def test_a_full_disk_ends_in_failed_with_a_sentence_and_loses_no_epoch(run, monkeypatch):
    """The disk is full from the second epoch on; resumed with space again, the run completes."""
    write = Run.write_epoch

    def full(self, epoch, columns, metrics):
        if epoch == 1:
            raise DiskIsFull("the disk is full; free some space and resume the run")
        return write(self, epoch, columns, metrics)

    monkeypatch.setattr(Run, "write_epoch", full)
    with run.claim(), pytest.raises(DiskIsFull):
        entry.finish(run, threading.Event(), ALONE)
    assert run.status().state == "failed"
    assert run.status().message == "the disk is full; free some space and resume the run"
    assert run.epochs() == [0]
    monkeypatch.undo()
    with run.claim():
        entry.finish(run, threading.Event(), ALONE)
    assert run.epochs() == [0, 1]


def test_a_fold_that_fails_says_so_and_a_resumed_run_folds(run, monkeypatch):
    def fail(_folding):
        raise FoldFailed("the disk is broken")

    monkeypatch.setattr(Folding, "finish", fail)
    with run.claim(), pytest.raises(FoldFailed, match="the disk is broken"):
        entry.finish(run, threading.Event(), ALONE)
    assert run.status().state == "failed"
    assert run.status().message.startswith("2 epochs are recorded, but not folded into one database; ")
    monkeypatch.undo()
    with run.claim():
        entry.finish(run, threading.Event(), ALONE)
    assert run.status().state == "done"
    assert (run.folder / "run.duckdb").exists()


def test_parts_that_were_deleted_are_trained_again(run):
    """As the sentence about a damaged part advises: its part and the later ones go, the run is resumed."""
    settings = run.config() | {"epochs": 4}
    longer = Run.create(run.folder.parent, settings)
    with longer.claim():
        entry.finish(longer, threading.Event(), ALONE)
    fresh = Run.create(run.folder.parent, settings)
    with fresh.claim():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Folding, "finish", lambda _folding: None)
            entry.finish(fresh, threading.Event(), ALONE)
        for part in (fresh.folder / "parts").glob("*-0000[23].parquet"):
            part.unlink()
        assert fresh.epochs() == [0, 1]
        entry.finish(fresh, threading.Event(), ALONE)
    assert fresh.status().state == "done"
    assert fresh.epochs() == [0, 1, 2, 3]
    ours, theirs = (queries.history(each, list(range(50))) for each in (fresh, longer))
    assert ours.equals(theirs)


def test_progress_is_said_every_second_by_a_thread_and_survives_a_full_disk(monkeypatch):
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    said, twice = [], threading.Event()

    def write(**fields):
        said.append(fields)
        if len(said) == 1:
            raise OSError(errno.ENOSPC, "full")
        twice.set()

    beating = Progress(write, lambda: False)
    beating.step(3, 4, 8)
    assert twice.wait(10)
    beating.end()
    assert said[-1].items() >= {"phase": "training", "epoch": 3, "step": 4, "steps": 8, "share": 0.5}.items()


@pytest.mark.parametrize(("step", "is_held"), [(0, False), (1, True), (6, True), (7, False)])
def test_the_heartbeat_is_that_of_the_last_step_but_for_the_first_and_the_last(monkeypatch, step, is_held):
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    said, thrice = [], threading.Event()

    def write(**fields):
        said.append(fields.get("heartbeat"))
        if len(said) == 3:
            thrice.set()

    beating = Progress(write, lambda: False)
    beating.step(0, step, 8)
    said.clear()
    assert thrice.wait(10)
    beating.end()
    assert (said[-1] is not None) == is_held
    assert len(set(said[-2:])) == 1  # a loop that hangs does not move it


def test_progress_raises_when_asked_to_stop():
    beating = Progress(lambda **_: None, lambda: True)
    with pytest.raises(Stopped):
        beating.phase("loading images")
    beating.end()


def test_threads_are_as_many_as_were_asked_for(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert entry.intra_op_threads(16) == 3


def test_what_decides_the_numbers_is_written_down(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert entry.intra_op_threads(1) == entry.intra_op_threads(2) == 1
    assert entry.intra_op_threads(8) == 4
    assert describe.git_state(tmp_path) is None
    assert describe.cpu_features(tmp_path / "missing") == []
    (tmp_path / "cpuinfo").write_text("flags : fpu avx2 avx512_bf16 avx2x")
    assert describe.cpu_features(tmp_path / "cpuinfo") == ["avx2", "avx512_bf16"]


def test_the_name_of_the_processor_is_the_systems_and_its_kind_where_it_has_none(tmp_path):
    (tmp_path / "cpuinfo").write_text("vendor_id : X\nmodel name : Some CPU @ 2 GHz\nmodel name : Some CPU\n")
    assert describe.processor(tmp_path / "cpuinfo") == "Some CPU @ 2 GHz"
    assert describe.processor(tmp_path / "missing")


def test_the_cache_is_where_it_was_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path / "here"))
    assert entry.cache_folder() == tmp_path / "here"
    monkeypatch.delenv("UNDERTOW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert entry.cache_folder() == tmp_path / "undertow"
