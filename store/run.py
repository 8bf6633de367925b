"""A run is a folder: what the engine writes into it and what anybody may ask of it without a database.

The engine only ever adds files that appear whole, so it needs no lock against readers and opens no DuckDB
(closing one in a forked loader worker crashes it); questions to the tables go through store/queries.py.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from store import files, manifest, maps, parts, rewinding, samples, status, thumbnails
from store.errors import DiskIsFull, RunIsBusy, RunIsForeign, RunNotFound
from store.status import Status

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DiskIsFull", "Run", "RunIsBusy", "RunIsForeign", "RunNotFound", "Status", "default_root", "find_run",
    "find_runs", "run_folders",
]  # fmt: skip

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


def default_root() -> Path:
    """Returns the folder of all runs: the variable UNDERTOW_RUNS, else runs in the current folder."""
    return Path(os.environ.get("UNDERTOW_RUNS") or "runs").absolute()


def find_runs(root: Path) -> list["Run"]:
    """Returns the runs in a folder, newest first; what is no run of this schema version is left out."""
    return [run for folder in run_folders(root) if (run := _open_or_none(folder))]


def run_folders(root: Path) -> list[Path]:
    """Returns the folders that are named as runs are, newest first, whether they can be read or not."""
    names = sorted((path.name for path in root.iterdir()), reverse=True) if root.is_dir() else []
    return [root / name for name in names if _ID.fullmatch(name)]


def find_run(root: Path, run_id: str) -> "Run":
    """Returns one run; RunNotFound where there is none, RunIsForeign where it is of another schema."""
    if not _ID.fullmatch(run_id):
        raise RunNotFound(f"run id must look like 20260131-235959-0a1b2c; got {run_id!r}")
    if not (root / run_id).is_dir():
        raise RunNotFound(f"there is no run {run_id} in {root}; pick one of the listed runs")
    return Run.open(root / run_id)


@dataclass(frozen=True)
class Run:
    """A handle on a run folder; it remembers nothing but the folder."""

    folder: Path

    @classmethod
    def create(cls, root: Path, config: Mapping[str, Any], **status_fields: Any) -> "Run":
        """Makes a new run, queued unless its status fields say other; its folder appears whole."""
        root = Path(root).absolute()
        if "?" in str(root):
            raise ValueError(f"the folder of the runs must have no ? in its name, for DuckDB; got {root}")
        files.make_folder(root, parents=True)
        files.remove_strays(root)
        named = (root / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}" for _ in count())
        folder = next(path for path in named if not path.exists())
        scratch = files.scratch_path(folder)
        try:
            for name in (".", "parts", "maps", "checkpoints"):
                files.make_folder(scratch / name)
            files.write_json(scratch / "config.json", config)
            manifest.publish(scratch, manifest.Manifest())
            status.write(scratch, **{"state": "queued", **status_fields})
            scratch.rename(folder)
        finally:
            files.remove_scratch(scratch)  # where it did not get its name: the disk may be full
        files.sync(root)
        return cls(folder)

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Returns the run in an existing folder; RunIsForeign where it is none of this schema version."""
        folder = Path(folder).absolute()
        manifest.read_manifest(folder)
        return cls(folder)

    @property
    def id(self) -> str:
        """The run's name: UTC time of its making and six random digits."""
        return self.folder.name

    @property
    def checkpoints(self) -> Path:
        """The folder of the engine's checkpoints."""
        return self.folder / "checkpoints"

    def config(self) -> dict[str, Any]:
        """Returns the configuration that the run was made with."""
        content = files.read_json(self.folder / "config.json")
        if content is None:
            raise RunIsForeign(f"config.json of run {self.id} is missing or damaged; restore it")
        return content

    def about(self) -> dict[str, Any]:
        """Returns what the engine wrote about the run; empty before it did."""
        return files.read_json(self.folder / "run.json") or {}

    def write_about(self, about: Mapping[str, Any]) -> None:
        """Replaces what is known about the run as a whole."""
        files.write_json(self.folder / "run.json", about)

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Makes this process the only engine of the run while it lasts, and cleans what a dead one left.

        Raises RunIsBusy where another engine has the run, RunIsForeign where the run is damaged.
        """
        with self._locked():
            for name in (".", "parts", "maps", "checkpoints"):
                files.remove_strays(self.folder / name)
            parts.remove_uncommitted(self.folder, self.last_epoch())
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self.folder / ".engine.lock"
        with ExitStack() as stack:
            try:
                descriptor = stack.enter_context(files.locked(lock, wait=False))
            except BlockingIOError as failure:
                raise RunIsBusy(
                    f"another engine (pid {lock.read_text() or 'unknown'}) works on run {self.id}; "
                    "wait for it or stop it"
                ) from failure
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield

    def write_samples(self, columns: Mapping[str, Any], class_names: Sequence[str]) -> None:
        """Writes what does not change during the run, N rows in id order; a true label below 0 is unknown."""
        samples.write(self.folder, columns, class_names=class_names, is_fixed=self.last_epoch() >= 0)

    def write_epoch(self, epoch: int, columns: Mapping[str, Any], metrics: Mapping[str, float]) -> Path:
        """Commits one epoch and returns its history part; a reader sees all of it or nothing.

        columns: every column of history but epoch, N rows in id order; metrics: every column of metrics but
        epoch. NaN and masked cells become NULL. Epochs follow each other from 0. Raises DiskIsFull.
        """
        due = self.last_epoch() + 1
        if epoch != due:
            raise ValueError(f"epoch of run {self.id} must be {due}, the one after the last; got {epoch}")
        labels = samples.read_labels(self.folder)
        return parts.write_parts(self.folder, epoch, columns=columns, metrics=metrics, labels=labels)

    def write_map(self, epoch: int, *, sample_ids: ndarray, positions: ndarray, neighbours: ndarray) -> None:
        """Writes the map of an epoch: M samples at positions (M, 2), neighbours (M, k) ids, nearest first."""
        maps.write(self.folder, epoch, sample_ids=sample_ids, positions=positions, neighbours=neighbours)

    def map_epochs(self) -> list[int]:
        """Returns the epochs that have a map, in order."""
        return manifest.numbered(self.folder / "maps")

    def read_map(self, epoch: int, columns: Sequence[str] | None = None) -> "pd.DataFrame":
        """Returns the map of an epoch, or some of: sample_id, x, y and neighbours (an array of ids a row)."""
        return maps.read(self.folder, epoch, columns=columns)

    def epochs(self) -> list[int]:
        """Returns the committed epochs, in order."""
        return list(range(self.last_epoch() + 1))

    def last_epoch(self) -> int:
        """Returns the last committed epoch, -1 where there is none."""
        return manifest.committed(self.folder).last_epoch

    def rewind(self, epoch: int) -> None:
        """Drops everything that was recorded after an epoch; -1 drops all epochs."""
        rewinding.rewind(self.folder, epoch)

    def fold(self, up_to: int | None = None) -> None:
        """Folds the committed parts, or those up to an epoch, into the run's database; none is no failure."""
        from store.folding import fold

        fold.fold(self.folder, up_to)

    def write_thumbnails(self, key: str, images: ndarray) -> None:
        """Writes the thumbnails of a data set, (N, H, W, C) uint8, where its runs find them by its key."""
        thumbnails.write(self.folder.parent, key, images)

    def thumbnails(self) -> ndarray | None:
        """Returns the thumbnails of the run's data set, (N, H, W, C) uint8 on disk; None = none."""
        return thumbnails.read(self.folder.parent, self.about().get("dataset_key"))

    def status(self) -> Status:
        """Returns what the run is doing, corrected by what can be observed now."""
        return status.observe(self.folder)

    def write_status(self, **fields: Any) -> Status:
        """Changes the given fields of the status; written under the run's own pid it is a heartbeat."""
        return status.write(self.folder, **fields)

    def request_stop(self) -> None:
        """Asks the engine to stop after the batch in work."""
        files.write_whole(self.folder / "stop", [])

    def stop_requested(self) -> bool:
        """True where somebody asked the engine to stop."""
        return (self.folder / "stop").exists()

    def clear_stop(self) -> None:
        """Forgets the request to stop."""
        (self.folder / "stop").unlink(missing_ok=True)

    def data_version(self) -> str:
        """Returns a text that changes whenever an answer about the run can change."""
        now = manifest.committed(self.folder)
        newest = manifest.part_path(self.folder, "epoch", now.last_epoch)
        times = [files.modified(path) for path in (newest, self.folder / "samples.parquet")]
        last_map = max(self.map_epochs(), default=-1)
        return f"{now.manifest.generation}.{now.last_epoch}.{times[0]:x}.{times[1]:x}.{last_map}"

    def log_tail(self, lines: int = 40) -> str:
        """Returns the last lines of what the run's process printed; empty where it printed nothing."""
        return files.tail(self.folder / "log.txt", lines)

    def delete(self) -> None:
        """Deletes the run and all it recorded, damaged or not; RunIsBusy while a process works on it."""
        state = self.status()
        if state.is_alive:
            raise RunIsBusy(f"run {self.id} is {state.state}; stop it before deleting it")
        with self._locked():
            grave = files.scratch_path(self.folder)
            files.rename(self.folder, grave)
        shutil.rmtree(grave)


def _open_or_none(folder: Path) -> Run | None:
    try:
        return Run.open(folder)
    except RunIsForeign:
        return None
