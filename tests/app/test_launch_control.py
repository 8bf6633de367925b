"""No training is lost: whatever is killed, suspended or started twice, states stay true and runs go on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app import launch, tenure
from app import queue as arranged
from app.runs import several
from app.supervisor import Patience, Supervisor, send_signal
from store import files, processes, status
from store.errors import RunIsBusy
from store.run import Run, find_runs
from tests.launching import Queue, eventually, reaches, trains

# A program that queues a run through the queue's own door, as the app and the command line do.
SUBMIT = """
import sys, time
from pathlib import Path
from app import launch
from app.supervisor import Patience
from store.run import Run
root, script, role = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
run = Run.create(root, {"name": role})
patience = Patience(poll=0.02, idle=3.0, grace=1.0)
launch.ensure_supervisor(root, worker=(sys.executable, script), slots=4, patience=patience)
print(run.id, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(tmp_path)
    yield queue
    queue.end()


@pytest.fixture
def submitter(queue: Queue) -> Iterator["Submitter"]:
    submitter = Submitter(queue)
    yield submitter
    submitter.end()


class Submitter:
    """Starts processes that queue a run each when they are told to, and stay until they are killed."""

    def __init__(self, queue: Queue) -> None:
        self._queue, self.processes = queue, list[subprocess.Popen[str]]()

    def start(self, role: str) -> None:
        command = [sys.executable, "-c", SUBMIT, str(self._queue.root), self._queue.worker[1], role]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.processes.append(process)

    def submit(self) -> list[Run]:
        """Lets all of them queue their run at once."""
        assert {self._hear(process) for process in self.processes} == {"ready"}
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        return [Run.open(self._queue.root / self._hear(process)) for process in self.processes]

    def _hear(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline().strip()

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def test_eight_processes_submit_at_once__one_supervisor_and_all_are_done(
    queue: Queue, submitter: Submitter
) -> None:
    for _ in range(8):
        submitter.start("finish")
    runs = submitter.submit()
    for run in runs:
        reaches(run, "done")
    assert (len(runs), queue.log().count("takes up"), queue.log().count("started worker")) == (8, 1, 8)


def test_the_app_killed_with_its_group__its_run_trains_on(queue: Queue, submitter: Submitter) -> None:
    submitter.start("wait")
    (run,) = submitter.submit()
    trains(run)
    submitter.end()
    assert (run.status().state, launch.alive_supervisor(queue.root)) == ("running", True)
    launch.stop(run)
    reaches(run, "stopped")


def test_suspended_worker_is_stalled_and_runs_again_when_it_goes_on(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queue.submit("beat")
    trains(run)
    monkeypatch.setattr(status, "STALLED_AFTER", 0.5)
    process = psutil.Process(run.status().pid)
    process.suspend()
    reaches(run, "stalled")
    process.resume()
    reaches(run, "running")


def test_suspended_worker_hears_the_stop_and_is_resumed(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queue.submit("beat")
    trains(run)
    monkeypatch.setattr(status, "STALLED_AFTER", 0.5)
    psutil.Process(run.status().pid).suspend()
    reaches(run, "stalled")
    launch.stop(run)
    reaches(run, "stopped")
    assert run.status().message == ""  # it said so itself: it was not killed
    launch.resume(run, worker=queue.worker)
    trains(run)
    assert run.status().epoch == 1


def test_worker_in_an_endless_loop_is_stalled_and_killed_and_resumed(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.patience = Patience(poll=0.02, idle=0.5, grace=1000)
    run = queue.submit("deaf")  # it hears nothing and gives no heartbeat
    trains(run)
    monkeypatch.setattr(status, "STALLED_AFTER", 0.2)
    reaches(run, "stalled")
    launch.stop(run)
    launch.kill(run)
    reaches(run, "stopped")
    launch.resume(run, worker=queue.worker)
    trains(run)
    assert run.status().epoch == 1


def test_process_of_an_earlier_boot_is_not_the_run_though_id_and_time_agree(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    written = run.write_status(state="running", pid=os.getpid())
    assert (written.boot, run.status().state) == (processes.boot_id(), "running")
    run.write_status(boot="00000000-0000-0000-0000-000000000000")
    assert run.status().state == "lost"


def test_announcement_of_an_earlier_boot_is_no_supervisor(tmp_path: Path) -> None:
    tenure.announce(tmp_path, slots=1)
    assert tenure.alive_supervisor(tmp_path)
    words = files.read_json(tmp_path / tenure.ANNOUNCEMENT) or {}
    files.write_json(tmp_path / tenure.ANNOUNCEMENT, {**words, "boot": "earlier"})
    assert not tenure.alive_supervisor(tmp_path)


def test_run_of_an_earlier_boot_is_taken_up_again_by_the_next_supervisor(queue: Queue) -> None:
    run = Run.create(queue.root, {"name": "finish"})
    run.write_status(state="running", pid=os.getpid(), epoch=3, boot="earlier")
    assert run.status().state == "lost"
    launch.resume(run, worker=queue.worker)
    reaches(run, "done")


def test_boot_is_told_without_proc_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "_BOOT_ID", tmp_path / "none")
    assert processes.boot_id.__wrapped__() == f"{psutil.boot_time():.0f}"


def test_foreign_process_with_the_id_of_a_worker_is_never_signalled(queue: Queue) -> None:
    foreign = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run = Run.create(queue.root, {"name": "wait"})
    run.write_status(state="running", pid=foreign.pid, pid_started=0.0)
    for number in (signal.SIGTERM, signal.SIGKILL):
        send_signal(run.status(), number)
        send_signal(status.read(run.folder), number)
    launch.stop(run)
    launch.kill(run)
    assert (foreign.poll(), run.status().state) == (None, "lost")
    foreign.communicate(b"\n")
    assert foreign.returncode == 0


def test_slots_changed_in_a_file_are_obeyed_by_the_living_supervisor(queue: Queue) -> None:
    first, second = (Run.create(queue.root, {"name": "wait"}) for _ in range(2))
    queue.ensure_supervisor(slots=1)
    trains(first)
    assert second.status().state == "queued"
    arranged.set_slots(queue.root, 2)
    trains(second)
    assert several.stop_all(queue.root) == 2
    for run in (first, second):
        reaches(run, "stopped")


def test_run_moved_to_the_front_starts_first(queue: Queue) -> None:
    runs = [Run.create(queue.root, {"name": "wait"}) for _ in range(3)]
    arranged.move(runs[2], "first")
    queue.ensure_supervisor(slots=1)
    trains(runs[2])
    assert [run.status().state for run in runs[:2]] == ["queued", "queued"]
    assert several.stop_all(queue.root) == 3
    reaches(runs[2], "stopped")
    eventually(lambda: not launch.alive_supervisor(queue.root))
    assert queue.log().count("started worker") == 1  # no waiting run moved up


def test_several_runs_are_deleted_and_those_that_live_are_left(queue: Queue) -> None:
    live = queue.submit("wait")
    trains(live)
    over = [Run.create(queue.root, {"name": "wait"}, state="stopped") for _ in range(2)]
    assert several.delete_all([*over, live, over[0]]) == 3  # one of them a second time, from another tab
    assert find_runs(queue.root) == [live]
    launch.stop(live)
    reaches(live, "stopped")


def test_clicks_twice_or_from_two_tabs_are_harmless(queue: Queue) -> None:
    run = queue.submit("wait")
    trains(run)
    launch.stop(run)
    launch.stop(run)
    reaches(run, "stopped")
    launch.resume(run, worker=queue.worker)
    with pytest.raises(RunIsBusy, match="stop it before resuming it"):
        launch.resume(run, worker=queue.worker)
    trains(run)
    launch.kill(run)
    launch.kill(run)
    reaches(run, "stopped")
    launch.delete(run)
    launch.delete(run)
    launch.stop(run)
    assert find_runs(queue.root) == []


def test_run_without_a_readable_status_is_lost_and_not_queued(queue: Queue) -> None:
    run = Run.create(queue.root, {"name": "finish"})
    (run.folder / "status.json").write_text("{half")
    assert (run.status().state, run.status().message) == ("lost", status.UNREADABLE)
    started: list[Run] = []
    supervisor = Supervisor(queue.root, slots=1, start=started.append, patience=queue.patience)
    assert (supervisor.turn(), started) == (False, [])
    launch.resume(run, worker=queue.worker)
    reaches(run, "done")
