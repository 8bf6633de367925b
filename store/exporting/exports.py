"""Exports: all tables of a run, of one moment, written to where its owner wants them.

An export is made in a hidden folder beside its place and appears by a rename, so that half of one is never
seen under its name. What a killed export left there is cleaned by the next one in that folder.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb

from store import files
from store.derived import ALL_TABLES
from store.errors import DiskIsFull, RunIsForeign, is_disk_full
from store.exporting import forms, snapshot
from store.exporting.forms import Told
from store.exporting.snapshot import Snapshot
from store.run import Run, run_folders

_WRITERS: dict[str, Callable[[Run, Snapshot, Path, Told], None]] = {
    "parquet": forms.write_parquet,
    "csv": forms.write_csv,
    "duckdb": forms.write_database,
}
FORMS = tuple(_WRITERS)

_PLACE = ".undertow-export"  # the folder beside an export in which it is made
_ATTEMPTS = 5


class ExportRefused(ValueError):
    """The export may not go where it should; the message says why and what to do."""


def default_name(run: Run, form: str) -> str:
    """Returns the name of an export: a database, or a folder with a file a table."""
    return f"{run.id}.duckdb" if form == "duckdb" else f"{run.id}-{form}"


def check_target(run: Run, path: Path, *, form: str, is_forced: bool) -> None:
    """Raises ExportRefused where an export must not be written as path; is_forced: it may replace one."""
    path = path.absolute()
    inside = [folder for folder in run_folders(run.folder.parent) if path.is_relative_to(folder)]
    if inside:
        raise ExportRefused(f"{path} lies in the run {inside[0].name}; choose another --out")
    if not path.parent.is_dir():
        raise ExportRefused(f"there is no folder {path.parent}; make it or choose another --out")
    if not path.exists() and not path.is_symlink():
        return
    if not is_forced:
        raise ExportRefused(f"{path} is there already; choose another --out or add --force")
    if not _is_export(path, form):
        raise ExportRefused(f"{path} is no export as {form}, so it is not replaced; choose another --out")


def export(run: Run, path: Path, form: str, *, is_forced: bool = False, told: Told = lambda *_: None) -> int:
    """Writes every table of a run as it is now and returns the bytes; form: one of FORMS.

    path: a database, or a folder with a file a table; it appears whole or not at all, whatever happens.
    Raises ExportRefused where it may not be written, RunIsForeign where the run is damaged, DiskIsFull.
    """
    path = path.absolute()
    check_target(run, path, form=form, is_forced=is_forced)
    scratch = _scratch(path)
    try:
        made = _made(run, scratch, form, told)
        size = _flushed(made)
        check_target(run, path, form=form, is_forced=is_forced)
        _publish(made, path)
    except (duckdb.Error, OSError, RuntimeError) as failure:
        explained = _explained(path, scratch, failure)
        if explained is None:
            raise
        raise explained from failure
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        with suppress(OSError):  # another export is in work there
            scratch.parent.rmdir()
    return size


def _scratch(path: Path) -> Path:
    """Makes the folder in which an export is made, once what dead ones left is cleaned."""
    place = path.parent / _PLACE
    scratch = files.scratch_path(place / path.name)
    try:
        files.remove_strays(place)
        scratch.mkdir(parents=True)
    except OSError as failure:
        raise ExportRefused(
            f"nothing can be written to {path.parent} ({failure.strerror}); choose another --out"
        ) from failure
    return scratch


def _made(run: Run, scratch: Path, form: str, told: Told) -> Path:
    """Returns the finished export in the scratch folder; begun anew where its files changed or went away."""
    for attempt in range(_ATTEMPTS):
        made = scratch / f"{attempt}"
        taken = None
        try:
            told("checksums", None, None)
            with snapshot.opened(run.folder, scratch / "spill") as taken:
                _WRITERS[form](run, taken, made, told)
            if not taken.is_replaced():
                return made
        except (FileNotFoundError, duckdb.Error) as failure:
            is_gone = taken.is_gone() if taken else isinstance(failure, FileNotFoundError)
            if not is_gone or not run.folder.exists():
                raise
        _remove(made)
    raise RunIsForeign(f"{run.id} changed {_ATTEMPTS} times while it was exported; export it again later")


def _flushed(made: Path) -> int:
    """Brings an export to the disk and returns its bytes."""
    written = sorted(made.iterdir()) if made.is_dir() else [made]
    for path in written:
        files.sync(path)
    return sum(path.stat().st_size for path in written)


def _publish(made: Path, path: Path) -> None:
    """Gives an export its name; one that is there and may be replaced makes room first."""
    aside = made.with_name("replaced")
    if path.is_dir() and not path.is_symlink():
        path.rename(aside)
    try:
        made.replace(path)
    except OSError:
        if aside.exists():
            aside.rename(path)
        raise
    files.sync(path.parent)


def _is_export(path: Path, form: str) -> bool:
    """True where nothing but an export is lost with path."""
    if form == "duckdb":
        return path.is_file()
    names = {f"{table}.{form}" for table in ALL_TABLES}
    return path.is_dir() and all(inside.name in names for inside in path.iterdir())


def _explained(path: Path, scratch: Path, failure: Exception) -> BaseException | None:
    """Returns what a failure means to whoever asked for the export; None where it says so itself."""
    if "Query interrupted" in str(failure):
        return KeyboardInterrupt()  # which is what DuckDB makes of it
    is_full = isinstance(failure, DiskIsFull) or (isinstance(failure, OSError) and is_disk_full(failure))
    if is_full or "No space left" in str(failure) or "max_temp_directory_size" in str(failure):
        shutil.rmtree(scratch, ignore_errors=True)  # what is free is told without it
        free = shutil.disk_usage(path.parent).free / 1e6
        return DiskIsFull(
            f"the disk is full: {path.name} needs more than the {free:.1f} MB free in {path.parent}; "
            "nothing of it was kept; free some space there or choose another --out"
        )
    return None


def _remove(made: Path) -> None:
    if made.is_dir():
        shutil.rmtree(made)
    else:
        made.unlink(missing_ok=True)
