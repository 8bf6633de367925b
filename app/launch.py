"""Queue, start, stop, resume and delete runs: the only place that starts processes.

The app and the command line only write files and see to it that one detached supervisor lives; so double
clicks are harmless, and no closed tab or stopped server ends a training. Never imports streamlit or torch.
"""

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import queue, tenure
from app.new_run import places
from app.runs import failing
from app.supervisor import Patience, Supervisor, send_signal
from app.tenure import alive_supervisor as alive_supervisor
from store.errors import RunIsBusy
from store.run import Run

if TYPE_CHECKING:
    from engine.config import RunConfig  # the supervisor starts sooner without pydantic

ENGINE = (sys.executable, "-m", "engine")
PATIENCE = Patience()
START_SECONDS = 60.0  # longest wait for a supervisor: a cold disk reads Python's packages slowly
LEAVE_SECONDS = 10.0  # longest from a worker's last word to the end of its process
PROBE_SECONDS = 120.0

# One thread a worker: several runs share the cores, and training repeats bit for bit.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
# The child finds these packages here and not in the folder that the person happens to stand in.
_CODE = Path(__file__).resolve().parent.parent
_PROBE = """
import json, os, sys, torch
from engine.__main__ import cache_folder, intra_op_threads
device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
threads = str(intra_op_threads(os.cpu_count() or 1))
sys.stdout.write(json.dumps({"device": device, "threads": threads, "cache": str(cache_folder())}))
"""

_starting = threading.Lock()


class NoSupervisor(RuntimeError):
    """No supervisor came to life, so nothing that is queued will start."""


def submit(root: Path, config: "RunConfig", *, worker: Sequence[str] = ENGINE) -> Run:
    """Queues one run and returns it; it begins as soon as a slot is free."""
    return submit_all(root, [config], worker=worker)[0]


def submit_all(root: Path, configs: Sequence["RunConfig"], *, worker: Sequence[str] = ENGINE) -> list[Run]:
    """Queues the runs in this order and returns them.

    worker: the command that trains a run, which gets the run's folder as its last argument.
    """
    runs = [Run.create(root, places.absolute(config.model_dump(mode="json"))) for config in configs]
    ensure_supervisor(root, worker=worker)
    return runs


def ensure_supervisor(
    root: Path, *, worker: Sequence[str] = ENGINE, slots: int | None = None, patience: Patience = PATIENCE
) -> None:
    """Starts the supervisor of the folder unless one lives; returns when one has taken over.

    Raises NoSupervisor where none comes to life.
    """
    root = root.absolute()
    with _starting:  # eight clicks at once start one process, not eight that race for the lock
        if alive_supervisor(root):
            return
        root.mkdir(parents=True, exist_ok=True)
        options = [f"--slots={slots or queue.default_slots()}", *_words(patience)]
        command = [sys.executable, "-m", "app.launch", *options, str(root), "--", *worker]
        process = _start_detached(command, root / tenure.LOG)
        _await_supervisor(root, process)


def supervise(
    root: Path, *, slots: int, worker: Sequence[str] = ENGINE, patience: Patience = PATIENCE
) -> None:
    """Owns the queue of the folder until it has been idle for a while; returns where another one does."""
    start = partial(_start_worker, worker=worker)
    Supervisor(root.absolute(), slots=slots, start=start, patience=patience).serve()


def stop(run: Run) -> None:
    """Ends a run: a queued one at once, a running one after its batch and a checkpoint.

    Returns without waiting for the end; does nothing where the run is over. A tracked run ends when its own
    program looks at the request.
    """
    with tenure.exclusive(run.folder.parent):
        status = run.status()
        if status.is_over:
            return
        run.request_stop()
        if status.state == "queued":
            run.write_status(state="stopped", message="stopped before it began")
            return
    if status.is_tracked:
        return  # a program of the person's own, which looks for the request
    send_signal(status, signal.SIGTERM)
    send_signal(status, signal.SIGCONT)  # one that somebody suspended hears it only when it goes on
    ensure_supervisor(run.folder.parent)  # somebody must kill the worker if it does not listen


def kill(run: Run) -> None:
    """Ends a run's worker now, without a checkpoint of the epoch in work; nothing where it is over."""
    stop(run)
    send_signal(run.status(), signal.SIGKILL)


def resume(run: Run, *, worker: Sequence[str] = ENGINE) -> None:
    """Queues a stopped, failed or lost run again; it continues from its last checkpoint.

    Raises RunIsBusy where it is queued or alive, ValueError where it is done.
    """
    with tenure.exclusive(run.folder.parent):
        state = run.status().state
        if run.status().is_tracked:
            raise ValueError(
                f"run {run.id} was trained by a program of its own; run that program again to train another"
            )
        if state == "done":
            raise ValueError(f"run {run.id} is done; start a new run from its settings instead")
        if state not in ("stopped", "failed", "lost"):
            raise RunIsBusy(f"run {run.id} is {state}; stop it before resuming it")
        run.clear_stop()
        queue.forget(run)  # to the end of the queue, wherever it stood when it last waited
        failing.mark_attempt(run)
        run.write_status(state="queued", phase="", pid=None, heartbeat=None, message="")
    ensure_supervisor(run.folder.parent, worker=worker)


def delete(run: Run) -> None:
    """Removes a run and all it recorded; raises RunIsBusy while it is alive, nothing where it is gone."""
    limit = time.monotonic() + LEAVE_SECONDS
    while run.folder.exists():
        with suppress(RunIsBusy), tenure.exclusive(run.folder.parent):
            run.delete()
        if run.status().is_alive or time.monotonic() > limit:
            raise RunIsBusy(f"run {run.id} is {run.status().state}; stop it before deleting it")
        time.sleep(0.02)


def probe_engine() -> dict[str, str]:
    """Asks a process of its own what the engine would use, as importing it takes half a gigabyte.

    Returns {"device": "cpu" or a name, "threads": number, "cache": folder}, or {"error": why it fails}.
    """
    return ask_engine("-c", _PROBE)


def ask_engine(*words: str) -> dict[str, Any]:
    """Runs Python on these words in a process of its own and returns the JSON that it says last.

    Returns {"error": a sentence} where it fails or takes too long.
    """
    try:
        answer = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True,
            cwd=_CODE,
        )  # fmt: skip
        return dict(json.loads(answer.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return {"error": f"the engine did not answer within {PROBE_SECONDS:g} s"}
    except subprocess.CalledProcessError as failure:
        return {"error": failure.stderr.strip().splitlines()[-1]}


def bench(words: Sequence[str]) -> int:
    """Measures in a process of its own and returns its exit code, on Ctrl-C once that has cleaned up too."""
    command = [sys.executable, "-m", "engine.bench", *words]
    process = subprocess.Popen(command, cwd=_CODE, env={**os.environ, **_ONE_THREAD})
    while True:
        with suppress(KeyboardInterrupt):
            return process.wait()


def _start_worker(run: Run, *, worker: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **_ONE_THREAD, "PYTHONUNBUFFERED": "1"}
    return _spawn([*worker, str(run.folder)], run.folder / "log.txt", environment)


def _start_detached(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    process = _spawn(command, log, dict(os.environ))
    # Somebody must wait for it, or it stays a zombie for as long as the app lives.
    threading.Thread(target=process.wait, name="supervisor-reaper", daemon=True).start()
    return process


def _spawn(command: Sequence[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A process in a session of its own: Ctrl-C and the end of the terminal do not reach it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
            cwd=_CODE,
            env=environment,
        )


def _await_supervisor(root: Path, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + START_SECONDS
    while not alive_supervisor(root):
        if process.poll() == 0:
            return  # it has done its work already, or another one had taken over
        if process.returncode is not None or time.monotonic() > limit:
            raise NoSupervisor(f"the supervisor of {root} did not start; read {root / tenure.LOG}")
        time.sleep(0.02)


def _words(patience: Patience) -> list[str]:
    return [f"--poll={patience.poll}", f"--idle={patience.idle}", f"--grace={patience.grace}"]


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.launch", description="Supervises a folder of runs.")
    parser.add_argument("root", type=Path)
    parser.add_argument("--slots", type=int, default=queue.default_slots())
    for name, seconds in vars(PATIENCE).items():
        parser.add_argument(f"--{name}", type=float, default=seconds)
    parser.add_argument("worker", nargs="*", default=ENGINE)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    patience = Patience(given.poll, given.idle, given.grace)
    supervise(given.root, slots=given.slots, worker=given.worker, patience=patience)


if __name__ == "__main__":
    _main()
