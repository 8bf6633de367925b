"""The command undertow: demo, train, study, runs, export, app, doctor and bench.

Every command says something at once and loads what is heavy after that. What a person did wrong becomes one
sentence on stderr and an exit code, never a traceback.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from app import terminal
from app.bench import bench
from app.exits import DONE, FAILED, INTERRUPTED, Refusal, code_of
from app.export_command import export
from app.runs_command import runs_commands
from app.serving import ports
from app.serving.access import Access, access
from app.serving.options import (
    AddressOption,
    HostOption,
    NoBrowserOption,
    PortOption,
    RemoteOption,
    RunsOption,
)
from app.study_command import study

# Everything else is imported where it is used: the first line is on screen in 0.3 s instead of 2 s.
if TYPE_CHECKING:
    from store.run import Run

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Shows how image classifiers learn: which samples are kept and how strongly each is augmented.",
)


@commands.command()
def demo(
    runs: RunsOption = None,
    port: PortOption = None,
    no_browser: NoBrowserOption = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete the demo's runs and train them anew.")
    ] = False,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Train without the app, for scripts.")] = False,
    address: AddressOption = "127.0.0.1",
    allow_remote: RemoteOption = False,
    host: HostOption = None,
) -> None:
    """Trains a small study on real handwritten digits and opens the app on it.

    Two methods with three seeds each, on labels of which one in ten is wrong. What was trained before is not
    trained again. With --no-serve the exit code is 0 when all runs are done, else 1.
    """
    terminal.say(
        "Undertow demo: two methods, three seeds each, on handwritten digits with some wrong labels."
    )
    with terminal.out.status("Queueing what is not trained yet"):
        from app import demo as study

        root, open_to = _root(runs), access(address, host or (), allow_remote=allow_remote)
        chosen = None if no_serve else ports.choose(port, open_to.address)
        queued = study.prepare(root, fresh=fresh)
    if chosen is None:
        raise typer.Exit(DONE if _accompany(queued, Event()) else FAILED)
    _say_address(open_to, chosen, port)
    _serve_beside(queued, root, open_to, port=chosen, open_browser=not no_browser)


@commands.command()
def train(
    config: Annotated[Path | None, typer.Argument(help="JSON file with settings; else the defaults.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="As in strategy.keep=0.3.")
    ] = None,
    runs: RunsOption = None,
    background: Annotated[bool, typer.Option("--background", help="Queue the run and return.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print all settings as JSON; train nothing.")] = False,
) -> None:
    """Trains one run and shows its progress.

    Ctrl-C stops it after the batch in work and a checkpoint; a second Ctrl-C kills it. The run has a process
    of its own, so it survives this terminal. Exit code: 0 done, 1 failed, 2 invalid, 130 interrupted.
    """
    from engine.config import parse, read

    settings = parse(read(config) if config else {}, assignments or ())
    if show:
        terminal.out.print_json(settings.model_dump_json())
        return
    from app import launch
    from app.new_run import places

    wrong = places.missing(settings.model_dump(mode="json"))
    if wrong:
        raise Refusal("; ".join(f"{name} {rule}" for name, rule in wrong.items()))
    root = _root(runs)
    run = launch.submit(root, settings)
    terminal.say(f"Run {run.id} is queued in {root}.")
    if background:
        terminal.say(f"Watch it with: undertow app --runs {root}")
        return
    raise typer.Exit(_follow(run))


@commands.command(name="app")
def open_app(
    runs: RunsOption = None,
    port: PortOption = None,
    no_browser: NoBrowserOption = False,
    address: AddressOption = "127.0.0.1",
    allow_remote: RemoteOption = False,
    host: HostOption = None,
) -> None:
    """Opens the app on the runs of a folder; training goes on when it is left."""
    open_to = access(address, host or (), allow_remote=allow_remote)
    root, chosen = _root(runs), ports.choose(port, open_to.address)
    _say_address(open_to, chosen, port)
    _serve(root, open_to, port=chosen, open_browser=not no_browser)


@commands.command()
def doctor(runs: RunsOption = None) -> None:
    """Checks what Undertow needs on this machine and says what to do; exit code 1 on a problem."""
    with terminal.out.status("Looking at this machine; loading torch takes some seconds"):
        from app import doctor as checks

        found = checks.examine(_root(runs))
    terminal.show(checks.table(found), right_from=99)
    terminal.say(checks.summary(found))
    raise typer.Exit(FAILED if any(check.verdict == checks.PROBLEM for check in found) else DONE)


commands.command()(bench)
commands.command()(study)
commands.command()(export)
commands.add_typer(runs_commands, name="runs")


def main() -> None:
    """Runs the command line; what a person can mend is said in one sentence."""
    try:
        commands()
    except Exception as failure:
        code = code_of(failure)
        if code is None:
            raise
        terminal.refuse("Interrupted." if code == INTERRUPTED else str(failure))
        raise SystemExit(code) from None


def _root(runs: Path | None) -> Path:
    from store.run import default_root

    return (runs or default_root()).absolute()


def _follow(run: "Run") -> int:
    from app import progress

    status, was_interrupted = progress.follow(run)
    if status.state == "done":
        terminal.say(f"Run {run.id} is done. Look at it with: undertow app --runs {run.folder.parent}")
        return DONE
    terminal.refuse(f"run {run.id} {progress.doing(status)}")
    return INTERRUPTED if was_interrupted else FAILED


def _serve_beside(
    queued: Sequence["Run"], root: Path, open_to: Access, *, port: int, open_browser: bool
) -> None:
    """Serves in this thread, which signals reach, and shows the progress of the runs in another."""
    cancelled = Event()
    watcher = Thread(
        target=_accompany, args=(queued, cancelled, partial(open_to.url, port)), name="progress", daemon=True
    )
    watcher.start()
    try:
        _serve(root, open_to, port=port, open_browser=open_browser)
    finally:
        cancelled.set()
        watcher.join(timeout=5)
        is_busy = not all(run.status().is_over for run in queued)
        terminal.say("Training goes on in the background." if is_busy else f"The runs are kept in {root}.")
        terminal.say(f"Come back with: undertow app --runs {root}")


def _serve(root: Path, open_to: Access, *, port: int, open_browser: bool) -> None:
    from app import server

    try:
        server.serve(root, port=port, open_browser=open_browser, access=open_to)
    except KeyboardInterrupt:
        return


def _accompany(queued: Sequence["Run"], cancelled: Event, url: Callable[..., str] | None = None) -> bool:
    """Shows progress, then results and the featured suspect; returns whether every run is done."""
    from app import demo as study
    from app import progress

    statuses = progress.watch(queued, cancelled)
    for run, status in zip(queued, statuses, strict=True):
        if status.is_over and status.state != "done":
            terminal.refuse(f"run {run.id} {progress.doing(status)}")
    if all(status.is_over for status in statuses):
        compared, verdict = study.results(queued)
        terminal.show(compared)
        terminal.say(verdict)
        suspect = study.featured_suspect(queued)
        if url and suspect:
            run, sample_id, epoch = suspect
            where = url("samples", run=run.id, sample=sample_id, epoch=epoch)
            terminal.say(f"A suspect label and why its image was dropped: {where}")
    return all(status.state == "done" for status in statuses)


def _say_address(open_to: Access, port: int, asked: int | None) -> None:
    if asked is None and port != ports.USUAL:
        terminal.say(f"Port {ports.USUAL} is taken, so the app takes {port}.")
    terminal.say(f"The app: {open_to.url(port)} (Ctrl-C leaves it, training goes on)")
    if open_to.token:
        terminal.say(
            "Whoever has this address can start and delete runs here, and nothing that is sent is encrypted: "
            "hand it on with care."
        )


if __name__ == "__main__":
    main()
