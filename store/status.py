"""What a run is doing: what its engine last wrote, corrected by what can be observed now.

A process that dies cannot say so. The state on disk is therefore believed only while the process that it
names is alive (id and start time since this boot, and no zombie) and its heartbeat is fresh.
"""

import os
import threading
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from store import files, manifest, processes, tables

State = Literal["queued", "running", "stopping", "stopped", "done", "failed", "lost", "stalled"]

# The phase after the last epoch: a long history takes minutes, in which nobody can stop the run any more.
FOLDING = "folding into one database"
STALLED_AFTER = 30.0
STALLED_AFTER_EPOCHS = 5
UNREADABLE = "its status.json is missing or damaged; resume continues from the last checkpoint"

_WRITTEN = get_args(State)[:6]
_WORKING = ("running", "stopping", "stalled")
_OVER = ("done", "failed", "stopped", "lost")

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
    pid_started: float | None = None  # seconds since that boot
    boot: str | None = None  # the boot of the machine under which the process started, None = not noted
    message: str = ""
    is_tracked: bool = False  # the process is a person's own: it is asked to stop and never signalled
    updated: float = 0.0
    beat: float | None = None  # the heartbeat on a clock that nobody sets, which runs since the boot

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

    FileNotFoundError where the run was deleted, which no status is to bring back.
    Whoever writes under its own pid gives a heartbeat by it; pid_started and boot follow from pid.
    """
    _check(changes)
    if not (folder / manifest.MANIFEST).exists():
        raise FileNotFoundError(f"run {folder.name} was deleted, so its status cannot be written")
    with _writing, files.locked(folder / ".status.lock", wait=True):
        now = time.time()
        identity = _identity(changes["pid"]) if "pid" in changes else {}
        before = read(folder)
        changed = replace(before, **{"updated": now, **identity, **changes})
        if changed.pid == os.getpid() and "heartbeat" not in changes:
            changed = replace(changed, heartbeat=now, beat=time.monotonic())
        elif changed.heartbeat is None or changed.heartbeat != before.heartbeat:
            changed = replace(changed, beat=time.monotonic() - max(0.0, now - (changed.heartbeat or now)))
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
    if not processes.is_running(status.pid, status.pid_started, status.boot):
        # It may have written how it ended between the two looks.
        again = read(folder)
        return replace(status, state="lost") if again == status else again
    if silence(status) > max(STALLED_AFTER, STALLED_AFTER_EPOCHS * _epoch_seconds(folder)):
        return replace(status, state="stalled")
    stopping = status.state == "running" and (folder / "stop").exists()
    return replace(status, state="stopping") if stopping else status


def silence(status: Status) -> float:
    """Returns for how many seconds the process of the run has said nothing, whatever the clock was set to."""
    if status.beat is not None and status.boot == processes.boot_id():
        return max(0.0, time.monotonic() - status.beat)
    return max(0.0, time.time() - (status.heartbeat or status.updated))


def _identity(pid: int | None) -> dict[str, Any]:
    if pid is None:
        return {"pid_started": None, "boot": None}
    return {"pid_started": processes.started(pid), "boot": processes.boot_id()}


def _check(changes: dict[str, Any]) -> None:
    names = [field.name for field in fields(Status)]
    unknown = [name for name in changes if name not in names]
    if unknown:
        raise ValueError(f"status has no field {unknown[0]!r}; its fields are {', '.join(names)}")
    if changes.get("state", "queued") not in _WRITTEN:
        raise ValueError(f"state must be one of {', '.join(_WRITTEN)}; got {changes['state']}")


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
