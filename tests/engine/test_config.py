"""The config: what exists is valid, and what is refused is said in a sentence."""

import json

import pytest

from engine import config
from engine.config import (
    DATASETS,
    MODELS,
    NOISES,
    OPTIMIZERS,
    POLICIES,
    STRATEGIES,
    TAILS,
    InvalidConfig,
    RunConfig,
)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("epochs=0", "epochs must be at least 1; got '0'"),
        ("epochs=many", "epochs must be a whole number; got 'many'"),
        ("epoch=3", "epoch is not a setting; remove it or correct its name"),
        ("model=resnet9", "model must be settings with a kind; got 'resnet9'"),
        (
            "model.kind=resnet9",
            "model must have a kind among 'resnet8', 'resnet8_wide', 'air_xs', 'air_s', 'timm'; "
            "got {'kind': 'resnet9'}",
        ),
        ("optimizer.learning_rate=nan", "optimizer.sgd.learning_rate must be a finite number; got 'nan'"),
        ("ema=1", "ema must be less than 1.0; got '1'"),
        ("strategy.keep=0.5", "strategy.everything.keep is not a setting; remove it or correct its name"),
        ("density.ef=10", "density: ef must be larger than k = 10, or the index cannot return k neighbours"),
        ("source.kind=image_folder", "source.image_folder.root must be given"),
        ("source.kind=image_parquet", "source.image_parquet.train must be given"),
        ("noise.kind=given", "noise.given.path must be given"),
        ("validation=0.6", "validation must be at most 0.5; got '0.6'"),
        ("nonsense", "--set must look like key=value; got 'nonsense'"),
    ],
)
def test_a_broken_rule_is_one_sentence(assignment, sentence):
    with pytest.raises(InvalidConfig) as refused:
        config.parse({}, [assignment])
    assert str(refused.value) == sentence


def test_every_broken_rule_is_named():
    with pytest.raises(InvalidConfig, match=r"epochs must be .*; batch_size must be "):
        config.parse({}, ["epochs=0", "batch_size=1"])


def test_an_unknown_kind_lists_the_known_ones():
    kinds = "'everything', 'random_subset', 'infobatch', 'rarity_only', 'consistency_only', 'joint'"
    with pytest.raises(InvalidConfig, match=f"strategy must have a kind among {kinds}"):
        config.parse({}, ["strategy.kind=jont"])


def test_no_strength_must_leave_images_alone():
    with pytest.raises(InvalidConfig, match=r"augmentation\.ranges must be monotone with policy none"):
        config.parse({}, ["policy.kind=none", "augmentation.ranges=torchvision"])
    assert config.parse({}, ["policy.kind=none"]).augmentation.ranges == "monotone"


def test_joint_selection_must_have_an_encoder():
    with pytest.raises(InvalidConfig, match="joint selection must have a consistency encoder"):
        config.parse({"strategy": {"kind": "joint"}, "consistency": {"kind": "none"}})


@pytest.mark.parametrize(
    "strategy", [["strategy.kind=rarity_only"], ["strategy.kind=consistency_only", "strategy.max_rarity=0.9"]]
)
def test_a_strategy_that_goes_by_rarity_must_have_neighbours(strategy):
    with pytest.raises(InvalidConfig, match=r"density\.index must not be none where .* set it to auto, or"):
        config.parse({}, [*strategy, "density.index=none"])
    assert config.parse({}, ["strategy.kind=consistency_only", "density.index=none"]).density.seeks is False


def test_without_neighbours_features_are_refreshed_for_maps_alone():
    without = config.parse({}, ["density.index=none", "maps.every=0"])
    assert [without.refreshes(epoch) for epoch in (0, 1, 5)] == [False] * 3
    for assignments in (["density.index=none"], ["maps.every=0"]):
        assert [config.parse({}, assignments).refreshes(epoch) for epoch in (0, 1, 5)] == [True, False, True]


def test_assignments_reach_into_parts_in_any_order():
    parsed = config.parse({}, ["strategy.keep=0.25", "strategy.kind=joint", "density.k=5"])
    assert parsed.strategy.kind == "joint"
    assert parsed.strategy.keep == 0.25
    assert parsed.density.k == 5
    assert parsed.density.m == RunConfig().density.m


def test_a_config_survives_the_file():
    parsed = config.parse({}, ["strategy.kind=joint", "policy.kind=sada", "noise.kind=symmetric", "seed=3"])
    assert config.parse(json.loads(parsed.model_dump_json())) == parsed


def test_a_config_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().epochs = 3


@pytest.mark.parametrize("kinds", [STRATEGIES, POLICIES, TAILS, NOISES, DATASETS, MODELS, OPTIMIZERS])
def test_every_kind_has_a_name_of_its_own_and_says_what_it_does(kinds):
    names = [kind.model_fields["kind"].default for kind in kinds]
    assert len(set(names)) == len(names)
    for kind in kinds:
        assert kind.__doc__
        for name, field in kind.model_fields.items():
            assert name == "kind" or field.description, f"{kind.__name__}.{name} has no description"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "must be a JSON file"),
        ("[1]", "must hold a JSON object of settings; got list"),
        ("\xff", "must be a JSON file"),
    ],
)
def test_a_file_that_is_no_config(tmp_path, content, sentence):
    path = tmp_path / "config.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidConfig, match=sentence):
        config.read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InvalidConfig, match="is not there; give the path of a JSON file"):
        config.read(tmp_path / "missing.json")
