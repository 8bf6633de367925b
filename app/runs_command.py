"""The command runs: lists, shows, removes, folds and checks the runs of a folder.

What a page of the app does with a click, a script does here with an exit code; what is damaged is named.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from app import terminal
from app.exits import DONE, FAILED
from app.serving.options import RunsOption

# What loads numpy, pyarrow or pydantic is imported where it is used: the first line is on screen in 0.3 s.
if TYPE_CHECKING:
    from app.keeping.removal import Removal

runs_commands = typer.Typer(
    no_args_is_help=True, help="Lists, shows, removes, folds and checks the runs of a folder."
)

_NAMES = "Ids of runs, beginnings of ids, or names of studies."
_JSON = "Write it as JSON, for scripts."

NamesArgument = Annotated[list[str], typer.Argument(metavar="RUN …", help=_NAMES)]
MaybeNamesArgument = Annotated[list[str] | None, typer.Argument(metavar="[RUN …]", help=_NAMES)]
AllOption = Annotated[bool, typer.Option("--all", help="Every run of the folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help=_JSON)]


@runs_commands.command(name="list")
def list_runs(
    runs: RunsOption = None,
    study: Annotated[str | None, typer.Option(help="Only the runs of this study.")] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="Only runs in this state: done, running, failed, … or unreadable; may be repeated."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Lists the runs, newest first, with what cannot be read and why."""
    with terminal.out.status("Looking at the runs"):
        from app.keeping import chosen, listing

        root = chosen.root(runs)
        listed = listing.read(root, study=study, states=state or ())
    if json:
        terminal.out.print_json(data=listing.as_json(listed))
        return
    for line in listing.lines(root, listed, is_narrowed=bool(study or state)):
        terminal.put(line)


@runs_commands.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="RUN", help="Id of a run, a beginning of one, or a study of one run.")
    ],
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Shows one run: settings, state, what is recorded and where, versions, and where it failed."""
    with terminal.out.status("Looking at the run"):
        from app.keeping import chosen, showing

        shown = showing.read(chosen.one(chosen.root(runs), name))
    if json:
        terminal.out.print_json(data=showing.as_json(shown))
        return
    for line in showing.lines(shown):
        terminal.put(line)


@runs_commands.command()
def rm(
    names: NamesArgument,
    runs: RunsOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, for scripts.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
) -> None:
    """Removes runs and all they recorded, damaged ones too, after it has asked; never one at work."""
    with terminal.out.status("Looking at what would go"):
        from app.keeping import chosen, removal

        planned = removal.plan(chosen.several(chosen.root(runs), names))
    terminal.put(removal.table(planned))
    if dry_run:
        terminal.say(f"Would remove {removal.total(planned)}; nothing was removed.")
        return
    if yes or removal.is_wanted(planned):
        raise typer.Exit(_remove(planned))
    terminal.say("Nothing was removed.")


@runs_commands.command()
def fold(names: MaybeNamesArgument = None, runs: RunsOption = None, every: AllOption = False) -> None:
    """Folds what runs have recorded into their databases now; of a run at work what its checkpoint has.

    Having nothing to fold is no failure. Exit code 1 where a run could not be folded.
    """
    with terminal.out.status("Loading DuckDB"):
        from app.keeping import chosen, folding

        folders = chosen.several_or_all(chosen.root(runs), names or (), every=every)
    folded = [folding.fold(folder) for folder in folders]
    raise typer.Exit(DONE if all(folded) else FAILED)


@runs_commands.command()
def check(
    names: MaybeNamesArgument = None,
    runs: RunsOption = None,
    every: AllOption = False,
    json: JsonOption = False,
) -> None:
    """Verifies every part and the database against what was recorded of them; writes nothing.

    Every file is read whole and compared with its checksum, the tables with the rows that are due. Exit code
    0: all good, leftovers aside; 1: a problem.
    """
    with terminal.out.status("Loading DuckDB"):
        from app.keeping import checks, chosen

        folders = chosen.several_or_all(chosen.root(runs), names or (), every=every)
    checked = checks.check(folders)
    if json:
        terminal.out.print_json(data=checks.as_json(checked))
    else:
        for line in checks.lines(checked):
            terminal.put(line)
    raise typer.Exit(DONE if all(one.is_good for one in checked) else FAILED)


def _remove(planned: "list[Removal]") -> int:
    from app.keeping import removal

    failed = removal.remove(planned)
    for sentence in failed:
        terminal.refuse(sentence)
    gone = [one for one in planned if not one.folder.exists()]
    terminal.say(f"Removed {removal.total(gone)}.")
    return FAILED if failed else DONE
