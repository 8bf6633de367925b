"""The section Samples of the Ablations page: what it draws, what it refuses, and what its parts share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.map import keyframes
from app.sample_level import differing_card
from app.sample_level.moderated import Moderated, Prior
from store.run import Run, find_runs
from tests.pages import charts, texts
from tests.synthetic import JOINT, RANDOM_HALF, make_run

SAMPLES = 60
LIFTED = (*JOINT, "policy.scaling=percentile")  # strengths above those drawn evenly, for most samples
RARITY = ("strategy.kind=rarity_only", "noise.kind=symmetric")
Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    for method in (LIFTED, RANDOM_HALF):
        for seed in range(3):
            settings = (*method, "study=demo", f"seed={seed}")
            make_run(folder, samples=SAMPLES, epochs=12, settings=settings)
    return folder


@pytest.fixture
def section(page: Open) -> Open:
    def opened(folder: Path, **parameters: object) -> AppTest:
        return page(folder, "ablations", section="sample_level", **parameters)

    return opened


def maps(at: AppTest) -> list[dict[str, Any]]:
    sent = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    return [content for content in sent if isinstance(content, dict) and "colouring" in content]


def study(folder: Path, *methods: tuple[str, ...], seeds: int = 1, samples: int = SAMPLES) -> list[Run]:
    return [
        make_run(folder, samples=samples, epochs=4, settings=(*method, "study=demo", f"seed={seed}"))
        for method in methods
        for seed in range(seeds)
    ]


def test_flips_are_said_beside_the_noise_floor(root: Path, section: Open):
    at = section(root)
    said = texts(at)
    assert "disagree on **" in said
    assert "the noise floor" in said
    assert "3 and 3 seeds, compared as independent samples; n = 60 samples tested" in said
    assert any("disagree on" in alt for alt in charts(at))
    shown = at.dataframe[0].value
    assert shown["q"].is_monotonic_increasing
    assert np.allclose(shown["a"] - shown["b"], shown["difference"], atol=1e-5)


def test_a_shift_that_all_samples_share_can_be_taken_off(root: Path, section: Open):
    plain, centred = (section(root, by="mean_strength", shift=shift) for shift in ("", "1"))
    assert abs(plain.dataframe[0].value["difference"].median()) > 0.05
    assert abs(centred.dataframe[0].value["difference"].median()) < 0.05
    assert "mean A − B" in texts(plain)


def test_seeds_that_agree_on_every_sample_are_no_noise_floor(tmp_path: Path, section: Open):
    both = [("strategy.kind=everything", f"policy.kind={kind}") for kind in ("none", "sada")]
    study(tmp_path, *both, seeds=2)
    assert "the seeds of each group agree on every sample" in texts(section(tmp_path, by="kept_share"))


def test_finds_are_said_beside_those_of_exchanged_seeds(root: Path, section: Open):
    said = texts(section(root, by="mean_strength"))
    assert "exchanged between the groups (9 ways), the test finds" in said


def test_the_gallery_links_to_the_samples_of_a(root: Path, section: Open):
    at = section(root)
    first = int(at.dataframe[0].value["sample_id"].iloc[0])
    assert f"sample={first}" in texts(at)


def test_kept_sets_stand_beside_seeds_and_chance(root: Path, section: Open):
    at = section(root, part="kept", epoch=11)
    said = texts(at)
    assert "Epoch 11: a seed of A and one of B overlap by" in said
    assert "two seeds of A" in said
    assert "random sets 0.333" in said  # halves: 1/4 of all shared, of 3/4


def test_kept_sets__a_group_that_keeps_everything(tmp_path: Path, section: Open):
    study(tmp_path, JOINT, ("noise.kind=symmetric",), seeds=2)
    assert "keeps every sample in every epoch" in texts(section(tmp_path, part="kept"))


def test_histories_begin_with_the_top_flip(root: Path, section: Open):
    top = int(section(root).dataframe[0].value["sample_id"].iloc[0])
    at = section(root, part="histories")
    assert f"**Sample {top}**" in texts(at)
    assert charts(at) == [f"Histories of sample {top}"]


def test_histories_of_another_sample(root: Path, section: Open):
    at = section(root, part="histories", of=33, signals="loss,strength")
    assert "**Sample 33**" in texts(at)
    assert list(at.multiselect(key="pick_signals").value) == ["loss", "strength"]


def test_both_maps_share_epoch_selection_and_scale(root: Path, section: Open):
    at = section(root, part="maps", epoch=7, ids="3,4", colour="loss")
    one, other = maps(at)
    assert (one["epoch"], other["epoch"]) == (7, 7)
    assert one["selection"] == other["selection"]
    assert (one["colouring"]["low"], one["colouring"]["high"]) == (
        other["colouring"]["low"],
        other["colouring"]["high"],
    )
    assert (one["has_bar"], other["has_bar"], one["pair"]) == (True, False, other["pair"])
    assert one["urls"]["values"].split("&low=")[1] == other["urls"]["values"].split("&low=")[1]
    assert "**2 samples selected.** In epoch 7 A keeps" in texts(at)


def test_a_lasso_in_one_map_selects_in_both(root: Path, section: Open):
    at = section(root, part="maps")
    corners = [[-99.0, -99.0], [0.0, -99.0], [0.0, 99.0], [-99.0, 99.0]]
    at.session_state["map_b"] = {"choice": {"polygon": corners, "epoch": 4, "serial": 1}}
    at.run()
    b = next(run for run in find_runs(root) if run.config()["strategy"]["kind"] == "random_subset")
    frames = keyframes.keyframes(b, b.data_version())
    assert 0 < len(at.session_state["selection"]) < SAMPLES
    assert set(at.session_state["selection"]) <= set(frames.ids.tolist())
    one, other = maps(at)
    assert one["selection"] == other["selection"]
    assert (one["serial"], other["serial"]) == (None, 1)


def test_the_epoch_of_one_map_is_that_of_both(root: Path, section: Open):
    at = section(root, part="maps")
    at.session_state["map_a"] = {"moment": {"epoch": 2, "serial": 5}}
    at.run()
    assert [content["epoch"] for content in maps(at)] == [2, 2]


def test_one_group_alone_says_what_is_missing(tmp_path: Path, section: Open):
    study(tmp_path, JOINT)
    assert "One group alone" in texts(section(tmp_path))


def test_one_seed_is_too_few(tmp_path: Path, section: Open):
    study(tmp_path, JOINT, RARITY)
    said = texts(section(tmp_path))
    assert "Too few seeds" in said
    assert "there is no noise floor" in said


def test_two_seeds_are_weak(tmp_path: Path, section: Open):
    study(tmp_path, JOINT, RARITY, seeds=2)
    assert "2 seeds are a weak basis" in texts(section(tmp_path, by="mean_margin"))


@pytest.fixture(scope="module")
def other_labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other_labels")
    study(folder, JOINT, (*JOINT, "noise.share=0.4"))
    return folder


@pytest.mark.parametrize("part", ["flips", "kept", "histories", "maps"])
def test_other_labels_are_refused(other_labels: Path, section: Open, part: str):
    said = texts(section(other_labels, part=part))
    assert "were not trained on the same samples: they differ in label noise" in said


def test_another_number_of_samples_is_refused(tmp_path: Path, section: Open):
    study(tmp_path, JOINT)
    study(tmp_path, RARITY, samples=50)
    assert "were not trained on the same samples: one has" in texts(section(tmp_path))


def test_runs_of_different_length_are_compared_up_to_the_shorter(tmp_path: Path, section: Open):
    study(tmp_path, JOINT, seeds=2)
    make_run(tmp_path, samples=SAMPLES, epochs=3, settings=(*RARITY, "study=demo", "seed=0"), state="running")
    make_run(tmp_path, samples=SAMPLES, epochs=3, settings=(*RARITY, "study=demo", "seed=1"), state="running")
    assert "epochs 0 to 2" in texts(section(tmp_path, by="mean_margin"))


@pytest.mark.parametrize(
    ("ways", "says"),
    [
        (
            [0, 0, 1],
            "at most 5 % of them expected to be false. With seeds exchanged between the groups (3 ways)",
        ),
        ([9, 0, 3], "of which about 4.00 are false**: with seeds exchanged between the groups"),
        ([0, 20, 0], "**but chance does as much**"),
    ],
)
def test_finds_that_exchanged_seeds_make_too_are_called_chance(ways: list[int], says: str):
    q = np.where(np.arange(100) < 20, 0.01, 1.0)
    found = Moderated(q, q, q, q, Prior(1.0, 2.0), 4.0)
    told = differing_card.sentence(found, 0.05, np.array(ways), seeds=3).replace("\N{NO-BREAK SPACE}", " ")
    assert "**20 samples differ** of 100 tested" in told
    assert says in told
