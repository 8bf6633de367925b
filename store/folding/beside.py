"""Folding beside a run that trains: when it is due, and the process of low priority that does it.

A process of its own, because the memory and the processor are the training's, and because closing a DuckDB
connection in a forked loader worker crashes it: whoever trains loads no DuckDB.
"""

import argparse
import logging
import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from store import manifest, sources, tables

# A fold is worth its while from so many parts that hold so many rows, or where hot parts are many.
EPOCHS, ROWS, MANY = 8, 1_000_000, 64
# The unfolded parts reach this share of what is folded first, so that a long run is written about five times.
SHARE = 0.25
# A fold begins where so many times the size of what it folds is free: it must not fill the training's disk.
ROOM = 3
NICENESS = 10

_CODE = Path(__file__).parents[2]

log = logging.getLogger(__name__)


class FoldFailed(RuntimeError):
    """The run could not be folded; what was recorded is whole in its parts."""


def is_due(folder: Path, up_to: int) -> bool:
    """True where the epochs to up_to that are not folded yet are worth a fold."""
    now = manifest.committed(folder)
    newer = sum(epoch <= up_to for epoch in now.newer)
    if newer < max(EPOCHS, SHARE * (now.manifest.folded + 1)):
        return False
    return newer >= MANY or newer * tables.read_rows(folder / "samples.parquet") >= ROWS


def has_room(folder: Path) -> bool:
    """True where the disk takes the next database beside all that is there, and the training goes on."""
    try:
        needed = ROOM * sources.size(folder, sources.state(folder))
    except FileNotFoundError:  # the fold of a killed engine publishes just now
        return False
    return shutil.disk_usage(folder).free > needed


class Folding:
    """Folds a run while this process trains it, and the rest at its end; one fold at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at_work: threading.Thread | None = None
        self._again_from = 0  # the epoch from which a fold is tried again after one that failed

    def after_epoch(self, epoch: int) -> None:
        """Starts a fold of what is recorded up to an epoch, if that is due and none is at work; never waits.

        One that fails is logged and tried again when the run is twice as long: the parts are as safe.
        """
        if epoch < self._again_from or (self._at_work and self._at_work.is_alive()):
            return
        if not is_due(self._folder, epoch) or not has_room(self._folder):
            return
        process = _start(self._folder, "--up-to", str(epoch), "--threads", "1")
        self._at_work = threading.Thread(
            target=self._see_to, args=(process, epoch), name="folding", daemon=True
        )
        self._at_work.start()

    def finish(self) -> None:
        """Waits for the fold at work and folds the rest; FoldFailed says why that cannot be."""
        if self._at_work:
            self._at_work.join()
        sentence = _outcome(_start(self._folder, "--final"))
        if sentence:
            raise FoldFailed(sentence)

    def _see_to(self, process: "subprocess.Popen[str]", epoch: int) -> None:
        sentence = _outcome(process)
        if sentence:
            self._again_from = 2 * epoch
            log.warning("not folded while training, which goes on; %s", sentence)


def _start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    """Starts the process; in a session of its own, for Ctrl-C is meant for the training."""
    return subprocess.Popen(
        [sys.executable, "-m", "store.folding.beside", str(folder), *options],
        cwd=_CODE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _outcome(process: "subprocess.Popen[str]") -> str:
    """Waits for the process and returns why it failed; empty where it did not."""
    said = process.communicate()[1].strip().splitlines()
    if process.returncode == 0:
        return ""
    return said[-1] if said else f"the process that folds ended with exit code {process.returncode}"


def main() -> None:
    """Folds the run of the command line; exit code 1 and a sentence on stderr where that fails."""
    from store.folding import fold

    parser = argparse.ArgumentParser(prog="python -m store.folding.beside", description="Folds a run.")
    parser.add_argument("folder", type=Path, help="of the run")
    parser.add_argument("--up-to", type=int, help="the last epoch to fold; else all that are committed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--final", action="store_true", help="keep nothing of the generation before")
    given = parser.parse_args()
    _yield_to_others()
    try:
        fold.fold(given.folder, given.up_to, threads=given.threads, is_final=given.final)
    except Exception as failure:
        if given.folder.exists():  # else it was deleted meanwhile, and there is nothing to fold
            sys.exit(str(failure) or type(failure).__name__)


def _yield_to_others() -> None:
    """Lets everything else on the machine go first, on its processors and on its disk."""
    os.nice(NICENESS)
    with suppress(AttributeError, OSError, psutil.Error):  # not on every system
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


if __name__ == "__main__":
    main()
