"""The state of a run is what can be observed, not what a dead process last wrote."""

import json
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from store import processes, status
from store.status import Status


@pytest.fixture
def sleeper():
    """A process that waits until it is ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


def test_a_written_status_comes_back(make_run):
    run = make_run()
    written = run.write_status(
        state="running", epoch=2, epochs=8, step=3, steps=6, phase="training", share=0.5, pid=os.getpid()
    )
    assert run.status() == written
    assert written.pid_started == processes.started(os.getpid())
    assert written.heartbeat == written.updated == pytest.approx(time.time(), abs=60)
    assert json.loads((run.folder / "status.json").read_text())["phase"] == "training"


def test_a_change_keeps_the_other_fields(make_run):
    run = make_run()
    run.write_status(epoch=2, epochs=8, message="so far")
    assert run.write_status(step=3).message == "so far"


def test_only_the_process_of_the_run_gives_its_heartbeat(make_run, sleeper):
    run = make_run()
    run.write_status(state="running", pid=sleeper.pid)
    assert run.status().heartbeat is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"mood": 1}, "status has no field 'mood'; its fields are state, epoch"),
        (
            {"state": "lost"},
            "state must be one of queued, running, stopping, stopped, done, failed; got lost",
        ),
    ],
)
def test_what_is_no_status_is_refused(make_run, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_run().write_status(**fields)


def test_a_running_state_without_its_process_is_lost(make_run, sleeper):
    run = make_run()
    run.write_status(state="running", pid=sleeper.pid)
    assert (run.status().state, run.status().is_alive, run.status().is_over) == ("running", True, False)
    sleeper.kill()
    sleeper.wait()
    assert (run.status().state, run.status().is_alive, run.status().is_over) == ("lost", False, True)


def test_a_zombie_is_lost(make_run, sleeper):
    run = make_run()
    run.write_status(state="running", pid=sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # ended, and nobody has asked how
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE
    assert run.status().state == "lost"


def test_a_process_id_that_was_given_again_is_not_the_run(make_run):
    run = make_run()
    run.write_status(state="running", pid=os.getpid(), pid_started=processes.started(os.getpid()) - 100)
    assert run.status().state == "lost"


@pytest.mark.parametrize("state", ["queued", "stopped", "done", "failed"])
def test_a_state_that_needs_no_process_stays(make_run, state):
    run = make_run()
    run.write_status(state=state, heartbeat=1.0)
    assert (run.status().state, run.status().is_alive) == (state, False)


@pytest.mark.parametrize(
    ("silence", "epoch_seconds", "state"),
    [(20, 1, "running"), (40, 1, "stalled"), (40, 9, "running"), (60, 9, "stalled")],
)
def test_a_silent_process_is_stalled__after_30_s_and_5_epochs(make_run, rows, silence, epoch_seconds, state):
    run = make_run()
    run.write_epoch(0, rows.epoch(0), {**rows.metrics(0), "seconds": epoch_seconds})
    run.write_status(state="running", pid=os.getpid(), heartbeat=time.time() - silence)
    assert (run.status().state, run.status().is_alive) == (state, True)


def test_a_running_engine_that_was_asked_to_stop_is_stopping(make_run):
    run = make_run()
    run.write_status(state="running", pid=os.getpid())
    run.request_stop()
    assert run.status().state == "stopping"


@pytest.mark.parametrize(
    ("written", "progress"),
    [
        (Status(), 0),
        (Status(state="running", epoch=-1, epochs=4), 0),
        (Status(state="running", epoch=1, epochs=4, step=5, steps=10), (1 + 5 / 10) / 4),
        (Status(state="running", epoch=1, epochs=4), 1 / 4),
        (Status(state="done", epoch=3, epochs=4), 1),
        (Status(state="stopped", epoch=4, epochs=4), 1),
    ],
)
def test_progress_is_the_share_of_epochs_done(written, progress):
    assert written.progress == pytest.approx(progress)


def test_a_reader_never_meets_half_a_status(make_run):
    run = make_run()
    run.write_status(state="running", pid=os.getpid(), message="0")
    seen, over = [], threading.Event()

    def write(fields):
        for number in range(100):
            run.write_status(**{fields: str(number) * 500})

    writers = [threading.Thread(target=write, args=(field,)) for field in ("message", "phase")]

    def read():
        while not over.is_set():
            seen.append(status.read(run.folder))

    reader = threading.Thread(target=read)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    reader.join()
    assert {found.state for found in seen} == {"running"}
    assert (run.status().message, run.status().phase) == ("99" * 500, "99" * 500)
