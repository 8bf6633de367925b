"""A queue with real processes for tests of the life of a training, and how tests wait for what it does.

Its workers are a small script that writes statuses through the store: the subject is not training.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from app import launch, tenure
from app.supervisor import Patience
from store import files
from store.run import Run, find_runs

# Plays the role that the run's name gives it: finish, exit 3, wait for a stop (with a heartbeat), be deaf, or
# fold after the stop until the run has a file named folded.
WORKER = """
import os, signal, sys, time
from pathlib import Path
from store.run import Run
from store.status import FOLDING

run = Run.open(Path(sys.argv[1]))
role = run.config()["name"]
stopped = []
signal.signal(signal.SIGTERM, signal.SIG_IGN if role == "deaf" else lambda *_: stopped.append(True))
with run.claim():
    run.write_status(state="running", phase="training", pid=os.getpid(), epoch=run.status().epoch + 1)
    print("trains", flush=True)
    if role == "exit 3":
        os._exit(3)
    while role in ("wait", "beat", "deaf", "fold"):
        if role == "beat":
            run.write_status()
        if role != "deaf" and (stopped or run.stop_requested()):
            while role == "fold" and not (run.folder / "folded").exists():
                run.write_status(phase=FOLDING)
                time.sleep(0.01)
            run.write_status(state="stopped")
            sys.exit(0)
        time.sleep(0.01)
    run.write_status(state="done")
"""


class Queue:
    """A runs folder whose supervisor is quick to act and starts the script above."""

    def __init__(self, folder: Path) -> None:
        script = folder / "worker.py"
        script.write_text(WORKER)
        self.root = folder / "runs"
        self.worker = (sys.executable, str(script))
        self.patience = Patience(poll=0.02, idle=0.5, grace=1.0)

    def ensure_supervisor(self, slots: int = 4) -> None:
        launch.ensure_supervisor(self.root, worker=self.worker, slots=slots, patience=self.patience)

    def submit(self, role: str) -> Run:
        run = Run.create(self.root, {"name": role})
        self.ensure_supervisor()
        return run

    def supervisor(self) -> psutil.Process:
        words = files.read_json(self.root / tenure.ANNOUNCEMENT)
        assert words is not None
        return psutil.Process(words["pid"])

    def kill_supervisor(self) -> None:
        self.supervisor().kill()
        eventually(lambda: not launch.alive_supervisor(self.root))

    def log(self) -> str:
        return (self.root / tenure.LOG).read_text()

    def end(self) -> None:
        """Kills the supervisor and what still trains."""
        with suppress(psutil.NoSuchProcess, AssertionError):
            self.supervisor().kill()
        for run in find_runs(self.root):
            if run.status().is_alive and run.status().pid != os.getpid():
                psutil.Process(run.status().pid).kill()
        eventually(lambda: not launch.alive_supervisor(self.root))


def eventually(holds: Callable[[], bool], *, limit: float = 60) -> None:
    """Waits until the condition holds; fails where it does not within the limit, in seconds."""
    give_up = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < give_up, "the condition did not come true"
        time.sleep(0.01)


def assert_stays(holds: Callable[[], bool], *, seconds: float) -> None:
    """Fails as soon as the condition does not hold."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert holds()


def reaches(run: Run, state: str) -> None:
    eventually(lambda: run.status().state == state)


def trains(run: Run) -> None:
    eventually(lambda: run.status().phase == "training" and run.status().state == "running")
