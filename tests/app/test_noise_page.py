"""Noise as a page: verdicts by its buttons, what they become, and the quadrants of rare against noisy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import focus
from app.noise import suspects
from app.noise.suspects import QUADRANTS
from store import judgements, queries
from store.judgements import Judgement
from store.run import Run, find_runs
from tests.pages import charts, texts
from tests.synthetic import make_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    make_run(root, samples=60, epochs=8)
    return root


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Run:
    shutil.copytree(made, tmp_path / "runs")
    return find_runs(tmp_path / "runs")[0]


@pytest.fixture
def noise(page: Callable[..., AppTest], run: Run) -> AppTest:
    return page(run.folder.parent, "noise", run=run.id)


def worst(run: Run, count: int = 48) -> list[int]:
    return [int(sample_id) for sample_id in queries.suspects(run, "mean_rank", count).sample_id]


def test_a_verdict_is_kept_shown_and_followed_by_the_next_suspect(noise: AppTest, run: Run):
    first, second = worst(run, 2)
    assert f"Sample {first}, suspect 1; not judged yet" in texts(noise)
    noise.button(key="triage_H").click().run()
    assert judgements.judgements(run)[first].verdict == "hard"
    said = texts(noise)
    assert "1 of 48 judged" in said
    assert f"Sample {second}, suspect 2" in said
    assert 'data-verdict="hard"' in said
    assert noise.dataframe[0].value["verdict"].tolist()[:2] == ["hard", ""]


def test_noisy_takes_the_last_prediction_and_a_digit_another_class(noise: AppTest, run: Run):
    row = queries.suspects(run, "mean_rank", 2)
    noise.button(key="triage_N").click().run()
    assert judgements.judgements(run)[int(row.sample_id[0])][:2] == ("noisy", int(row.last_prediction[0]))
    taken = {int(row.label[1]), int(row.last_prediction[1])}
    other = next(label for label in range(10) if label not in taken)
    noise.button(key=f"triage_class_{other}").click().run()
    assert judgements.judgements(run)[int(row.sample_id[1])][:2] == ("noisy", other)
    noise.button(key="triage_class_X").click().run()
    assert judgements.judgements(run)[worst(run, 3)[2]][:2] == ("noisy", None)
    assert "3 judged: 3 noisy (2 with a class), 0 hard, 0 fine" in texts(noise)
    assert "1 noisy label has no class and stays as it is" in texts(noise)


def test_undo_takes_the_last_verdict_back_and_returns_to_it(noise: AppTest, run: Run):
    first, second = worst(run, 2)
    noise.button(key="triage_F").click().run()
    noise.button(key="triage_H").click().run()
    noise.button(key="triage_U").click().run()
    assert list(judgements.judgements(run)) == [first]
    assert f"Sample {second}, suspect 2; not judged yet" in texts(noise)
    noise.button(key="triage_U").click().run()
    assert judgements.judgements(run) == {}
    assert noise.button(key="triage_U").disabled


def test_all_can_be_cleared_and_brought_back(noise: AppTest, run: Run):
    for key in "HF":
        noise.button(key=f"triage_{key}").click().run()
    noise.button(key="triage_clear").click().run()
    assert judgements.judgements(run) == {}
    noise.button(key="triage_U").click().run()
    assert [one.verdict for one in judgements.judgements(run).values()].count("hard") == 1


def test_only_unjudged_passes_over_the_judged(noise: AppTest, run: Run):
    _, second, third = worst(run, 3)
    judgements.judge(run, {second: Judgement("fine")})
    noise.button(key="triage_J").click().run()
    assert f"Sample {second}, suspect 2; judged fine" in texts(noise)
    noise.button(key="triage_K").click().run()
    noise.toggle(key="triage_only_unjudged").set_value(True).run()
    noise.button(key="triage_J").click().run()
    assert f"Sample {third}, suspect 3; not judged yet" in texts(noise)


def test_a_damaged_file_is_said_and_nothing_is_judged(page: Callable[..., AppTest], run: Run):
    path = run.folder / "judgements.json"
    path.write_text("{")
    at = page(run.folder.parent, "noise", run=run.id)
    assert f"judgements.json of run {run.id} is damaged" in texts(at)
    assert "triage_N" not in {button.key for button in at.button}
    assert path.read_text() == "{"


def test_a_verdict_that_cannot_be_written_is_said(noise: AppTest, run: Run, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError("Permission denied: judgements.json")

    monkeypatch.setattr(judgements, "_write", refuse)
    noise.button(key="triage_F").click().run()
    assert "The verdict was not kept: Permission denied" in texts(noise)
    assert f"Sample {worst(run, 1)[0]}, suspect 1; not judged yet" in texts(noise)


def test_a_child_run_starts_from_the_settings_with_the_corrected_labels(noise: AppTest, run: Run):
    noise.button(key="triage_N").click().run()
    noise.button(key="train_child").click().run()
    file = next((run.folder / "corrections").glob("labels-*.parquet"))
    assert noise.session_state["clone"] == run.id
    cloned, changes = noise.session_state["clone_changes"]
    assert (cloned, changes["noise"]) == (
        run.id, {"kind": "given", "path": str(file), "given_are": "noisy"},
    )  # fmt: skip
    # As one more arm of its parent's study, with one seed, it would take away the study's verdict.
    assert (changes["study"], changes["name"].endswith(", corrected labels")) == ("", True)
    said = texts(noise)
    assert "Changed from" in said
    assert "noise.given_are" in said


def test_a_plain_clone_afterwards_has_no_corrections(monkeypatch: pytest.MonkeyPatch):
    session: dict[str, object] = {}
    monkeypatch.setattr(focus.st, "session_state", session)
    focus.clone("a", {"noise": {"kind": "none"}})
    assert focus.clone_changes() == {"noise": {"kind": "none"}}
    session["clone"] = "b"
    assert focus.clone_changes() == {}
    focus.clone("a")
    assert focus.clone_changes() == {}


def test_the_four_quadrants_hold_every_sample_once(run: Run):
    summary = queries.summary(run, columns=suspects.COLUMNS)
    ids = np.concatenate([suspects.inside(summary, quadrant) for quadrant in QUADRANTS])
    known = summary.dropna(subset=["last_rarity", "consistency"])
    assert sorted(ids) == known.sample_id.tolist()
    doubtful = suspects.inside(summary, QUADRANTS[3])
    rows = known[known.sample_id.isin(doubtful)]
    assert ((rows.last_rarity >= 0.5) & (rows.consistency < 0.5)).all()


def test_a_quadrant_becomes_the_selection_of_the_map(noise: AppTest, run: Run):
    expected = suspects.inside(queries.summary(run, columns=suspects.COLUMNS), QUADRANTS[0])
    noise.button(key="quadrant_0").click().run()
    assert list(noise.session_state["selection"]) == expected.tolist()


def test_grades_by_epoch_are_computed_when_they_are_opened(noise: AppTest):
    assert "Average precision by epoch" not in texts(noise)
    noise.session_state["noise_by_epoch"] = True
    noise.run()
    assert "Average precision by epoch" in texts(noise)
    assert len([alt for alt in charts(noise) if alt and "ends highest" in alt]) == 2
