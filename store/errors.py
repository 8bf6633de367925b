"""The failures of a run folder that a caller tells apart, each with a sentence that a person can act on.

They stand below every other module of the store, so that each can raise them without importing another.
"""

import errno
from pathlib import Path

import psutil


class RunNotFound(LookupError):
    """There is no run of this id."""


class RunIsBusy(RuntimeError):
    """Another process works on the run."""


class RunIsForeign(RuntimeError):
    """The folder is no run, is a run of another schema version, or holds a file that is not the run's own."""


class DiskIsFull(OSError):
    """A file could not be written whole, and nothing of it was kept."""


class IsReadOnly(PermissionError):
    """The folder may be read by this person and not written to."""


def is_disk_full(failure: OSError) -> bool:
    """True where a write failed for want of space or quota."""
    return failure.errno in (errno.ENOSPC, errno.EDQUOT)


def is_read_only(failure: OSError) -> bool:
    """True where a write failed for want of the right to it."""
    return failure.errno in (errno.EACCES, errno.EPERM, errno.EROFS)


def read_only(path: Path) -> IsReadOnly:
    """Returns the failure of writing path where only reading is allowed."""
    name = path.name.lstrip(".") or path.name
    return IsReadOnly(
        f"{name} cannot be written, since {path.parent} may only be read; "
        "give yourself the right to write there, or work on a copy of the folder"
    )


def disk_is_full(
    path: Path, needed: int, *, remedy: str = "free some space, then resume the run"
) -> DiskIsFull:
    """Returns the failure of writing path, with what is free; needed: bytes."""
    folder = path.parent
    free = psutil.disk_usage(str(folder)).free / 1e6
    return DiskIsFull(
        f"the disk is full: {path.name} needs {needed / 1e6:.1f} MB and {free:.1f} MB are free in {folder}, "
        f"so nothing of it was written; {remedy}"
    )
