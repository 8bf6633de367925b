"""What a person finds on each page: the finding, a failure, a reason, a neighbour, a suspect."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import cached, launch
from app.exporting import export
from app.noise import suspects
from store import queries
from store.run import Run, find_runs
from tests.pages import charts, texts
from tests.synthetic import JOINT, make_damaged_run, make_run

# ---- runs


def test_runs_show_state_epochs_accuracy_and_cost(page: Callable[..., AppTest], tmp_path: Path):
    run = make_run(tmp_path, samples=60, epochs=20)
    said = texts(page(tmp_path))
    # The warm-up trains on all 60, 19 epochs on 30 each: 630 of 1,200.
    accuracy = queries.metrics(run)["test_accuracy"].iloc[-1]
    for expected in (
        "20 of 20 epochs",
        ">done<",
        f"{accuracy:.1%}".replace("%", " %"),
        ">630<",
        "47.5 %",
        "10 % flipped",
    ):
        assert expected in said


def test_a_link_to_a_run_that_is_gone_says_which_one_is_shown_instead(
    page: Callable[..., AppTest], tmp_path: Path
) -> None:
    make_run(tmp_path, samples=20, epochs=2, settings=("name=mine",))
    at = page(tmp_path, run="20200101-000000-000000")
    assert "There is no run 20200101-000000-000000 here any more; mine is shown" in at.toast[0].value.replace(
        "\\", ""
    )
    assert not at.run().toast


def test_a_finished_study_opens_with_its_finding(page: Callable[..., AppTest], study_root: Path):
    at = page(study_root)
    said = texts(at)
    assert "Labelled " in said
    assert "Its true label is" in said
    assert "is below the cut of" in said
    assert "Methods compared" in said
    at.button(key="finding_open").click().run()
    assert at.session_state["sample"] is not None
    assert at.title[0].value == "Samples"


def test_a_study_that_trains_says_what_is_coming(page: Callable[..., AppTest], tmp_path: Path):
    settings = (*JOINT, "study=demo")
    make_run(tmp_path, samples=30, epochs=3, settings=settings)
    make_run(tmp_path, samples=30, epochs=3, settings=settings, state="running")
    said = texts(page(tmp_path))
    assert "1 of 2 runs done" in said
    assert "a mislabelled image, and see why selection dropped it" in said
    assert "training, 43 %" in said
    assert "1 more run is to come" in said


def test_a_failed_run_shows_the_sentence_and_the_line_that_failed(
    page: Callable[..., AppTest], tmp_path: Path
):
    make_run(tmp_path, samples=30, epochs=3, state="failed")
    at = page(tmp_path)
    assert at.error[0].value == "ran out of memory; lower batch_size"
    assert "MemoryError: batch of 64" in at.code[0].value


def test_a_damaged_run_says_what_is_wrong_and_can_be_deleted_beside_the_others(
    page: Callable[..., AppTest], tmp_path: Path
):
    healthy = make_run(tmp_path, samples=20, epochs=3)
    damaged = make_damaged_run(tmp_path)
    damaged.write_status(state="queued")
    at = page(tmp_path)
    assert [error.value for error in at.error] == [
        f"parts/epoch-00001.parquet of run {damaged.id} is missing though later ones are there; restore it "
        "from a copy, or delete the later parts and resume the run"
    ]
    assert "3 of 3 epochs" in texts(at)
    assert {title[-len(healthy.id) :] for title in at.selectbox(key="run_picker").options} == {
        healthy.id,
        damaged.id,
    }
    assert at.session_state["run"] == healthy.id
    at.button(key=f"delete_{damaged.id}").click().run()
    assert not at.error
    assert find_runs(tmp_path) == [healthy]


def test_a_damaged_run_of_the_study_does_not_hide_the_overview_of_another(
    page: Callable[..., AppTest], tmp_path: Path
):
    healthy = make_run(tmp_path, samples=20, epochs=3, settings=(*JOINT, "study=pair"))
    damaged = make_run(tmp_path, samples=20, epochs=3, settings=(*JOINT, "study=pair"), state="stopped")
    (damaged.folder / "parts" / "epoch-00001.parquet").unlink()
    assert not page(tmp_path, "overview", run=healthy.id).error


def test_buttons_do_what_launch_does(
    page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    called: list[tuple[str, str]] = []
    for action in ("stop", "resume", "delete"):
        monkeypatch.setattr(launch, action, lambda run, action=action: called.append((action, run.id)))
    queued = make_run(tmp_path, epochs=0, state="queued")
    stopped = make_run(tmp_path, epochs=2, state="stopped")
    at = page(tmp_path)
    at.button(key=f"stop_{queued.id}").click().run()
    at.button(key=f"resume_{stopped.id}").click().run()
    at.button(key=f"delete_{stopped.id}").click().run()
    assert called == [("stop", queued.id), ("resume", stopped.id), ("delete", stopped.id)]


def test_a_queue_that_nothing_works_on_says_so_and_is_started_again(
    page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started: list[Path] = []
    monkeypatch.setattr(launch, "ensure_supervisor", started.append)
    make_run(tmp_path, epochs=0, state="queued")
    at = page(tmp_path)
    assert "1 run waiting, but nothing works on the queue" in at.warning[0].value
    assert not started
    at.button(key="start_queue").click().run()
    assert started == [tmp_path]


def test_names_of_runs_are_text_and_nothing_else(page: Callable[..., AppTest], tmp_path: Path):
    evil = "<script>alert(1)</script>"
    run = make_run(tmp_path, samples=30, epochs=1, settings=(f"name={evil}", f"study={evil}"))
    for view in ("runs", "overview"):
        at = page(tmp_path, view, run=run.id)
        assert all(evil not in element.proto.body for element in at.get("html"))


# ---- overview


def test_overview_draws_the_run_and_its_settings(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "overview", run=joint.id, epoch=5)
    assert [metric.label for metric in at.metric] == [
        "Test accuracy",
        "Kept in the last epoch",
        "Saved",
        "Time",
    ]
    assert at.metric[1].value == "30"
    assert len(charts(at)) == 9
    assert "Strength in epoch 5" in texts(at)
    assert "EfficientNet-Lite0" in texts(at)


# ---- samples


def test_a_sample_shows_why_its_numbers_and_its_neighbours(page: Callable[..., AppTest], joint: Run):
    why = queries.why(joint, 5, 9)
    at = page(joint.folder.parent, "samples", run=joint.id, sample=5, epoch=9)
    said = texts(at)
    assert f"ranked {why.rank} of 60" in said
    assert "How its strength came about" in said
    assert "Nearest in feature space" in said
    assert said.count('href="/samples?run=') == 10
    assert len(charts(at)) == 3


def test_arrows_step_through_the_chosen_list(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "samples", run=joint.id, ids="30,4,17")
    at.segmented_control[0].set_value("Selection").run()
    assert at.session_state["sample"] == 30
    at.button(key="samples_step_J").click().run()
    assert at.session_state["sample"] == 4
    assert at.number_input[0].value == 4
    at.button(key="samples_step_K").click().run()
    assert at.session_state["sample"] == 30
    assert at.button(key="samples_step_K").disabled


def test_a_link_to_a_sample_wins_over_the_list(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "samples", run=joint.id, ids="30,4")
    at.segmented_control[0].set_value("Selection").run()
    at.query_params["sample"] = "11"
    at.run()
    assert at.session_state["sample"] == 11
    assert "not one of the 2 in the list" in texts(at)


def test_a_sample_beyond_the_data_is_not_looked_at(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "samples", run=joint.id, sample=60)
    assert at.session_state["sample"] == queries.suspects(joint, "mean_rank", 1)["sample_id"][0]


# ---- noise


def test_suspects_are_those_of_the_store(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "noise", run=joint.id)
    expected = queries.suspects(joint, "mean_rank", 60)
    assert at.dataframe[0].value["sample_id"].tolist() == expected["sample_id"].tolist()
    flipped = int((expected.head(48)["label"] != expected.head(48)["true_label"]).sum())
    assert f"Top 48 suspects: {flipped} have a flipped label" in texts(at)
    grade = queries.detection(joint, "mean_rank")
    assert f"AUROC {grade.auroc:.3f}" in texts(at) or grade.auroc == 1


def test_another_ranking_reorders_the_suspects(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "noise", run=joint.id)
    at.segmented_control[0].set_value("Consistency").run()
    expected = queries.suspects(joint, "consistency", 60)["sample_id"]
    assert at.dataframe[0].value["sample_id"].tolist() == expected.tolist()


def test_without_known_noise_no_ranking_is_graded(page: Callable[..., AppTest], tmp_path: Path):
    run = make_run(tmp_path, samples=30, epochs=3, settings=("strategy.kind=joint",))
    said = texts(page(tmp_path, "noise", run=run.id))
    assert "no ranking can be graded here" in said
    assert "AUROC" not in said


def test_exports_can_be_read_back(page: Callable[..., AppTest], joint: Run):
    page(joint.folder.parent, "noise", run=joint.id)
    ranked = suspects.ranked(cached.summary(joint, 19), "mean_loss")
    table = export.suspects(ranked, by="mean_loss", run_id=joint.id, config=joint.config(), epoch=19)
    back = pd.read_parquet(BytesIO(export.parquet(table)))
    assert len(back) == 60
    assert set(back["ranked_by"]) == {"mean_loss"}
