"""The file of a study's results: whole enough to compute all of it again, small, and without our paths."""

import json
from pathlib import Path

import pytest

from app.studies import design, presets, results, results_file, telling
from app.studies.members import Member
from app.studies.results import Outcome
from engine.config import RunConfig, parse
from store import queries
from tests.synthetic import make_run

ELSEWHERE = "/home/me/sets/train.parquet"


def made(root: Path, name: str = "hnsw", seeds: int = 3) -> tuple[RunConfig, Outcome]:
    """A finished study on runs that were written by hand, and what it was asked on."""
    preset = presets.preset(name)
    base = design.default_base().model_copy(update={"epochs": preset.epochs})
    planned = design.runs(preset, base, range(seeds))
    kept = ("strategy.kind=joint", "maps.every=0")
    members = []
    for one in planned:
        own = (f"study={one.study}", f"name={one.name}", f"seed={one.seed}")
        run = make_run(root, samples=20, epochs=3, settings=(*kept, *own))
        members.append(Member(run, run.config(), run.status(), queries.metrics(run), run.about()))
    study = planned[0].study
    return base, results.outcome(study, members, results.measured(study, members))


def written(root: Path, name: str = "hnsw", seeds: int = 3) -> dict:
    base, found = made(root, name, seeds)
    return json.loads(results_file.text(results_file.content(presets.preset(name), base, found)))


def test_all_that_is_said_follows_from_the_values_by_seed(tmp_path: Path):
    _, found = made(tmp_path)
    again = results_file.outcome(written(tmp_path / "again"))
    assert [dict(arm.values) for arm in again.arms] == [dict(arm.values) for arm in found.arms]
    assert again.compared == found.compared
    assert telling.verdict(again) == telling.verdict(found)
    content = written(tmp_path / "once more")
    assert results_file.summary(again) == {key: content[key] for key in results_file.summary(again)}


def test_a_value_that_was_changed_afterwards_is_found_out(tmp_path: Path):
    content = written(tmp_path)
    content["arms"][0]["values"]["test_accuracy"][1] += 0.001
    stated = {key: content[key] for key in ("reached", "comparisons", "verdict", "answer")}
    assert results_file.summary(results_file.outcome(content)) != stated


def test_each_seed_has_every_measure_and_its_seconds(tmp_path: Path):
    content = written(tmp_path, seeds=2)
    names = {"test_accuracy", "kept_agreement", "neighbour_cost", "backpropagated"}
    for arm in content["arms"]:
        assert set(arm["values"]) == names
        lists = [*arm["values"].values(), arm["seconds"], arm["seconds_training"], arm["seconds_consistency"]]
        assert [len(values) for values in lists] == [2] * len(lists)
    assert content["verdict"][0].startswith("Too few seeds to tell (n")
    assert content["comparisons"][0]["p_holm"] is None


def test_a_study_of_classes_tells_the_strength_of_each(tmp_path: Path):
    content = written(tmp_path, "long-tail", seeds=1)
    classes = len(content["classes"]["names"])
    assert sum(content["classes"]["sizes"]) == 20
    assert [[len(by_class) for by_class in arm["strength"]] for arm in content["arms"]] == [[classes]] * 3


def test_the_file_is_small_and_says_where_and_when_it_was_made(tmp_path: Path):
    base, found = made(tmp_path, "keep")
    text = results_file.text(results_file.content(presets.preset("keep"), base, found))
    assert len(text.encode()) < 20_000
    content = json.loads(text)
    assert content["format"] == results_file.FORMAT
    assert content["study"] == design.study_name(presets.preset("keep"), base)
    assert content["date"].count("-") == 2
    assert "machines" in content and "commits" in content


def test_settings_are_those_that_differ_and_make_the_base_again():
    changes = (
        "source.kind=fashion_mnist", "subset.share=0.2", "noise.kind=symmetric", "noise.share=0.4",
        "model.kind=air_xs", "epochs=12", "maps.every=0", "strategy.kind=joint",
    )  # fmt: skip
    base = parse({}, changes)
    told = results_file.settings(base)
    assert told == dict(change.split("=") for change in changes)
    assert parse({}, [f"{name}={value}" for name, value in told.items()]) == base


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (ELSEWHERE, "train.parquet"),
        ("~/sets/train.parquet", "train.parquet"),
        ("../train-*.parquet", "train-*.parquet"),
        ("sets/train.parquet", "sets/train.parquet"),
    ],
)
def test_no_path_of_a_machine_is_told(given: str, told: str):
    base = parse({}, ["source.kind=image_parquet", f"source.train={given}", "source.test=test.parquet"])
    assert results_file.settings(base)["source.train"] == told
    assert results_file.base_key(results_file.settings(base)) == results_file.base_key(
        {"source.kind": "image_parquet", "source.train": told, "source.test": "test.parquet"}
    )


def test_a_local_encoder_is_told_by_its_folder_and_one_of_a_hub_by_its_name():
    clip = parse({}, ["consistency.kind=open_clip", "consistency.model=local-dir:/home/me/clip"])
    assert results_file.settings(clip)["consistency.model"] == "local-dir:clip"
    hub = parse({}, ["consistency.kind=open_clip", "consistency.model=hf-hub:timm/clip"])
    assert results_file.settings(hub)["consistency.model"] == "hf-hub:timm/clip"
