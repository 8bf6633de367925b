"""The command study: launches a preset study, shows its progress, and ends with its table and verdict.

The runs are those that the page Studies would queue, so either may begin a study and the other finish it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import terminal

# What loads pandas or pydantic is imported where it is used: the first line is on screen in 0.3 s.
if TYPE_CHECKING:
    from app.studies.design import Preset
    from app.studies.results import Outcome
    from engine.config import RunConfig
    from store.run import Run

DONE, FAILED, INTERRUPTED = 0, 1, 130


def study(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A preset; without it, they are listed.")
    ] = None,
    data: Annotated[
        str, typer.Option("--data", metavar="SET|CONFIG.json", help="digits, fashion_mnist, … or settings.")
    ] = "digits",
    epochs: Annotated[int | None, typer.Option(min=1, help="Of every run; else the preset's.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Of every arm; below three tell nothing.")] = 3,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="In all arms, as in strategy.keep=0.3."),
    ] = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", help="Folder of the runs; else UNDERTOW_RUNS, else ./runs.")
    ] = None,
    background: Annotated[bool, typer.Option("--background", help="Queue the runs and return.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
) -> None:
    """Launches a study and says what it shows; what is trained already is not trained again.

    Ctrl-C stops the runs after the batch in work and a checkpoint; a second Ctrl-C kills them; the same
    command goes on. Exit code: 0 done, 1 a run failed, 2 invalid, 130 interrupted.
    """
    from app.studies import presets

    if name is None:
        _list()
        return
    preset = presets.preset(name)
    base = _base(preset, data, epochs, assignments or [])
    planned = _planned(preset, base, seeds)
    from app.studies import queueing, results_file
    from store.run import default_root

    root = (runs or default_root()).absolute()
    terminal.say(f"{preset.question} {len(planned)} runs, study {planned[0].study} in {root}.")
    queued = queueing.queue(root, planned)
    if background:
        terminal.say(f"Watch it with: undertow app --runs {root}")
        return
    code, found = _follow(planned[0].study, queued)
    if json is not None:
        _write(json, results_file.content(preset, base, found))
    raise typer.Exit(code)


def _list() -> None:
    from pandas import DataFrame

    from app.studies.presets import PRESETS

    terminal.show(
        DataFrame(
            [
                {"Study": preset.name, "Question": preset.question, "Arms": len(preset.arms)}
                for preset in PRESETS
            ]
        ),
        right_from=2,
    )
    terminal.say("Start one with: undertow study NAME; each arm is trained with three seeds.")


def _base(preset: "Preset", data: str, epochs: int | None, assignments: list[str]) -> "RunConfig":
    """Returns the settings that the arms change: of a built-in set, or of a file with its own epochs."""
    from engine.config import parse, read

    is_file = data.endswith(".json")
    settings = read(Path(data)) if is_file else {"source": {"kind": data}, "epochs": preset.epochs}
    if epochs is not None:
        settings["epochs"] = epochs
    return parse(settings, assignments)


def _planned(preset: "Preset", base: "RunConfig", seeds: int) -> list["RunConfig"]:
    from app.new_run import places
    from app.studies import design
    from engine.config import InvalidConfig

    wrong = places.missing(base.model_dump(mode="json"))
    if wrong:
        raise InvalidConfig("; ".join(f"{setting} {rule}" for setting, rule in wrong.items()))
    return design.runs(preset, base, range(base.seed, base.seed + seeds))


def _follow(name: str, queued: list["Run"]) -> tuple[int, "Outcome"]:
    """Shows the progress to its end, then what the study shows; returns the exit code and that."""
    from app import progress
    from app.studies import telling

    statuses, was_interrupted = progress.follow_all(queued)
    for run, status in zip(queued, statuses, strict=True):
        if status.state != "done":
            terminal.refuse(f"run {run.id} {progress.doing(status)}")
    found = _outcome(name, queued)
    terminal.show(telling.arm_table(found, by_seed=False))
    terminal.show(telling.difference_table(found))
    for sentence in telling.verdict(found):
        terminal.say(sentence)
    if all(status.state == "done" for status in statuses):
        return DONE, found
    return (INTERRUPTED if was_interrupted else FAILED), found


def _outcome(name: str, queued: list["Run"]) -> "Outcome":
    from app.studies import results
    from app.studies.members import Member
    from store import queries

    members = [
        Member(run, run.config(), run.status(), queries.metrics(run), run.about())
        for run in queued
        if run.folder.is_dir()
    ]
    return results.outcome(name, members, results.measured(name, members))


def _write(path: Path, content: dict[str, object]) -> None:
    from app.studies import results_file

    path.write_text(results_file.text(content), encoding="utf-8")
    terminal.say(f"The results are in {path}.")
