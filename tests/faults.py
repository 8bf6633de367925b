"""Faults planted for real: processes that write, fold and read a run until SIGKILL, and what was lost by it.

They are forked from a server that has loaded the store, so that hundreds of kills take seconds; what each had
got to is in a few numbers that outlive it, and never in what it says at its end.
"""

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
from numpy import ndarray

from store import files, manifest
from store.reader import ask
from store.run import Run
from tests.store.conftest import Rows

ROWS = Rows()
LIMIT = 60.0  # seconds after which what is waited for does not come any more

# A reader's question: what it answers is the number of rows, of samples, and a sum, of each epoch.
COUNTS = """
    SELECT epoch, count(*) AS n, count(DISTINCT sample_id) AS samples, sum(loss::DOUBLE) AS loss
    FROM history GROUP BY epoch ORDER BY epoch
"""
HISTORY = "SELECT * FROM history WHERE epoch BETWEEN $first AND $last ORDER BY epoch, sample_id"


class Notes:
    """Numbers that a process writes and others read, also after it was killed."""

    begun, returned, questions, errors = range(4)

    def __init__(self, path: Path) -> None:
        own = path.with_name(f"{path.name}-{os.getpid()}")
        own.write_bytes(np.array([-1, -1, 0, 0]).tobytes())
        with suppress(FileExistsError):  # whoever comes first makes it, whole
            os.link(own, path)
        own.unlink()
        self.numbers: ndarray = np.memmap(path, np.int64, "r+")

    def __getitem__(self, name: int) -> int:
        return int(self.numbers[name])

    def __setitem__(self, name: int, number: int) -> None:
        self.numbers[name] = number


def started(work: Callable[..., None], *given: Any) -> BaseProcess:
    """Starts a process that does the work; it inherits nothing and ends with the tests."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.faults"])
    process = context.Process(target=_work, args=(work, *given), daemon=True)
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))  # the server loads us from there
    process.start()
    return process


def _work(work: Callable[..., None], *given: Any) -> None:
    """Does the work on a disk that takes a millisecond, so that kills land between the files of an epoch."""
    os.fsync = lambda _descriptor: time.sleep(0.001)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    work(*given)


def killed(process: BaseProcess, *, moment: float = 0.0) -> None:
    """Ends a process by SIGKILL so many seconds from now and waits until it is gone."""
    time.sleep(moment)
    process.kill()
    process.join(LIMIT)
    assert process.exitcode == -signal.SIGKILL, f"it ended by itself with {process.exitcode}"


def killed_by_nobody(process: BaseProcess, *, moment: float) -> None:
    """Lets a process work for so many seconds; it must not end by itself."""
    time.sleep(moment)
    assert process.is_alive(), f"it ended by itself with {process.exitcode}"


def eventually(holds: Callable[[], bool]) -> None:
    """Waits for a condition; fails where it does not come to hold."""
    limit = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.0005)


def reached(notes: Notes, name: int, number: int) -> None:
    """Waits until a process has noted at least this number."""
    eventually(lambda: notes[name] >= number)


def is_writing(run: Run) -> bool:
    """True while a part lies half-written in the run."""
    return any(name.startswith(files.SCRATCH) for name in files.modified_in(run.folder / "parts"))


def write_on(folder: Path, path: Path, maps: bool = False) -> None:
    """Writes epochs as an engine does, until it is killed; notes the epoch that begins and the one done."""
    notes, run = Notes(path), Run.open(folder)
    with run.claim():
        run.write_status(state="running", pid=os.getpid())
        epoch = run.last_epoch() + 1
        while True:
            columns, metrics = ROWS.epoch(epoch), ROWS.metrics(epoch)
            notes[Notes.begun] = epoch
            run.write_epoch(epoch, columns, metrics)
            notes[Notes.returned] = epoch
            run.write_status(epoch=epoch)
            if maps:
                run.write_map(epoch, **plane(epoch))
            epoch += 1


def plane(epoch: int) -> dict[str, ndarray]:
    """The map of an epoch: every sample on a line that the epoch moves."""
    ids = np.arange(ROWS.samples)
    positions = np.stack([ids + epoch, ids], 1).astype(np.float32)
    return {"sample_ids": ids, "positions": positions, "neighbours": (ids[:, None] + 1) % ROWS.samples}


def read_on(folder: Path, path: Path, goes_back: bool = False) -> None:
    """Asks what is there until it is killed, and counts questions and what was wrong with the answers."""
    notes, run, last = Notes(path), Run.open(folder), -1
    while True:
        notes[Notes.begun] += 1
        try:
            found = ask(run, COUNTS)
            seen = len(found) - 1
            assert is_whole(found) and (goes_back or seen >= last)
            last = seen
        except Exception:
            notes[Notes.errors] += 1
            path.with_suffix(".txt").write_text(traceback.format_exc())
        notes[Notes.returned] += 1
        notes[Notes.questions] += 1


def fold_once(folder: Path, path: Path) -> None:
    """Folds a run and then waits to be killed; notes that it begins and that it is done."""
    notes = Notes(path)
    notes[Notes.begun] += 1
    Run.open(folder).fold()
    notes[Notes.returned] += 1
    wait_for_the_end()


def fold_on(folder: Path, path: Path) -> None:
    """Folds a run again and again, until it is killed."""
    notes, run = Notes(path), Run.open(folder)
    while True:
        run.fold()
        notes[Notes.returned] += 1


def wait_for_the_end() -> None:
    """Does nothing until the process is killed."""
    while True:
        signal.pause()


def is_whole(found: Any) -> bool:
    """True where each epoch from 0 is there once, with every sample and the values that were written."""
    epochs = found.epoch.tolist()
    expected = [loss_of(epoch) for epoch in epochs]
    return bool(
        epochs == list(range(len(epochs)))
        and (found.n == ROWS.samples).all()
        and (found.samples == ROWS.samples).all()
        and np.allclose(found.loss, expected, rtol=1e-6)
    )


def loss_of(epoch: int) -> float:
    """The sum of the losses of an epoch, of those that are known."""
    if epoch not in _losses:
        _losses[epoch] = float(np.nansum(ROWS.epoch(epoch)["loss"].astype(np.float64)))
    return _losses[epoch]


_losses: dict[int, float] = {}


def assert_has(run: Run, epochs: range) -> None:
    """Fails where one value of one of these epochs is not the one that was written."""
    found = ask(run, HISTORY, first=epochs.start, last=epochs.stop - 1)
    assert len(found) == len(epochs) * ROWS.samples
    for place, epoch in enumerate(epochs):
        rows = found.iloc[place * ROWS.samples : (place + 1) * ROWS.samples]
        for name, values in ROWS.epoch(epoch).items():
            expected = np.ma.filled(np.ma.asarray(values, np.float64), np.nan)
            read = rows[name].to_numpy("float64", na_value=np.nan)
            np.testing.assert_array_equal(read, expected, err_msg=f"{name} of epoch {epoch}")


def half_written(run: Run) -> list[Path]:
    """What a dead writer left in a run of an epoch that it never committed."""
    last = run.last_epoch()
    kinds = [manifest.part_path(run.folder, kind, last + 1) for kind in ("stats", "metrics")]
    return [*run.folder.rglob(f"{files.SCRATCH}*"), *(path for path in kinds if path.exists())]


def is_free(lock: Path) -> bool:
    """True where nobody holds the lock."""
    try:
        with files.locked(lock, wait=False):
            return True
    except BlockingIOError:
        return False


def tell(line: str) -> None:
    """Says what was planted and what was lost, for whoever runs the tests with -s."""
    sys.stdout.write(f"\n{line}\n")
