"""The life of a training process: what the supervisor must get right whatever dies, and whenever it dies.

Its workers are a small real script that writes statuses through the store: the subject is not training.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import launch, tenure
from app.supervisor import Patience, Supervisor
from store.errors import DiskIsFull, RunIsBusy
from store.run import Run, Status, find_runs
from tests.launching import Queue, assert_stays, eventually, reaches, trains
from tests.synthetic import make_damaged_run


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(tmp_path)
    yield queue
    queue.end()


def test_submitted_run_is_trained_to_the_end_and_its_output_is_kept(queue: Queue) -> None:
    run = queue.submit("finish")
    reaches(run, "done")
    assert run.log_tail().strip() == "trains"


def test_eight_submits_at_once_start_one_supervisor_and_all_are_done(queue: Queue) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(queue.submit, ["finish"] * 8))
    for run in runs:
        reaches(run, "done")
    assert queue.log().count("started worker") == 8


def test_two_supervisors_started_at_once__one_works_and_the_other_leaves(queue: Queue) -> None:
    run = Run.create(queue.root, {"name": "wait"})
    command = [sys.executable, "-m", "app.launch", "--idle=0.5", str(queue.root), "--", *queue.worker]
    pair = [subprocess.Popen(command) for _ in range(2)]
    trains(run)
    eventually(lambda: any(process.poll() == 0 for process in pair))
    assert queue.supervisor().pid in [process.pid for process in pair if process.poll() is None]
    launch.stop(run)
    assert [process.wait(60) for process in pair] == [0, 0]


def test_queue_is_served_in_order_of_submission_and_never_beyond_its_slots(queue: Queue) -> None:
    runs = [Run.create(queue.root, {"name": "wait"}) for _ in range(3)]
    queue.ensure_supervisor(slots=1)
    for position, run in enumerate(runs):
        trains(run)
        assert [later.status().state for later in runs[position + 1 :]] == ["queued"] * (2 - position)
        launch.stop(run)
        reaches(run, "stopped")


def test_worker_killed__run_has_failed_and_says_by_which_signal(queue: Queue) -> None:
    run = queue.submit("wait")
    trains(run)
    os.kill(run.status().pid or 0, signal.SIGKILL)
    reaches(run, "failed")
    assert run.status().message == (
        "its worker was killed by SIGKILL; often the machine ran out of memory; read the end of its log, "
        "then resume or delete it"
    )


def test_worker_exits_without_a_word__run_has_failed_and_says_its_exit_code(queue: Queue) -> None:
    run = queue.submit("exit 3")
    reaches(run, "failed")
    assert "exit code 3" in run.status().message


def test_worker_cannot_be_started__run_has_failed_and_says_why(queue: Queue) -> None:
    run = Run.create(queue.root, {"name": "finish"})
    launch.ensure_supervisor(queue.root, worker=("no-such-program",), patience=queue.patience)
    reaches(run, "failed")
    assert "no-such-program" in run.status().message


def test_damaged_run_has_failed_with_the_reason_and_the_queue_goes_on(queue: Queue) -> None:
    damaged = make_damaged_run(queue.root)
    damaged.write_status(state="queued")
    healthy = queue.submit("finish")
    reaches(healthy, "done")
    reaches(damaged, "failed")
    assert "parts/epoch-00001.parquet" in damaged.status().message
    launch.delete(damaged)
    assert find_runs(queue.root) == [healthy]


def test_status_that_cannot_be_written__the_queue_goes_on_and_the_run_is_not_tried_for_ever(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Run.create(queue.root, {"name": "finish"}) for _ in range(2))
    write, starts = Run.write_status, []

    def write_but_first(run: Run, **fields: object) -> Status:
        if run.id == first.id:
            raise DiskIsFull("the disk is full; free some space")
        return write(run, **fields)

    def start(run: Run) -> subprocess.Popen[bytes]:
        starts.append(run.id)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Run, "write_status", write_but_first)
    supervisor = Supervisor(queue.root, slots=2, start=start, patience=queue.patience)
    supervisor.turn()
    assert supervisor.turn() is False
    assert (sorted(starts), second.status().state) == (sorted([first.id, second.id]), "failed")


def test_supervisor_killed__its_worker_goes_on_and_the_next_supervisor_adopts_it(queue: Queue) -> None:
    run = queue.submit("wait")
    trains(run)
    worker = run.status().pid
    queue.kill_supervisor()
    assert run.status().state == "running"
    other = queue.submit("finish")
    reaches(other, "done")
    assert run.status().pid == worker
    assert queue.log().count(f"run {run.id}: started") == 1
    assert queue.log().count(f"run {run.id}: adopted") == 1
    launch.stop(run)
    reaches(run, "stopped")


def test_adopted_worker_dies__run_has_failed_though_its_exit_code_is_unknown(queue: Queue) -> None:
    run = queue.submit("wait")
    trains(run)
    queue.kill_supervisor()
    queue.ensure_supervisor()
    eventually(lambda: f"run {run.id}: adopted" in queue.log())
    os.kill(run.status().pid or 0, signal.SIGKILL)
    reaches(run, "failed")
    assert "died without a word" in run.status().message


def test_worker_and_supervisor_killed__run_is_lost_until_it_is_resumed(queue: Queue) -> None:
    run = queue.submit("wait")
    trains(run)
    queue.kill_supervisor()
    os.kill(run.status().pid or 0, signal.SIGKILL)
    reaches(run, "lost")
    launch.resume(run, worker=queue.worker)
    trains(run)
    assert run.status().epoch == 1


def test_queued_run_is_stopped_at_once_and_never_starts(queue: Queue) -> None:
    first, second = (Run.create(queue.root, {"name": "wait"}) for _ in range(2))
    queue.ensure_supervisor(slots=1)
    trains(first)
    launch.stop(second)
    assert second.status().state == "stopped"
    launch.stop(first)
    reaches(first, "stopped")
    eventually(lambda: not launch.alive_supervisor(queue.root))
    assert f"run {second.id}" not in queue.log()


def test_running_run_stops_and_resumes_where_it_was(queue: Queue) -> None:
    run = queue.submit("wait")
    trains(run)
    launch.stop(run)
    reaches(run, "stopped")
    launch.resume(run, worker=queue.worker)
    trains(run)
    assert (run.status().epoch, run.stop_requested()) == (1, False)


def test_worker_deaf_to_stops_is_killed_after_the_grace_time(queue: Queue) -> None:
    run = queue.submit("deaf")
    trains(run)
    launch.stop(run)
    assert run.status().state == "stopping"
    reaches(run, "stopped")
    assert "resume continues from the last checkpoint" in run.status().message


def test_kill_ends_a_deaf_worker_now(queue: Queue) -> None:
    queue.patience = Patience(poll=0.02, idle=0.5, grace=1000)
    run = queue.submit("deaf")
    trains(run)
    launch.kill(run)
    reaches(run, "stopped")


@pytest.mark.parametrize("role", ["finish", "wait"])
def test_resume_refuses_what_has_nothing_to_resume(queue: Queue, role: str) -> None:
    run = queue.submit(role)
    reaches(run, "done") if role == "finish" else trains(run)
    with pytest.raises(ValueError if role == "finish" else RunIsBusy, match=run.id):
        launch.resume(run, worker=queue.worker)


def test_delete_refuses_a_running_run_and_removes_a_stopped_one(queue: Queue) -> None:
    run = queue.submit("wait")
    trains(run)
    with pytest.raises(RunIsBusy):
        launch.delete(run)
    launch.stop(run)
    reaches(run, "stopped")
    launch.delete(run)
    assert find_runs(queue.root) == []


def test_run_queued_while_the_supervisor_withdraws_is_not_stranded(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[Run] = []

    def withdraw_late(root: Path) -> None:
        if not queued:  # its author still sees this supervisor alive, and starts no other
            queued.append(Run.create(root, {"name": "finish"}))
        (root / tenure.ANNOUNCEMENT).unlink()

    monkeypatch.setattr(tenure, "withdraw", withdraw_late)
    queue.root.mkdir()
    patience = Patience(poll=0.02, idle=0.1)
    launch.supervise(queue.root, slots=1, worker=queue.worker, patience=patience)
    assert [run.status().state for run in queued] == ["done"]


def test_worker_that_outlives_its_terminal_and_server_has_a_session_of_its_own(queue: Queue) -> None:
    run = queue.submit("wait")
    trains(run)
    worker, supervisor = run.status().pid or 0, queue.supervisor().pid
    assert os.getsid(worker) == worker
    assert os.getsid(supervisor) == supervisor


def test_half_deleted_folder_is_not_taken_for_a_queued_run(queue: Queue) -> None:
    run = Run.create(queue.root, {"name": "finish"})
    (run.folder / "status.json").unlink()
    starts: list[Run] = []

    def start(run: Run) -> subprocess.Popen[bytes]:
        starts.append(run)
        raise AssertionError

    supervisor = Supervisor(queue.root, slots=1, start=start, patience=queue.patience)
    assert (supervisor.turn(), starts) == (False, [])


def test_no_supervisor_comes_to_life__the_error_names_its_log(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match=r"did not start; read .*supervisor\.log"):
        queue.ensure_supervisor()


def test_resumed_run_waits_for_its_former_engine_to_leave(queue: Queue) -> None:
    run = Run.create(queue.root, {"name": "finish"})
    with run.claim():
        queue.ensure_supervisor()
        assert_stays(lambda: run.status().state == "queued", seconds=0.3)
    reaches(run, "done")
