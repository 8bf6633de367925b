"""Arrays kept under a key of all they were computed from: computed once, then read.

Runs that differ only in their seed ask the same question, some at the same moment: a lock lets the first one
compute while the others wait for its file. A file appears whole, carries checksums, and is computed anew
where it is damaged.
"""

import errno
import fcntl
import hashlib
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy import ndarray

from store.errors import disk_is_full, is_disk_full

Waiting = Callable[[], None]

_POLL_SECONDS = 0.25
_REMEDY = "free some space or set UNDERTOW_CACHE to a folder on another disk, then resume the run"
_CHUNK_BYTES = 1 << 22


def key(*parts: str | Path | ndarray) -> str:
    """Returns a digest of the parts: texts, arrays with shape and type, and files by what is in them."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        inner = hashlib.blake2b(digest_size=32)  # a digest a part, so that no two lists of parts run together
        if isinstance(part, str):
            inner.update(b"text" + part.encode())
        elif isinstance(part, Path):
            _add_file(inner, part)
        else:
            inner.update(f"array {part.dtype.str} {part.shape} ".encode())
            inner.update(np.ascontiguousarray(part).view(np.uint8).data)
        digest.update(inner.digest())
    return digest.hexdigest()


def array(
    path: Path, compute: Callable[[], ndarray], *, rows: int, waiting: Waiting = lambda: None
) -> tuple[ndarray, bool]:
    """Returns the array of the .npz file and True, or computes, writes and returns it and False.

    rows: the length the array must have. waiting is called again and again while another process computes the
    same.
    """
    known = _read(path, rows)
    if known is not None:
        return known, True
    with exclusive(path, waiting):
        known = _read(path, rows)
        if known is not None:
            return known, True
        values = compute()
        write_whole(path, lambda scratch: _save(scratch, values), size=values.nbytes)
        return values, False


@contextmanager
def exclusive(path: Path, waiting: Waiting = lambda: None) -> Iterator[None]:
    """Holds the lock beside the path, across processes; it falls with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as file:
        while not _locked(file.fileno()):
            waiting()
            time.sleep(_POLL_SECONDS)
        yield  # closing the file frees the lock


def write_whole(path: Path, write: Callable[[Path], None], *, size: int) -> None:
    """Lets write fill a scratch file, then gives it its name; the caller holds the lock of the path.

    Raises DiskIsFull, with the size in bytes, where it does not fit.
    """
    scratch = path.with_name(path.name + ".tmp")
    try:
        with full_disk_named(path, size):
            write(scratch)
            scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def full_disk_named(path: Path, size: int) -> Iterator[None]:
    """Turns a full disk inside into DiskIsFull, which names the cache; size: bytes that path takes.

    safetensors reports the system's error as text alone.
    """
    try:
        yield
    except Exception as failure:
        is_full = is_disk_full(failure) if isinstance(failure, OSError) else _tells_full_disk(failure)
        if not is_full:
            raise
        raise disk_is_full(path, size, remedy=_REMEDY) from failure


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tells_full_disk(failure: Exception) -> bool:
    return any(f"os error {number})" in str(failure) for number in (errno.ENOSPC, errno.EDQUOT))


def _add_file(digest: "hashlib.blake2b", path: Path) -> None:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)


def _save(path: Path, values: ndarray) -> None:
    with path.open("wb") as file:
        np.savez(file, values=values)


def _read(path: Path, rows: int) -> ndarray | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            values: ndarray = arrays["values"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not there, or damaged: computed anew
    return values if values.ndim and len(values) == rows else None
