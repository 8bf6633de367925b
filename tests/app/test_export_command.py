"""The command export writes the tables of runs; what it cannot do it says in a sentence and an exit code."""

import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from app import cli
from store import files
from store.exporting import exports
from store.run import Run
from tests import synthetic

Command = Callable[..., tuple[object, str]]


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    """A run, one without an epoch, and a damaged one."""
    root = tmp_path / "runs"
    return [
        synthetic.make_run(root, samples=20, epochs=2),
        synthetic.make_run(root, samples=20, epochs=0, state="running"),
        synthetic.make_damaged_run(root),
    ]


@pytest.fixture
def export(runs: list[Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs undertow export beside the folder of the runs; returns its exit code and what it said."""
    monkeypatch.setenv("UNDERTOW_RUNS", str(runs[0].folder.parent))
    monkeypatch.chdir(runs[0].folder.parents[1])

    def run(*words: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["undertow", "export", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out + said.err

    return run


def test_the_tables_of_a_run_lie_in_a_file_or_folder_named_after_it(export: Command, runs: list[Run]) -> None:
    run = runs[0]
    for form in exports.FORMS:
        code, said = export(run.id, "--to", form)
        assert code == 0
        assert f"Written: {Path(exports.default_name(run, form)).absolute()} (" in said
    assert pq.read_table(f"{run.id}-parquet/history.parquet").num_rows == 40
    assert len(Path(f"{run.id}-csv/history.csv").read_text(encoding="utf-8").splitlines()) == 41
    with duckdb.connect(f"{run.id}.duckdb", read_only=True) as client:
        assert client.sql("SELECT id, last_epoch FROM run").fetchall() == [(run.id, 1)]


def test_several_runs_lie_side_by_side_and_a_damaged_one_is_named(export: Command, runs: list[Run]) -> None:
    Path("out").mkdir()
    code, said = export(*(run.id for run in runs), "--to", "csv", "--out", "out")
    assert code == 1
    assert f"parts/epoch-00001.parquet of run {runs[2].id} is missing" in said
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(
        exports.default_name(run, "csv") for run in runs[:2]
    )


def test_nothing_is_written_where_one_of_several_may_not_be(export: Command, runs: list[Run]) -> None:
    Path(exports.default_name(runs[1], "duckdb")).write_bytes(b"mine")
    code, said = export(runs[0].id, runs[1].id, "--to", "duckdb")
    place = Path(exports.default_name(runs[1], "duckdb")).absolute()
    assert code == 2
    assert said.endswith(f"{place} is there already; choose another --out or add --force\n")
    assert not Path(exports.default_name(runs[0], "duckdb")).exists()
    assert export(runs[0].id, runs[1].id, "--to", "duckdb", "--force")[0] == 0


def test_what_cannot_be_written_or_found_is_a_sentence_with_a_remedy(
    export: Command, runs: list[Run]
) -> None:
    begun, here = runs[0].id[:-1], Path().absolute()
    for words, sentence in (
        ((begun, "--out", "gone/a.html"), f"there is no folder {here}/gone; make it or choose another --out"),
        ((begun, "--out", "runs", "--force"), f"--out must be a file; got the folder {here}/runs"),
        (
            (begun, runs[1].id, "--to", "csv", "--out", "gone"),
            f"--out must be a folder that is there, for 2 exports; got {here}/gone",
        ),
        ((runs[1].id,), "no epoch is recorded yet; export the run after its first one"),
    ):
        code, said = export(*words)
        assert code == 2
        assert said.endswith(f"\n{sentence}\n")


def test_a_place_that_may_not_be_written_is_named(
    export: Command, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    code, said = export(runs[0].id, "--to", "kept-csv", "--out", "kept.csv")
    assert code == 2
    assert said.endswith("/kept.csv cannot be written (Permission denied); choose another --out\n")


def test_a_run_of_a_study_that_cannot_be_read_is_named_and_fails_the_export(
    export: Command, runs: list[Run]
) -> None:
    for run in (runs[0], runs[1]):
        config = run.config() | {"study": "both"}
        files.write_json(run.folder / "config.json", config)
    (runs[1].folder / "manifest.json").write_text('{"schema": 2}', encoding="utf-8")
    Path("out").mkdir()
    code, said = export("both", "--to", "csv", "--out", "out")
    assert code == 1
    assert f"run {runs[1].id} was written with schema version 2" in said


def test_ctrl_c_ends_with_130_and_leaves_nothing(
    export: Command, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "sync", press)
    code, said = export(runs[0].id, "--to", "parquet")
    assert code == 130
    assert said.endswith("Interrupted; nothing of the export in work is left.\n")
    assert [path.name for path in Path().iterdir()] == ["runs"]
