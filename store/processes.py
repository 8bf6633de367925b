"""Which process is meant, also after its id was given again: its id, its start since the boot, and the boot.

None of it comes from the wall clock. A time of day would do until somebody sets the clock: then a living
engine looks dead, and what it is writing looks left behind.
"""

import hashlib
import os
import sys
from functools import cache
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STATE, _START = 0, 19  # fields of /proc/PID/stat, counted after the name, which may hold spaces


def started(pid: int) -> float | None:
    """When the process started, in seconds since the boot on Linux; None where it is none or has ended.

    psutil counts from a time of day of the boot that moves with the clock; elsewhere it asks the system.
    """
    try:
        if not sys.platform.startswith("linux"):
            return float(psutil.Process(pid).create_time())
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None
    words = stat[stat.rindex(b")") + 2 :].split()
    return None if words[_STATE] in (b"Z", b"X") else int(words[_START]) / os.sysconf("SC_CLK_TCK")


@cache
def boot_id() -> str:
    """Returns what tells this boot of the machine from an earlier one, after which process ids begin anew."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        return f"{psutil.boot_time():.0f}"


def mark(pid: int) -> str:
    """Returns eight digits that no later process of this id has; they fit into a file name."""
    return hashlib.sha256(f"{boot_id()} {pid} {started(pid)}".encode()).hexdigest()[:8]


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
        same = started(pid) == pid_started
        alive = process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return None
    return process if same and alive else None
