"""Reports: everything is inside one file, nothing of a name runs in it, and its numbers are the runs' own."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from app import cli
from app.exporting import of_groups, of_run
from app.studies import reading
from store import queries
from store.run import Run, find_runs
from tests import synthetic

_EVIL = "</script><script>alert(1)</script>"


@pytest.fixture
def report(joint: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("UNDERTOW_RUNS", str(joint.folder.parent))
    return of_run.report(joint)


@pytest.fixture
def comparison(study_root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("UNDERTOW_RUNS", str(study_root))
    return of_groups.report("demo", reading.read(find_runs(study_root))[0])


def own_text(html: str) -> str:
    """The file without plotly's code, which names addresses that it never asks for."""
    return re.sub(r"<script>/\*\*.*?</script>", "", html, count=1, flags=re.DOTALL)


def drawings(html: str) -> list[dict[str, object]]:
    return [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html)]


def test_nothing_of_a_report_is_elsewhere(report: str, comparison: str) -> None:
    for html in (report, comparison):
        places = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", own_text(html))
        assert places
        assert all(place.startswith("data:") for place in places)


def test_a_run_is_told_with_its_charts_suspects_and_settings(report: str, joint: Run) -> None:
    assert len(drawings(report)) == 9
    accuracy = float(queries.metrics(joint).test_accuracy.iloc[-1])
    assert f'<dd title="{100 * accuracy:.1f}\N{NO-BREAK SPACE}%">' in report
    assert report.count("<figure>") == of_run.SUSPECTS
    assert joint.id in report
    assert "&quot;strategy&quot;" in report


def test_a_comparison_begins_with_its_verdict_and_n(comparison: str, study_root: Path) -> None:
    runs = [run for run in find_runs(study_root) if run.config()["strategy"]["kind"] == "joint"]
    values = [100 * float(queries.metrics(run).test_accuracy.iloc[-1]) for run in runs]
    spread = f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}\N{NO-BREAK SPACE}%"
    assert spread in comparison
    assert re.search(r"<p><b>[^<]*n\s=\s3\sseeds", comparison)
    assert all(run.id in comparison for run in runs)
    assert len(drawings(comparison)) == 3


def test_a_name_cannot_run_in_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_RUNS", str(tmp_path))
    settings = (*synthetic.JOINT, f"name={_EVIL}", f"study={_EVIL}")
    run = synthetic.make_run(tmp_path, samples=20, epochs=3, settings=settings)
    for html in (of_run.report(run), of_groups.report(_EVIL, reading.read([run])[0])):
        assert "<script>alert" not in html


def test_a_comparison_needs_an_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_RUNS", str(tmp_path))
    run = synthetic.make_run(tmp_path, state="queued")
    with pytest.raises(ValueError, match="needs a run with at least one epoch"):
        of_groups.report("none", reading.read([run])[0])


@pytest.fixture
def export(
    study_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Runs undertow export in an empty folder; returns its exit code and what it said."""
    monkeypatch.setenv("UNDERTOW_RUNS", str(study_root))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["undertow", "export", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, " ".join((said.out + said.err).split())

    return run


def test_export_writes_a_run_and_does_not_overwrite_it(export, joint: Run, tmp_path: Path) -> None:
    code, said = export(joint.id)
    path = tmp_path / f"report-{joint.id}.html"
    assert code == 0
    assert str(path) in said
    assert path.read_text().startswith("<!doctype html>")
    assert export(joint.id)[0] == 2
    assert export(joint.id, "--force")[0] == 0


def test_export_writes_a_study_as_a_comparison(export, tmp_path: Path) -> None:
    assert export("demo", "--out", "compared.html")[0] == 0
    assert "<h1>demo</h1>" in (tmp_path / "compared.html").read_text()


def test_export_writes_the_ids_that_epochs_trained_on(export, joint: Run, tmp_path: Path) -> None:
    assert export(joint.id, "--to", "kept-npz", "--out", "kept.npz")[0] == 0
    with np.load(tmp_path / "kept.npz") as file:
        kept = file["selected"].sum(axis=1)
    np.testing.assert_array_equal(kept, queries.metrics(joint).kept)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("nosuch",), 1, "begins with 'nosuch' and no study is called so; undertow runs list"),
        (("demo", "--to", "kept-csv"), 2, "must be of one run; got 6"),
    ],
)
def test_export_refuses_in_a_sentence(export, words: tuple[str, ...], code: int, sentence: str) -> None:
    ended, said = export(*words)
    assert ended == code
    assert sentence in said
