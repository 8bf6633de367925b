"""The supervisor's rules: which runs are started, adopted, reaped and killed, and when nothing is left to do.

One detached process a runs folder follows them, so that training outlives tab, page and server. All that it
must know stands in the run folders: after kill -9 the next one finds the workers alive and goes on with them.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from app import queue, tenure
from store import processes
from store.errors import RunIsBusy, RunIsForeign, RunNotFound
from store.run import Run, find_run, find_runs
from store.status import FOLDING, Status

logger = logging.getLogger(__name__)

Known = Sequence[tuple[Run, Status]]

OOM_HINT = "; often the machine ran out of memory"


@dataclass(frozen=True)
class Patience:
    """How long a supervisor waits, in seconds."""

    poll: float = 0.2  # between two looks at the queue; for so long a dead worker may look lost
    idle: float = 10.0  # without anything queued or alive, before it exits
    grace: float = 60.0  # from a stop request to SIGKILL: time for the batch and its checkpoint


class Supervisor:
    """What one supervisor remembers: its children, the workers it adopted, and since when each is to stop."""

    def __init__(
        self, root: Path, *, slots: int, start: Callable[[Run], subprocess.Popen[bytes]], patience: Patience
    ) -> None:
        self._root, self._slots, self._start, self._patience = root, slots, start, patience
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._adopted: set[str] = set()
        self._asked_to_stop: dict[str, float] = {}
        self._given_up: set[tuple[str, float]] = set()

    def serve(self) -> None:
        """Works until nothing has been queued or alive for a while; returns where another one lives."""
        with tenure.sole_supervisor(self._root) as sole:
            while sole:
                tenure.announce(self._root, self._slots)
                logger.info("supervisor %d takes up what is queued", os.getpid())
                self._work_until_idle()
                tenure.withdraw(self._root)
                # Who queued a run before the withdrawal saw this one alive and started no other.
                if not self.turn():
                    return

    def turn(self) -> bool:
        """Does what is due now; returns whether any run is queued or alive."""
        self._reap()
        known = _observe(self._root)
        self._adopt(known)
        self._escalate(known)
        self._start_queued(known)
        return bool(
            self._children or self._adopted or any(self._is_due(run, status) for run, status in known)
        )

    def _work_until_idle(self) -> None:
        last_work = time.monotonic()
        while self._root.is_dir() and time.monotonic() - last_work < self._patience.idle:
            began = time.monotonic()
            if self.turn():
                last_work = time.monotonic()
            # Reading thousands of runs takes long: never spend more than a tenth of the time on it.
            time.sleep(max(self._patience.poll, 9 * (time.monotonic() - began)))

    def _reap(self) -> None:
        for run_id, child in list(self._children.items()):
            code = child.poll()
            if code is not None:
                del self._children[run_id]
                logger.info("run %s: worker %d ended with %d", run_id, child.pid, code)
                self._conclude(run_id, code)

    def _adopt(self, known: Known) -> None:
        alive = {run.id for run, status in known if status.is_alive} - self._children.keys()
        for run_id in alive - self._adopted:
            logger.info("run %s: adopted its living worker", run_id)
        ended, self._adopted = self._adopted - alive, alive
        for run_id in ended:
            self._conclude(run_id, None)

    def _escalate(self, known: Known) -> None:
        asked = {
            run.id: status
            for run, status in known
            if status.is_alive and not _has_stopped(status) and run.stop_requested()
        }
        now = time.monotonic()
        self._asked_to_stop = {run_id: self._asked_to_stop.get(run_id, now) for run_id in asked}
        for run_id, since in self._asked_to_stop.items():
            if now - since > self._patience.grace:
                logger.warning("run %s: did not stop within %g s; killing it", run_id, self._patience.grace)
                send_signal(asked[run_id], signal.SIGKILL)

    def _start_queued(self, known: Known) -> None:
        waiting = [
            (run, status)
            for run, status in known
            if self._is_due(run, status) and run.id not in self._children
        ]
        slots = queue.slots(self._root) or self._slots
        free = max(0, slots - len(self._children) - len(self._adopted))
        for run in queue.in_order(self._root, waiting)[:free]:
            with tenure.exclusive(self._root):
                self._start_one(run)

    def _start_one(self, run: Run) -> None:
        if not _is_queued(run.status()):
            return
        try:
            with run.claim():  # a resumed run may wait for its former engine, which has stopped but not left
                pass
            child = self._start(run)
        except RunIsBusy:
            return
        except RunIsForeign as error:
            self._write_status(run, state="failed", message=str(error))
            return
        except OSError as error:
            self._write_status(run, state="failed", message=f"its worker could not be started; {error}")
            return
        self._children[run.id] = child
        logger.info("run %s: started worker %d", run.id, child.pid)
        self._write_status(run, state="running", phase="starting", pid=child.pid, heartbeat=None, message="")

    def _conclude(self, run_id: str, code: int | None) -> None:
        """Writes how a run ended where its worker died without saying so; code: None where it is unknown."""
        with tenure.exclusive(self._root), suppress(RunNotFound, RunIsForeign, FileNotFoundError):
            run = find_run(self._root, run_id)
            if run.status().state == "lost":
                self._write_status(run, **_ending(code, stop_requested=run.stop_requested()))

    def _write_status(self, run: Run, **fields: Any) -> None:
        """Writes the status where it can: neither a run deleted now nor a full disk may end the queue.

        A run that still reads as queued would be started for ever: it waits until somebody writes its status.
        """
        if fields["state"] == "failed":
            logger.warning("run %s: failed; %s", run.id, fields["message"])
        try:
            run.write_status(**fields)
        except FileNotFoundError:
            return
        except OSError as error:
            logger.warning("run %s: its status could not be written; %s", run.id, error)
            self._given_up.add((run.id, run.status().updated))

    def _is_due(self, run: Run, status: Status) -> bool:
        return _is_queued(status) and (run.id, status.updated) not in self._given_up


def send_signal(status: Status, number: signal.Signals) -> None:
    """Sends a signal to the worker that the status names; never to a later owner of its pid.

    The process of a tracked run is a person's own program, perhaps a notebook, and gets none.
    """
    if status.is_tracked:
        return
    process = processes.process_of(status.pid, status.pid_started, status.boot)
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _observe(root: Path) -> Known:
    """Every run that a worker trains or will train; a tracked one takes no slot and is nobody's to end."""
    known = []
    for run in find_runs(root):
        with suppress(FileNotFoundError):  # deleted between the two looks
            status = run.status()
            if not status.is_tracked:
                known.append((run, status))
    return known


def _is_queued(status: Status) -> bool:
    """A folder in which nobody has written a status yet, or any more, reads as queued at no time."""
    return status.state == "queued" and status.updated > 0


def _has_stopped(status: Status) -> bool:
    """True where the run only folds what it recorded: that takes as long as it takes, and says so."""
    return status.phase == FOLDING and status.state != "stalled"


def _ending(code: int | None, *, stop_requested: bool) -> dict[str, str]:
    deadly = (-signal.SIGTERM, -signal.SIGKILL)
    if stop_requested and (code is None or code in deadly):
        return {
            "state": "stopped",
            "message": "its worker was ended before it could say that it stopped; resume continues from the "
            "last checkpoint, or begins again where there is none",
        }
    return {
        "state": "failed",
        "message": f"{_cause(code)}; read the end of its log, then resume or delete it",
    }


def _cause(code: int | None) -> str:
    if code is None:
        return "its worker died without a word, and with the supervisor that could have told its exit code"
    if code >= 0:
        return f"its worker ended with exit code {code} without saying how the training went"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"its worker was killed by {name}" + (OOM_HINT if -code == signal.SIGKILL else "")
