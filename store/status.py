"""What a run is doing: what its engine last wrote, corrected by what can be observed now.

A process that dies cannot say so. The state on disk is therefore believed only while the process that it
names is alive (id and start time since this boot, and no zombie) and its heartbeat is fresh.
"""

import os
import threading
import time
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import psutil

from store import files, manifest, tables

State = Literal["queued", "running", "stopping", "stopped", "done", "failed", "lost", "stalled"]

STALLED_AFTER = 30.0
STALLED_AFTER_EPOCHS = 5
UNREADABLE = "its status.json is missing or damaged; resume continues from the last checkpoint"

_WRITTEN = get_args(State)[:6]
_WORKING = ("running", "stopping", "stalled")
_OVER = ("done", "failed", "stopped", "lost")
# A process id is not given again within this time; the clock may be set by less.
_SAME_START = 2.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_writing = threading.Lock()


@dataclass(frozen=True)
class Status:
    """What a run is doing. Times are seconds since 1970; share is of the phase, 0 to 1, None = unknown."""

    state: str = "queued"
    epoch: int = -1  # the epoch in work, counting from 0; -1 before the first
    epochs: int = 0  # all that the run will have
    step: int = 0
    steps: int = 0  # of the epoch in work
    phase: str = ""  # what the engine does, such as "training"
    share: float | None = None
    heartbeat: float | None = None  # when the process of the run last wrote
    pid: int | None = None
    pid_started: float | None = None
    boot: str | None = None  # the boot of the machine under which the process started, None = not noted
    message: str = ""
    is_tracked: bool = False  # the process is a person's own: it is asked to stop and never signalled
    updated: float = 0.0

    @property
    def is_alive(self) -> bool:
        """True while a process works on the run."""
        return self.state in _WORKING

    @property
    def is_over(self) -> bool:
        """True where no more epochs come unless somebody resumes the run."""
        return self.state in _OVER

    @property
    def progress(self) -> float:
        """Share of the run's epochs that is done, 0 to 1."""
        if self.state == "done":
            return 1.0
        if self.epochs <= 0 or self.epoch < 0:
            return 0.0
        return min(1.0, (self.epoch + (self.step / self.steps if self.steps else 0.0)) / self.epochs)


def read(folder: Path) -> Status:
    """Returns the status as it was last written; states are not corrected."""
    content = files.read_json(folder / "status.json") or {}
    names = {field.name for field in fields(Status)}
    return Status(**{name: value for name, value in content.items() if name in names})


def write(folder: Path, **changes: Any) -> Status:
    """Replaces status.json as a whole, with the given fields changed, and returns it.

    Whoever writes under its own pid gives a heartbeat by it; pid_started and boot follow from pid.
    """
    _check(changes)
    with _writing, files.locked(folder / ".status.lock", wait=True):
        now = time.time()
        identity = _identity(changes["pid"]) if "pid" in changes else {}
        changed = replace(read(folder), **{"updated": now, **identity, **changes})
        if changed.pid == os.getpid() and "heartbeat" not in changes:
            changed = replace(changed, heartbeat=now)
        files.write_json(folder / "status.json", asdict(changed), durable=False)
    return changed


def observe(folder: Path) -> Status:
    """Returns the status as it is: lost where the process is gone, stalled where it is silent.

    A run whose status cannot be read is lost too: nobody knows what it does.
    """
    status = read(folder)
    if not status.updated:
        return replace(status, state="lost", message=UNREADABLE)
    if status.state not in ("running", "stopping"):
        return status
    if not is_running(status.pid, status.pid_started, status.boot):
        # It may have written how it ended between the two looks.
        again = read(folder)
        return replace(status, state="lost") if again == status else again
    if _silence(status) > STALLED_AFTER and _silence(status) > STALLED_AFTER_EPOCHS * _epoch_seconds(folder):
        return replace(status, state="stalled")
    stopping = status.state == "running" and (folder / "stop").exists()
    return replace(status, state="stopping") if stopping else status


def started(pid: int) -> float | None:
    """When the process started, in seconds since 1970; None where there is no such process."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


@cache
def boot_id() -> str:
    """Returns what tells this boot of the machine from an earlier one, after which process ids begin anew."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        return f"{psutil.boot_time():.0f}"


def is_running(pid: int | None, pid_started: float | None, boot: str | None = None) -> bool:
    """True where the process of this id is the one that started then, under that boot, and is no zombie."""
    return process_of(pid, pid_started, boot) is not None


def process_of(pid: int | None, pid_started: float | None, boot: str | None = None) -> psutil.Process | None:
    """Returns the living process of this id that started then; None where it is gone or a later one.

    boot: None is not compared. What it returns refuses to signal a later owner of the id.
    """
    if pid is None or pid_started is None or boot not in (None, boot_id()):
        return None
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - pid_started) < _SAME_START
        alive = process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return None
    return process if same and alive else None


def _identity(pid: int | None) -> dict[str, Any]:
    if pid is None:
        return {"pid_started": None, "boot": None}
    return {"pid_started": started(pid), "boot": boot_id()}


def _check(changes: dict[str, Any]) -> None:
    names = [field.name for field in fields(Status)]
    unknown = [name for name in changes if name not in names]
    if unknown:
        raise ValueError(f"status has no field {unknown[0]!r}; its fields are {', '.join(names)}")
    if changes.get("state", "queued") not in _WRITTEN:
        raise ValueError(f"state must be one of {', '.join(_WRITTEN)}; got {changes['state']}")


def _silence(status: Status) -> float:
    return time.time() - (status.heartbeat or status.updated)


def _epoch_seconds(folder: Path) -> float:
    """Wall time of the newest recorded epoch; 0 where none is recorded outside the database."""
    epochs = manifest.numbered(folder / "parts")
    if not epochs:
        return 0.0
    try:
        seconds = tables.read_column(manifest.part_path(folder, "metrics", epochs[-1]), "seconds")
    except (OSError, tables.ArrowInvalid):
        return 0.0
    return float(seconds[0] or 0.0)
