"""The command bench: how fast and how right Undertow is here, against its goals and its peers.

Measured by a process that loads the engine alone, so that what the app loads does not slow it.
"""

from pathlib import Path
from typing import Annotated

import typer

from app import terminal


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME] …", help="Lines, see --list; else all.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes; goals are not judged.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write every repeat to this file too.")] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of cifar10_{train,test}.parquet; else UNDERTOW_DATA."),
    ] = None,
    names_only: Annotated[bool, typer.Option("--list", help="Name the lines, measure nothing.")] = False,
) -> None:
    """Measures speed and accuracy against goals, on one thread, and prints each line as it is done.

    First the machine, its load and its noise. A line that lacks its data says so and is skipped. Exit code 1
    where a line failed; a goal that is missed is no failure.
    """
    from app import launch

    words = [*(names or ()), *(["--quick"] if quick else ()), *(["--list"] if names_only else ())]
    for option, path in (("--json", json), ("--data", data)):
        words += [option, str(path.absolute())] if path else []
    if not names_only:
        terminal.say("Undertow bench: loading the engine, then measuring on one thread.")
    raise typer.Exit(launch.bench(words))
