"""The command runs: what it lists, shows, removes, folds and checks, and with which sentence and code."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from rich.console import Console

from app import cli, terminal
from app.keeping import checks, chosen, listing, removal, settings
from store import manifest, queries
from store.checking import leftovers
from store.run import Run, find_runs
from tests.synthetic import make_damaged_run, make_run

IN_STUDY = ("strategy.kind=joint", "strategy.keep=0.3", "policy.kind=sada", "study=window")


class Ended(NamedTuple):
    """How a command ended and what it wrote."""

    code: object
    out: str
    err: str


Command = Callable[..., Ended]


class Runs(NamedTuple):
    """A folder of runs in all states, and its runs by what is special about them."""

    root: Path
    folded: Run
    hot: Run
    failed: Run
    damaged: Run
    foreign: Run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Made once; a test that changes something takes a copy."""
    root = tmp_path_factory.mktemp("runs")
    folded = make_run(root, samples=20, epochs=2, settings=(*IN_STUDY, "seed=4"))
    folded.fold()
    hot = make_run(root, samples=20, epochs=3, settings=(*IN_STUDY, "seed=5"))
    failed = make_run(root, samples=20, epochs=1, state="failed")
    (failed.folder / "log.txt").write_text(
        'Traceback (most recent call last):\n  File "/home/me/engine/train.py", line 120, in learn\n'
        "    raise MemoryError\nMemoryError: batch of 64\n"
    )
    damaged, foreign = make_damaged_run(root), make_run(root, samples=20, epochs=1)
    path = foreign.folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 1}))
    return Runs(root, folded, hot, failed, damaged, foreign)


@pytest.fixture
def runs(made: Runs, tmp_path: Path) -> Runs:
    """A copy of the folder of runs."""
    root = shutil.copytree(made.root, tmp_path / "runs")
    return Runs(root, *(Run(root / run.id) for run in made[1:]))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `undertow runs` with these words."""

    def ended(root: Path, *words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["undertow", "runs", *words, "--runs", str(root)])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        return Ended(exited.value.code, *capsys.readouterr())

    return ended


def test_list_has_a_row_for_every_run_newest_first_and_a_sentence_for_the_unreadable(
    command: Command, made: Runs
) -> None:
    ended = command(made.root, "list")
    rows = [re.split(r"\s{2,}", line.strip()) for line in ended.out.splitlines()[1:6]]
    ids = sorted((path.name for path in made.root.iterdir() if path.name != "datasets"), reverse=True)
    assert (ended.code, [row[0] for row in rows]) == (0, ids)
    by_id = {row[0]: row[1:8] for row in rows}
    assert by_id[made.folded.id][:5] == [
        "done",
        "2/2",
        "window",
        "joint 30\N{NO-BREAK SPACE}% + SADA",
        "4",
    ]
    assert by_id[made.failed.id][:2] == ["failed", "1/2"]
    assert by_id[made.foreign.id][:2] == ["unreadable", "–/1"]
    assert "parts/epoch-00001.parquet of run" in ended.out
    assert f"run {made.foreign.id} was written with schema version 1" in ended.out
    assert ended.out.splitlines()[-1].startswith("5 runs, ")


def test_list_as_json_says_what_was_recorded(command: Command, made: Runs) -> None:
    listed = {one["id"]: one for one in json.loads(command(made.root, "list", "--json").out)}
    folded, hot = listed[made.folded.id], listed[made.hot.id]
    assert list(folded) == [
        "id", "state", "problem", "epochs_done", "epochs_planned", "study", "name", "method", "seed",
        "test_accuracy", "samples", "bytes", "created", "age_seconds",
    ]  # fmt: skip
    for run, one in ((made.folded, folded), (made.hot, hot)):
        assert one["test_accuracy"] == queries.metrics(run)["test_accuracy"].iloc[-1]
        assert (one["state"], one["samples"], one["seed"]) == ("done", 20, run.config()["seed"])
        assert one["bytes"] == sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file())
    assert (hot["epochs_done"], hot["problem"]) == (3, None)
    assert listed[made.damaged.id]["epochs_done"] is None
    assert "is missing though later ones are there" in listed[made.damaged.id]["problem"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--study", "window"], ["folded", "hot"]),
        (["--state", "failed"], ["failed"]),
        (["--state", "unreadable"], ["damaged", "foreign"]),
        (["--state", "done", "--state", "failed", "--study", "window"], ["folded", "hot"]),
        (["--study", "none"], []),
    ],
)
def test_list_is_narrowed(command: Command, made: Runs, words: list[str], names: list[str]) -> None:
    listed = json.loads(command(made.root, "list", "--json", *words).out)
    assert {one["id"] for one in listed} == {getattr(made, name).id for name in names}


def test_list_of_an_empty_folder_says_what_to_do_and_a_wrong_state_is_refused(
    command: Command, tmp_path: Path
) -> None:
    assert command(tmp_path, "list") == Ended(
        0, f"There are no runs in {tmp_path}; start some with: undertow demo, or undertow train\n", ""
    )
    gone = tmp_path / "gone"
    said = f"There is no folder {gone}; name another with --runs, or start a run with: undertow demo"
    assert command(gone, "list") == Ended(0, f"{said}\n", "")
    assert command(gone, "show", "x") == Ended(1, "", f"{said}\n")
    ended = command(tmp_path, "list", "--state", "ended")
    assert (ended.code, ended.err[:28]) == (2, "--state must be one of queue")


def test_list_leaves_columns_out_before_it_breaks_words(
    made: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for width, ending in (
        (80, "; for samples, study, age widen the terminal or add --json"),
        (120, "\N{NO-BREAK SPACE}MB"),
    ):
        monkeypatch.setattr(terminal, "out", Console(width=width, highlight=False, force_terminal=True))
        for line in listing.lines(made.root, listing.read(made.root, study="window"), is_narrowed=True):
            terminal.put(line)
        told = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
        assert max(map(len, told[:3])) <= width
        assert told[1].startswith(f"{max(made.folded.id, made.hot.id)}  done ")
        assert told[-1].endswith(ending)


def test_list_and_show_never_stumble_over_what_a_person_wrote_into_the_files(
    command: Command, runs: Runs
) -> None:
    folder = runs.hot.folder.rename(runs.root / "20261122-235999-0a1b2c")  # no such second
    for name, changes in {
        "config.json": {"strategy": "joint", "study": 3, "epochs": "many"},
        "status.json": {"state": 4, "phase": True, "epochs": None},
        "run.json": {"versions": "new", "dataset_key": 5},
    }.items():
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    (runs.failed.folder / "status.json").unlink()
    (runs.failed.folder / "status.json").mkdir()
    ended = command(runs.root, "list")
    assert (ended.code, ended.err) == (0, "")
    row = next(line for line in ended.out.splitlines() if line.startswith(folder.name))
    assert re.split(r"\s{2,}", row.strip())[1:5] == ["4", "3/–", "3", "–"]
    assert command(runs.root, "show", folder.name).code == 0
    assert command(runs.root, "show", runs.failed.id, "--json").code == 0


def test_a_run_that_is_deleted_while_it_is_checked_is_no_problem(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = leftovers.found

    def deleted(folder: Path, *, last_epoch: int) -> object:
        shutil.rmtree(folder)
        return read(folder, last_epoch=last_epoch)

    monkeypatch.setattr(leftovers, "found", lambda folder, **words: deleted(folder, **words))
    assert checks.check([runs.hot.folder]) == []


def test_show_says_where_everything_is_and_where_it_failed(command: Command, made: Runs) -> None:
    told = command(made.root, "show", made.failed.id).out
    for line in (
        "State          failed, ran out of memory; lower batch_size",
        "Failed with    MemoryError: batch of 64",
        "Failed at      engine/train.py:120, in learn",
        "               raise MemoryError",
        "Epochs         1 of 2, 0 folded and 1 in parts",
        "Rows           20: 20 samples in each epoch",
        "Thumbnails     20 x 16 x 16 x 1",
    ):
        assert line in told
    assert command(made.root, "show", made.foreign.id).out.count("It cannot be read: run") == 1


def test_show_says_nothing_of_a_database_or_settings_that_it_cannot_read(
    command: Command, runs: Runs
) -> None:
    (runs.folded.folder / "manifest.json").write_text('{"schema": 2}', encoding="utf-8")
    told = command(runs.root, "show", runs.folded.id).out
    assert re.search(r"^Database +1 file, \S+\s[kM]B *$", told, re.MULTILINE)
    (runs.folded.folder / "config.json").unlink()
    assert command(runs.root, "show", runs.folded.id).out.endswith("\n\nIts settings cannot be read.\n")


def test_show_as_json_has_settings_sizes_and_what_is_folded(command: Command, made: Runs) -> None:
    shown = json.loads(command(made.root, "show", made.folded.id, "--json").out)
    of_list = json.loads(command(made.root, "list", "--json").out)[0]
    assert list(shown)[: len(of_list)] == list(of_list)
    assert (shown["rows"], shown["folded_epochs"], shown["hot_epochs"]) == (2 * 20, 2, 0)
    assert (shown["database"], shown["map_epochs"], shown["thumbnails"]) == (
        "run.duckdb",
        [0],
        [20, 16, 16, 1],
    )
    assert shown["sizes"]["parts"]["files"] == 6  # kept for those who read them
    assert sum(size["bytes"] for size in shown["sizes"].values()) == shown["bytes"]
    assert shown["settings"] == {
        "study": "window", "seed": "4", "epochs": "2", "strategy.kind": "joint", "strategy.keep": "0.3",
        "policy.kind": "sada", "maps.samples": "1000",
    }  # fmt: skip


def test_settings_of_another_version_and_of_a_person_s_own_loop_are_shown_whole() -> None:
    assert settings.changed({"epochs": 3, "flux": {"a": 1}}) == {"epochs": "3", "flux.a": "1"}
    assert settings.changed({"tracked": True, "epochs": 100}) == {"tracked": "true", "epochs": "100"}


def test_a_run_is_meant_by_its_id_its_beginning_or_its_study(made: Runs) -> None:
    assert chosen.several(made.root, ["window"]) == sorted(
        [made.hot.folder, made.folded.folder], reverse=True
    )
    assert chosen.one(made.root, made.failed.id[:-1]) == made.failed.folder
    assert chosen.several(made.root, [made.hot.id, "window", made.hot.id])[0] == made.hot.folder


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["show", "nothing"], 1, "no id of a run in"),
        (["show", "2"], 2, "'2' begins 5 ids; write more of it: "),
        (["show", "window"], 2, "study 'window' has 2 runs; name one of them: "),
        (["fold"], 2, "say which runs: their ids, the name of a study, or --all; got nothing"),
        (["check", "2", "--all"], 2, "say which runs"),
    ],
)
def test_a_name_that_means_nothing_or_too_much_is_one_sentence(
    command: Command, made: Runs, words: list[str], code: int, sentence: str
) -> None:
    ended = command(made.root, *words)
    assert (ended.code, ended.out, ended.err[: len(sentence)]) == (code, "", sentence)


def test_rm_asks_and_without_anybody_to_ask_refuses(
    command: Command, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    refused = command(runs.root, "rm", "window")
    told = removal.total(removal.plan([runs.hot.folder, runs.folded.folder]))
    assert (refused.code, refused.err) == (
        2,
        f"nobody is here to be asked whether {told} may go; add --yes, or --dry-run to look\n",
    )
    assert told.startswith("2 runs, 5 epochs, ")
    assert runs.folded.id in refused.out
    looked = command(runs.root, "rm", "window", "--dry-run")
    assert (looked.code, looked.out.splitlines()[-1]) == (0, f"Would remove {told}; nothing was removed.")
    for answer in (False, True):
        assert len(find_runs(runs.root)) == 4
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", lambda _, said=answer: said)
        ended = command(runs.root, "rm", "window")
        assert ended.code == 0
    assert ended.out.splitlines()[-1] == f"Removed {told}."
    assert len(find_runs(runs.root)) == 2


def test_ctrl_c_at_the_question_and_in_duckdb_ends_with_130(
    command: Command, made: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(_: object) -> None:
        raise typer.Abort

    def interrupt(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", press)
    ended = command(made.root, "rm", "window")
    assert (ended.code, ended.out.splitlines()[-1]) == (130, "Nothing was removed.")
    monkeypatch.setattr(listing, "row", interrupt)
    assert command(made.root, "list") == Ended(130, "", "Interrupted.\n")


def test_rm_removes_damaged_and_foreign_runs_and_none_where_one_is_at_work(
    command: Command, runs: Runs
) -> None:
    busy = make_run(runs.root, samples=20, epochs=1, state="running")
    ended = command(runs.root, "rm", runs.damaged.id, busy.id, "--yes")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"{busy.id} is at work, so nothing was removed; stop it on the page Runs")
    assert runs.damaged.folder.exists()
    ended = command(runs.root, "rm", runs.damaged.id, runs.foreign.id, "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert not runs.damaged.folder.exists()
    assert not runs.foreign.folder.exists()


def test_fold_says_what_it_took_and_that_there_was_nothing(command: Command, runs: Runs) -> None:
    ended = command(runs.root, "fold", "window")
    assert (ended.code, ended.err) == (0, "")
    said = sorted(ended.out.splitlines(), key=lambda line: "nothing" in line)
    assert re.fullmatch(
        rf"{runs.hot.id}: 3 epochs folded in .+: parts of .+kB, database of .+MB; the parts stay .+",
        said[0],
    )
    assert said[1] == f"{runs.folded.id}: nothing to fold"
    assert manifest.read_manifest(runs.hot.folder).folded == 2


def test_fold_beside_an_engine_takes_what_its_checkpoint_has(command: Command, runs: Runs) -> None:
    busy = make_run(runs.root, samples=20, epochs=3, state="running")
    ended = command(runs.root, "fold", busy.id)
    assert (ended.code, ended.out) == (
        0,
        f"{busy.id}: nothing to fold; 3 epochs without a checkpoint stay as parts\n",
    )
    (busy.checkpoints / "epoch-00002.pt").write_bytes(b"")
    ended = command(runs.root, "fold", busy.id)
    assert ended.out.startswith(f"{busy.id}: 2 epochs folded in ")
    assert manifest.read_manifest(busy.folder).folded == 1


def test_fold_all_names_what_it_cannot_fold_and_folds_the_rest(command: Command, runs: Runs) -> None:
    ended = command(runs.root, "fold", "--all")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 2
    assert all(run.id in ended.err for run in (runs.damaged, runs.foreign))
    assert manifest.read_manifest(runs.failed.folder).folded == 0


def test_check_of_good_runs_ends_with_0_and_says_how_much_was_verified(command: Command, made: Runs) -> None:
    ended = command(made.root, "check", "window")
    assert (ended.code, ended.err) == (0, "")
    assert f"{made.hot.id}: good, " in ended.out
    assert re.search(r"leftover  parts/ \(6 files\)  parts of epochs that are in the database", ended.out)
    assert re.match(
        r"2 runs, all good: \d+ files, 100 rows of history and .+ verified in ", ended.out.splitlines()[-1]
    )


def test_check_names_every_problem_with_its_file_and_ends_with_1(command: Command, runs: Runs) -> None:
    part = manifest.part_path(runs.hot.folder, "metrics", 1)
    part.write_bytes(part.read_bytes().replace(b"PAR1", b"PAR2"))
    ended = command(runs.root, "check", "--all")
    problems = [line for line in ended.out.splitlines() if line.startswith("problem ")]
    assert (ended.code, len(problems)) == (1, 3)
    assert ended.out.splitlines()[-1].startswith("5 runs, 3 runs with a problem: ")
    checked = {one["id"]: one for one in json.loads(command(runs.root, "check", "--all", "--json").out)}
    assert list(checked[runs.hot.id]) == ["id", "good", "files", "rows", "bytes", "seconds", "findings"]
    assert checked[runs.hot.id]["findings"] == [
        {
            "file": "parts/metrics-00001.parquet",
            "verdict": "problem",
            "sentence": "is no whole Parquet file; restore it from a copy, or delete the parts from epoch 1 "
            "on and resume the run",
        }
    ]
    assert [checked[run.id]["good"] for run in (runs.folded, runs.damaged, runs.foreign)] == [
        True,
        False,
        False,
    ]
