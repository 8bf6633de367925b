"""The page Studies on runs made through the store: none, running, one seed, three; and its buttons."""

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import cached, launch
from app.studies import design, presets, start_card
from app.views import studies
from store import queries
from store.run import find_runs
from tests.pages import texts
from tests.synthetic import make_run, make_study

Page = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **__: None)


def make_preset_study(root: Path, *, seeds: int, last: str = "done") -> str:
    """The runs of the study of HNSW against exact; last: the state of the last one."""
    planned = design.runs(presets.preset("hnsw"), design.default_base(), range(seeds))
    for place, config in enumerate(planned):
        named = (f"study={config.study}", f"name={config.name}", f"seed={config.seed}")
        index = (f"density.index={config.density.index}", "strategy.kind=joint", "maps.every=0")
        state = last if place == len(planned) - 1 else "done"
        make_run(root, samples=20, epochs=3, settings=(*named, *index), state=state)
    return planned[0].study


def buttons(at: AppTest) -> dict[str, object]:
    return {button.label: button for button in at.button}


def test_empty_page_offers_the_presets_and_what_the_first_costs(page: Page, tmp_path: Path):
    at = page(tmp_path, "studies")
    assert at.radio(key="studies_preset").options == [preset.title for preset in presets.PRESETS]
    said = texts(at)
    assert "2 arms × 3 seeds = 6 runs" in said
    assert "no estimate yet" in said
    assert "Launch all 6 runs" in buttons(at)


@pytest.mark.parametrize("name", ["keep", "window", "adapters"])
def test_preset_can_be_launched_from_its_defaults(name: str, page: Page, tmp_path: Path):
    preset = presets.preset(name)
    at = page(tmp_path, "studies")
    at.radio(key="studies_preset").set_value(name).run()
    assert not at.exception
    assert not at.error
    assert preset.question in html.unescape(texts(at))
    amount = 3 * len(preset.arms)
    asks = "Yes, launch" if amount > start_card.MANY_RUNS else "Launch all"
    assert f"{asks} {amount} runs" in buttons(at)


def test_too_few_epochs_are_refused_with_the_rule_and_nothing_is_launched(page: Page, tmp_path: Path) -> None:
    at = page(tmp_path, "studies")
    (epochs,) = (number for number in at.number_input if number.label == "Epochs")
    epochs.set_value(3).run()
    assert "epochs must be at least 8 here; got 3" in " ".join(error.value.lower() for error in at.error)
    assert "Launch" not in " ".join(buttons(at))


def test_launch_queues_the_grid_once_and_turns_to_the_results(page: Page, tmp_path: Path):
    at = page(tmp_path, "studies")
    at.radio(key="studies_preset").set_value("hnsw").run()
    at.number_input(key="study_seeds").set_value(1).run()
    buttons(at)["Launch all 2 runs"].click().run()
    assert sorted(run.config()["name"] for run in find_runs(tmp_path)) == ["HNSW, seed 0", "exact, seed 0"]
    said = texts(at)
    assert "Too few seeds to tell yet: 2 more runs are to come." in said.replace("\\", "")
    assert "queued" in said


def test_settings_of_a_run_are_a_base(page: Page, tmp_path: Path):
    make_run(tmp_path, samples=20, epochs=9, settings=("batch_size=48", "name=mine"))
    at = page(tmp_path, "studies")
    run = find_runs(tmp_path)[0]
    at.selectbox(key="study_data").set_value(run.id).run()
    assert at.number_input(key=f"study_epochs_sada-sanity_{run.id}").value == 9
    assert at.number_input(key=f"study_batch_sada-sanity_{run.id}").value == 48


def test_running_study_shows_each_cell_and_can_be_stopped(page: Page, tmp_path: Path):
    name = make_preset_study(tmp_path, seeds=1, last="running")
    at = page(tmp_path, "studies")
    said = texts(at)
    assert name in said
    assert "1 of 2 runs done" in said
    assert re.search(r"<td>running \d+ %</td>", said)
    assert {"Stop all", "Compare"} <= set(buttons(at))
    assert "Resume" not in buttons(at)


def test_one_seed_is_too_few_and_the_button_queues_exactly_the_missing_runs(page: Page, tmp_path: Path):
    name = make_preset_study(tmp_path, seeds=1)
    at = page(tmp_path, "studies")
    assert "Too few seeds to tell (n = 1); queue 2 more seeds of each arm." in texts(at).replace("\\", "")
    buttons(at)["Queue 4 more runs"].click().run()
    configs = [run.config() for run in find_runs(tmp_path)]
    assert sorted((config["seed"], config["density"]["index"]) for config in configs) == [
        (seed, index) for seed in range(3) for index in ("exact", "hnsw")
    ]
    assert {config["study"] for config in configs} == {name}
    assert "Queue 4 more runs" not in buttons(at)


def test_three_seeds_give_a_verdict_with_its_interval_and_n(page: Page, tmp_path: Path):
    make_preset_study(tmp_path, seeds=3)
    at = page(tmp_path, "studies")
    said = texts(at).replace("\\", "")
    assert "exact against HNSW" in said
    assert "95 % interval" in said
    assert "n = 3 seeds" in said
    assert not [label for label in buttons(at) if label.startswith("Queue")]


def test_any_study_that_runs_name_is_shown(page: Page, tmp_path: Path):
    make_study(tmp_path, samples=20, epochs=2, seeds=2, name="mine")
    said = texts(page(tmp_path, "studies"))
    assert "mine" in said
    assert "joint 50 % + SADA against random 50 % + random strength" in said


def test_study_that_ended_early_can_be_resumed(page: Page, tmp_path: Path):
    make_preset_study(tmp_path, seeds=1, last="failed")
    at = page(tmp_path, "studies")
    buttons(at)["Resume"].click().run()
    assert sorted(run.status().state for run in find_runs(tmp_path)) == ["done", "queued"]


def test_only_the_studies_of_the_page_are_read_and_a_torn_run_is_said_in_its_place(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        make_run(tmp_path, samples=20, epochs=2, settings=(f"study=number {place}", f"name=run {place}"))
        for place in range(studies.STUDIES_A_PAGE + 1)
    ]
    newest, *_, oldest = find_runs(tmp_path)
    asked: list[str] = []
    monkeypatch.setattr(cached, "metrics", lambda run: asked.append(run.id) or queries.metrics(run))
    database = newest.folder / "run.duckdb"
    (database if database.exists() else newest.folder / "parts" / "epoch-00001.parquet").write_bytes(b"torn")
    at = page(tmp_path, "studies")
    assert set(asked) == {run.id for run in made} - {oldest.id}
    assert [error.value for error in at.error if newest.id in error.value]
    assert texts(at).count("1 of 1 run done") == studies.STUDIES_A_PAGE - 1
