"""Files that appear whole: written beside their place, flushed to the disk, then renamed into it.

A reader therefore never meets half a file, whatever moment the writer dies at; what a dead writer left behind
carries in its name which process that was and is cleaned by the next one.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from store import processes
from store.errors import disk_is_full, is_disk_full, is_read_only, read_only

SCRATCH = ".scratch-"
TAIL_BYTES = 65_536

_locks_held: set[int] = set()


def scratch_path(path: Path) -> Path:
    """Returns a name beside path that no reader looks at; it tells which process made it."""
    pid = os.getpid()
    return path.with_name(f"{SCRATCH}{pid}-{processes.mark(pid)}-{secrets.token_hex(4)}-{path.name}")


def sync(path: Path) -> None:
    """Flushes the content of a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(
    path: Path, pieces: Iterable[bytes | memoryview], *, durable: bool = True, size: int | None = None
) -> None:
    """Writes the pieces, one after the other, as the file path, which appears whole or not at all.

    Raises DiskIsFull where they do not fit, IsReadOnly where nothing may be written. durable: whether it must
    outlive a power cut. size: bytes of all pieces, None = they are a sequence that can be counted.
    """
    scratch = scratch_path(path)
    try:
        _write_pieces(scratch, pieces, durable=durable)
        scratch.replace(path)
        if durable:
            sync(path.parent)
    except OSError as failure:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        if is_disk_full(failure):
            needed = sum(memoryview(piece).nbytes for piece in pieces) if size is None else size
            raise disk_is_full(path, needed) from failure
        raise said(path, failure) from failure


def make_folder(path: Path, *, parents: bool = False) -> None:
    """Makes a folder where there is none; IsReadOnly where nothing may be written."""
    try:
        path.mkdir(parents=parents, exist_ok=True)
    except OSError as failure:
        raise said(path, failure) from failure


def rename(path: Path, to: Path) -> None:
    """Gives a file or folder another name; IsReadOnly where nothing may be written."""
    try:
        path.rename(to)
    except OSError as failure:
        raise said(path, failure) from failure


def said(path: Path, failure: OSError) -> OSError:
    """Returns the failure of writing path as a sentence, where it is that of a right or of a folder."""
    if is_read_only(failure):
        return read_only(path)
    if isinstance(failure, FileNotFoundError) and not path.parent.exists():
        return FileNotFoundError(f"{path.name} cannot be written: {path.parent} was deleted; start it again")
    return failure


def write_json(path: Path, content: Mapping[str, Any], *, durable: bool = True) -> None:
    """Writes a JSON object as the file path, which appears whole."""
    text = json.dumps(dict(content), indent=1, ensure_ascii=False)
    write_whole(path, [text.encode()], durable=durable)


def read_json(path: Path) -> dict[str, Any] | None:
    """Returns the JSON object in path; None where there is no such file or it holds something else."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def remove_strays(folder: Path) -> None:
    """Removes what dead writers left half-written in the folder; the files of live ones stay."""
    for path in folder.glob(f"{SCRATCH}*"):
        if is_stray(path):
            remove(path)


def remove(path: Path) -> None:
    """Removes a file, a folder with all in it, or a link; nothing where there is none."""
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def remove_scratch(scratch: Path) -> None:
    """Removes a scratch file of this process and what DuckDB put beside it."""
    for path in scratch.parent.glob(f"{scratch.name}*"):
        remove(path)


def modified(path: Path) -> int:
    """Returns when a file last changed, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def modified_in(folder: Path) -> dict[str, int]:
    """Returns when each file in a folder last changed, in nanoseconds; of none where it is gone."""
    times = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # it went away, or is a link that leads nowhere
                times[entry.name] = entry.stat().st_mtime_ns
    return times


def sha256(path: Path) -> str:
    """Returns the sha256 of a file's content, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def tail(path: Path, lines: int) -> str:
    """Returns the last lines of a text file, empty where there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[int]:
    """Holds the lock file path, shared with every process of this machine; yields its descriptor.

    Raises BlockingIOError where another holder has it and wait is False, IsReadOnly where nothing may be
    written. The lock dies with the process.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as failure:
        raise said(path, failure) from failure
    _locks_held.add(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield descriptor
    finally:
        _locks_held.discard(descriptor)
        os.close(descriptor)


def _write_pieces(path: Path, pieces: Iterable[bytes | memoryview], *, durable: bool) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    try:
        for piece in pieces:
            rest = memoryview(piece).cast("B")
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_stray(path: Path) -> bool:
    """True where the process that made the scratch file is gone, even if its id is in use again."""
    words = path.name.removeprefix(SCRATCH).split("-")
    return not words[0].isdecimal() or words[1:2] != [processes.mark(int(words[0]))]


def _forget_locks() -> None:
    """Closes inherited locks in a forked child: a loader worker must not keep a dead engine's lock alive."""
    for descriptor in _locks_held:
        with suppress(OSError):
            os.close(descriptor)
    _locks_held.clear()


os.register_at_fork(after_in_child=_forget_locks)
