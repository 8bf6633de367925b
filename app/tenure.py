"""Who supervises a runs folder: its lock, and the announcement that a supervisor lives.

The lock proves that there is at most one supervisor and is freed by the kernel when it dies. The announcement
is what others look at: looking at a lock means taking it for a moment, which would turn a starter away.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from store import files, processes

LOCK, ANNOUNCEMENT, LOG = "supervisor.lock", "supervisor.json", "supervisor.log"
TAKEOVER_SECONDS = 20.0  # longest wait for a supervisor that is just leaving


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Holds the one lock under which a run changes state while no engine works on it; waits for it.

    Not to be entered twice by one thread.
    """
    with files.locked(root / "queue.lock", wait=True):
        yield


@contextmanager
def sole_supervisor(root: Path) -> Iterator[bool]:
    """Yields whether this process is now the one supervisor of the folder; False where another one lives."""
    with ExitStack() as held:
        yield _take(held, root)


def announce(root: Path, slots: int) -> None:
    """Says to everyone that this process takes up what is queued."""
    pid = os.getpid()
    words = {"pid": pid, "pid_started": processes.started(pid), "boot": processes.boot_id(), "slots": slots}
    files.write_json(root / ANNOUNCEMENT, words, durable=False)


def withdraw(root: Path) -> None:
    """Says that whatever is queued from now on needs a new supervisor."""
    (root / ANNOUNCEMENT).unlink(missing_ok=True)


def alive_supervisor(root: Path) -> bool:
    """Whether a supervisor lives that will see what is queued now. Read-only."""
    words = files.read_json(root / ANNOUNCEMENT) or {}
    return processes.is_running(words.get("pid"), words.get("pid_started"), words.get("boot"))


def _take(held: ExitStack, root: Path) -> bool:
    limit = time.monotonic() + TAKEOVER_SECONDS
    while time.monotonic() < limit:
        try:
            held.enter_context(files.locked(root / LOCK, wait=False))
            return True
        except BlockingIOError:
            if alive_supervisor(root):
                return False
            time.sleep(0.02)  # the other one has withdrawn and looks at the queue a last time
    return False
