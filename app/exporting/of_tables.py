"""All tables of runs as Parquet files, CSV files or a database, with a progress that moves while it works."""

from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app import terminal, wording
from store.errors import RunIsForeign
from store.exporting import exports
from store.run import Run


def targets(runs: Sequence[Run], form: str, out: Path | None) -> dict[Run, Path]:
    """Returns where each run goes: out is the export of one run, and the folder of those of several."""
    if len(runs) == 1:
        return {run: out or Path(exports.default_name(run, form)) for run in runs}
    return {run: (out or Path()) / exports.default_name(run, form) for run in runs}


def write(runs: Sequence[Run], form: str, out: Path | None, *, is_forced: bool) -> bool:
    """Writes the tables of each run, none before all may be; returns whether all could be written.

    A damaged run is said and left out. Raises ExportRefused.
    """
    placed = targets(runs, form, out)
    if len(runs) > 1 and out and not out.is_dir():
        raise exports.ExportRefused(
            f"--out must be a folder that is there, for {len(runs)} exports; got {out.absolute()}"
        )
    for run, path in placed.items():
        exports.check_target(run, path, form=form, is_forced=is_forced)
    damaged = 0
    for run, path in placed.items():
        try:
            size = _written(run, path, form, is_forced=is_forced)
        except RunIsForeign as failure:
            terminal.refuse(str(failure))
            damaged += 1
        else:
            terminal.say(f"Written: {path.absolute()} ({wording.size(size)})")
    return not damaged


def _written(run: Run, path: Path, form: str, *, is_forced: bool) -> int:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(24), TimeElapsedColumn())
    shown = Progress(*columns, console=terminal.out, disable=not terminal.out.is_terminal, transient=True)
    with shown as progress:
        task = progress.add_task(run.id, total=None)

        def told(step: str, done: int | None, total: int | None) -> None:
            progress.update(task, description=f"{run.id}: {step}", completed=done or 0, total=total)

        return exports.export(run, path, form, is_forced=is_forced, told=told)
