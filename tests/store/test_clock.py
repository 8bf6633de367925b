"""Nothing that matters hangs on the time of day: somebody may set the clock back or forward at any moment."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from store import files, manifest, processes, status
from store import run as runs
from store.folding import fold
from store.run import Run, find_runs
from tests import faults
from tests.faults import Notes

HOUR = 3600.0


@pytest.fixture(params=[-HOUR, HOUR], ids=["back", "forward"])
def set_clock(request, monkeypatch):
    """Sets the clock by an hour, as this process and psutil's moment of the boot see it."""
    real, boot = time.time, psutil.boot_time()

    def set_it() -> None:
        monkeypatch.setattr(time, "time", lambda: real() + request.param)
        monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: boot + request.param)

    return set_it


def test_a_living_engine_is_running_whatever_the_clock_says(make_run, set_clock):
    run = make_run()
    run.write_status(state="running", pid=os.getpid())
    before = psutil.Process().create_time()
    set_clock()
    assert abs(psutil.Process().create_time() - before) > HOUR - 1  # planted: psutil takes it for another
    assert run.status().state == "running"
    assert status.silence(run.status()) < 60


@pytest.mark.parametrize(("silence", "state"), [(10, "running"), (40, "stalled")])
def test_a_silent_engine_is_stalled_whatever_the_clock_says(make_run, set_clock, monkeypatch, silence, state):
    run = make_run()
    run.write_status(state="running", pid=os.getpid())
    now = time.monotonic()
    set_clock()
    monkeypatch.setattr(time, "monotonic", lambda: now + silence)
    assert run.status().state == state


def test_a_heartbeat_that_is_only_said_again_is_no_sign_of_life(make_run, set_clock, monkeypatch):
    run, beat, now = make_run(), time.time(), time.monotonic()
    run.write_status(state="running", pid=os.getpid(), heartbeat=beat)
    set_clock()
    monkeypatch.setattr(time, "monotonic", lambda: now + 40)
    run.write_status(heartbeat=beat)  # by the thread of an engine whose loop hangs
    assert run.status().state == "stalled"


@pytest.mark.parametrize("moment", [1.0, time.time() + 10 * HOUR])
def test_what_a_living_process_writes_is_not_cleaned_whatever_its_time(make_run, moment):
    run = make_run()
    own = files.scratch_path(run.folder / "parts" / "epoch-00000.parquet")
    own.write_bytes(b"half")
    os.utime(own, (moment, moment))
    with run.claim():
        assert own.exists()


def test_an_engine_writes_on_while_its_files_are_taken_for_old(make_run, tmp_path):
    run, notes, planted = make_run(), Notes(tmp_path / "writer"), 0
    writer = faults.started(faults.write_on, run.folder, tmp_path / "writer")
    faults.reached(notes, Notes.begun, 1)
    while planted < 30:
        for path in (run.folder / "parts").glob(f"{files.SCRATCH}*"):
            try:
                os.utime(path, (1, 1))
            except FileNotFoundError:
                continue  # it has got its name meanwhile
            planted += 1
            files.remove_strays(run.folder / "parts")
    begun = notes[Notes.begun]
    faults.reached(notes, Notes.returned, begun + 1)  # a part that was cleaned away would have ended it
    faults.killed(writer)
    faults.assert_has(run, range(run.last_epoch() + 1))
    faults.tell(f"clock: {planted} parts looked older than their engine while it wrote, 0 were cleaned away")


def test_what_a_dead_process_left_is_cleaned_whatever_its_time(make_run):
    run = make_run()
    script = "import sys; from pathlib import Path; from store import files\n"
    script += "files.scratch_path(Path(sys.argv[1]) / 'run.duckdb').touch()"
    subprocess.run([sys.executable, "-c", script, str(run.folder)], check=True)
    (left,) = faults.half_written(run)
    os.utime(left, (time.time() + 10 * HOUR,) * 2)
    with run.claim():
        assert faults.half_written(run) == []


@pytest.mark.parametrize("age", [-HOUR, HOUR], ids=["future", "past"])
def test_a_fold_cleans_the_last_generation_whatever_the_clock_says(make_run, rows, age):
    run = make_run(2)
    run.fold()
    rows.add(run, 1)
    run.fold()
    moment = time.time() - age
    os.utime(run.folder / manifest.MANIFEST, (moment, moment))
    run.fold()
    assert [path.name for path in run.folder.glob("*.duckdb")] == ["run.2.duckdb"]


def test_a_question_is_answered_though_the_last_generation_was_cleaned_too_soon(make_run, rows, monkeypatch):
    run = make_run(2)
    run.fold()
    assert len(faults.ask(run, faults.COUNTS)) == 2
    monkeypatch.setattr(fold, "GRACE", -1)
    rows.add(run, 2)
    run.fold()
    run.fold()
    assert faults.is_whole(faults.ask(run, faults.COUNTS))


def test_a_new_run_is_newer_than_the_others_and_takes_no_one_s_name(tmp_path, set_clock, monkeypatch):
    first = Run.create(tmp_path, {})
    set_clock()
    digits = iter([first.id[-6:], "00000a", "00000b"])
    monkeypatch.setattr(runs.secrets, "token_hex", lambda count=0: next(digits) if count == 3 else "0" * 8)
    second = Run.create(tmp_path, {})
    assert len({first.id, second.id}) == 2
    assert first.config() == {}
    assert set(find_runs(tmp_path)) == {first, second}


def test_the_start_of_a_process_is_counted_from_the_boot():
    assert 0 < processes.started(os.getpid()) <= time.clock_gettime(time.CLOCK_BOOTTIME)
    assert processes.started(2**22 + 1) is None


def test_a_process_of_another_boot_is_not_the_one_that_is_meant():
    pid = os.getpid()
    begun = processes.started(pid)
    assert processes.is_running(pid, begun, processes.boot_id())
    assert not processes.is_running(pid, begun, "another boot")
