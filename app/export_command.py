"""The command export: a run or a comparison as a file that is read without Undertow."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import terminal, wording
from app.exits import FAILED, INTERRUPTED, Refusal
from app.serving.options import RunsOption

# What loads pandas or plotly is imported where it is used: the first line is on screen in 0.3 s.
if TYPE_CHECKING:
    from store.run import Run


class Kind(StrEnum):
    """What a run is written as."""

    report = "report"
    kept_csv = "kept-csv"
    kept_parquet = "kept-parquet"
    kept_npz = "kept-npz"
    parquet = "parquet"
    csv = "csv"
    duckdb = "duckdb"


_OF_TABLES = (Kind.parquet, Kind.csv, Kind.duckdb)


def export(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN …", help="Ids of runs, beginnings of ids, or names of studies."),
    ],
    kind: Annotated[
        Kind,
        typer.Option(
            "--to",
            help="report: one HTML file that opens offline, of several runs a comparison; "
            "kept-…: the ids that each epoch of one run trained on; "
            "parquet, csv, duckdb: all tables of each run.",
        ),
    ] = Kind.report,
    out: Annotated[
        Path | None, typer.Option("--out", help="Its file or folder; else one named after the run.")
    ] = None,
    folder: RunsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that is there.")] = False,
) -> None:
    """Writes a run, or a comparison of several, to a file."""
    terminal.say("Reading what the runs have recorded.")
    from app.keeping import chosen

    root = chosen.root(folder)
    os.environ["UNDERTOW_RUNS"] = str(root)  # what the pages keep in memory is asked from there
    if kind in _OF_TABLES:
        _write_tables(_found(root, runs, are_empty_too=True), kind, out, is_forced=force)
        return
    found = _found(root, runs)
    name, content = _report(runs, found) if kind is Kind.report else _kept(found, kind)
    path = (out or Path(name)).absolute()
    _check_target(path, is_forced=force)
    try:
        path.write_bytes(content)
    except PermissionError as failure:
        raise Refusal(f"{path} cannot be written ({failure.strerror}); choose another --out") from failure
    terminal.say(f"Written: {path} ({wording.size(len(content))})")


def _check_target(path: Path, *, is_forced: bool) -> None:
    if not path.parent.is_dir():
        raise Refusal(f"there is no folder {path.parent}; make it or choose another --out")
    if path.is_dir():
        raise Refusal(f"--out must be a file; got the folder {path}")
    if path.exists() and not is_forced:
        raise Refusal(f"{path} is there already; choose another --out or add --force")


def _write_tables(found: list["Run"], kind: Kind, out: Path | None, *, is_forced: bool) -> None:
    from app.exporting import of_tables
    from store.exporting.exports import ExportRefused

    try:
        is_whole = of_tables.write(found, kind.value, out, is_forced=is_forced)
    except ExportRefused as refusal:
        raise Refusal(str(refusal)) from refusal
    except KeyboardInterrupt:
        terminal.refuse("Interrupted; nothing of the export in work is left.")
        raise typer.Exit(INTERRUPTED) from None
    if not is_whole:
        raise typer.Exit(FAILED)


def _found(root: Path, names: list[str], *, are_empty_too: bool = False) -> list["Run"]:
    """Returns the runs of these ids and studies, each once, in this order; those with an epoch, or all."""
    from app.keeping import chosen
    from store.errors import RunIsForeign
    from store.run import Run

    found: dict[str, Run] = {}
    folders = [folder for name in names for folder in chosen.several(root, [name])[::-1]]
    for folder in folders:
        try:
            if are_empty_too or Run(folder).last_epoch() >= 0:
                found[folder.name] = Run(folder)
        except RunIsForeign as failure:
            if len(folders) == 1:
                raise
            terminal.refuse(f"left out: {failure}")
    if not found:
        raise Refusal("no epoch is recorded yet; export the run after its first one")
    return list(found.values())


def _report(names: list[str], found: list["Run"]) -> tuple[str, bytes]:
    from streamlit.logger import set_log_level

    set_log_level("error")  # it would warn of the app that it runs without
    from app.exporting import of_groups, of_run
    from app.studies import reading

    if len(found) == 1:
        return f"report-{found[0].id}.html", of_run.report(found[0]).encode()
    members, damaged = reading.read(found)
    for _, sentence in damaged:
        terminal.refuse(f"left out: {sentence}")
    title = names[0] if len(names) == 1 else f"Comparison of {len(members)} runs"
    return f"report-{names[0]}.html", of_groups.report(title, members).encode()


def _kept(found: list["Run"], kind: Kind) -> tuple[str, bytes]:
    from app.exporting import kept_export

    if len(found) > 1:
        raise Refusal(f"--to {kind} must be of one run; got {len(found)}")
    ending = kind.removeprefix("kept-")
    write = next(form.write for form in kept_export.FORMATS if form.ending == ending)
    return kept_export.file_name(found[0], ending), write(found[0])
