"""The preset studies: every arm is valid, differs in what it names, and costs the same where that is said."""

import re

import pytest

from app import naming
from app.studies import design, measures, presets
from app.studies.design import Preset
from engine.config import InvalidConfig, RunConfig, parse
from engine.selection.budget import BudgetSettings

every_preset = pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.name)


GIVEN = {"none": (), "given": ("noise.path=labels.csv",)}


def base_of(preset: Preset, **changed: object) -> RunConfig:
    return design.default_base().model_copy(update={"epochs": preset.epochs, **changed})


def by_arm(preset: Preset, base: RunConfig) -> dict[str, RunConfig]:
    made = design.runs(preset, base, [0])
    return {arm.label: config for arm, config in zip(preset.arms, made, strict=True)}


def changed(one: RunConfig, other: RunConfig) -> set[str]:
    """The first part of the address of each setting that differs, the name of the run aside."""
    flat = [naming.flat(config.model_dump(mode="json", exclude={"name"})) for config in (one, other)]
    return {key.split(".")[0] for key in {*flat[0], *flat[1]} if flat[0].get(key) != flat[1].get(key)}


@every_preset
def test_each_arm_differs_from_the_first_in_what_it_names_and_in_nothing_else(preset: Preset):
    arms = by_arm(preset, base_of(preset))
    first, *others = preset.arms
    for arm in others:
        named = {change.partition("=")[0].split(".")[0] for change in (*first.changes, *arm.changes)}
        found = changed(arms[first.label], arms[arm.label])
        assert found
        assert found <= named


@every_preset
def test_each_change_is_in_the_settings_of_its_arm(preset: Preset):
    arms = by_arm(preset, base_of(preset))
    for arm in preset.arms:
        settings = naming.flat(arms[arm.label].model_dump(mode="json"))
        for change in (*preset.defaults, *preset.fixed, *arm.changes):
            address, _, value = change.partition("=")
            assert settings[address] in (value, f"{value}.0"), change


@every_preset
def test_arms_that_claim_one_budget_keep_equally_many_samples(preset: Preset):
    def budget(config: RunConfig) -> object:
        chosen = config.strategy
        if isinstance(chosen, BudgetSettings):
            return tuple(getattr(chosen, name) for name in BudgetSettings.model_fields)
        return chosen.kind

    base = base_of(preset, strategy=parse({}, ["strategy.kind=joint", "strategy.keep=0.3"]).strategy)
    budgets = {budget(config) for config in by_arm(preset, base).values()}
    assert (len(budgets) == 1) == preset.same_budget


@every_preset
def test_a_preset_compares_its_own_arms_by_a_measure_that_exists(preset: Preset):
    labels = [arm.label for arm in preset.arms]
    assert len(labels) == len(set(labels))
    assert {name for pair in preset.comparisons() for name in pair} <= {*labels, ""}
    assert {preset.measure, *preset.beside} <= set(measures.MEASURES)
    assert preset.question.endswith("?")
    assert re.search(r"arXiv|ours", preset.citation)


@every_preset
def test_the_name_of_a_study_leads_back_to_its_preset_and_is_the_same_for_other_seeds(preset: Preset):
    base = base_of(preset)
    names = {config.study for seeds in ([0], [4, 5]) for config in design.runs(preset, base, seeds)}
    assert names == {design.study_name(preset, base)}
    assert presets.preset_of(names.pop()) is preset


def test_another_base_is_another_study():
    window = presets.preset("window")
    names = {design.study_name(window, base_of(window, batch_size=size)) for size in (32, 64)}
    assert len(names) == 2


def test_arms_of_a_seed_stand_before_the_next_seed():
    hnsw = presets.preset("hnsw")
    assert [config.name for config in design.runs(hnsw, base_of(hnsw), [7, 8])] == [
        "HNSW, seed 7",
        "exact, seed 7",
        "HNSW, seed 8",
        "exact, seed 8",
    ]


def test_what_is_drawn_apart_from_the_seed_follows_it_where_it_would_repeat_itself():
    adapters = presets.preset("adapters")
    made = design.runs(adapters, base_of(adapters), [3])
    assert {(config.noise.seed, config.consistency.adapters.seed) for config in made} == {(3, 3)}


@every_preset
def test_wrong_labels_of_the_base_are_drawn_anew_for_each_seed_alike_in_all_arms(preset: Preset):
    base = base_of(preset, noise=parse({}, ["noise.kind=symmetric", "noise.share=0.4"]).noise)
    made = design.runs(preset, base, [3, 4])
    assert {(config.seed, config.noise.seed, config.noise.share) for config in made} == {
        (3, 3, 0.4),
        (4, 4, 0.4),
    }


@pytest.mark.parametrize("kind", ["none", "given"])
def test_labels_that_are_not_drawn_need_no_seed(kind: str):
    base = base_of(presets.preset("hnsw"), noise=parse({}, [f"noise.kind={kind}", *GIVEN[kind]]).noise)
    assert {config.noise for config in design.runs(presets.preset("hnsw"), base, [3])} == {base.noise}


def test_what_the_base_has_of_its_own_is_kept_and_a_default_stands_where_it_has_none():
    noisy, tailed = presets.preset("noisy-labels"), presets.preset("long-tail")
    own = ["noise.kind=asymmetric", "noise.share=0.3", "tail.kind=step", "tail.factor=4"]
    base = base_of(noisy).model_copy(
        update={part: getattr(parse({}, own), part) for part in ("noise", "tail")}
    )
    assert {(one.noise.kind, one.noise.share) for one in design.runs(noisy, base, [0])} == {
        ("asymmetric", 0.3)
    }
    assert {(one.tail.kind, one.tail.factor) for one in design.runs(tailed, base, [0])} == {("step", 4)}
    assert {one.noise.share for one in design.runs(noisy, base_of(noisy), [0])} == {0.2}
    assert {one.tail.factor for one in design.runs(tailed, base_of(tailed), [0])} == {50}


def test_selection_is_held_against_full_data_and_a_random_share_of_its_own_size():
    for name in ("selection", "noisy-labels"):
        assert {("joint", "full data"), ("joint", "random (RS2)")} <= set(presets.preset(name).comparisons())


def test_the_share_kept_of_the_base_holds_for_arms_that_name_none():
    base = base_of(presets.preset("hnsw"), strategy=parse({}, ["strategy.kind=joint"]).strategy)
    base = base.model_copy(update={"strategy": base.strategy.model_copy(update={"keep": 0.3})})
    selection = by_arm(presets.preset("selection"), base)
    assert {selection[name].strategy.keep for name in ("joint", "rarity only", "random (RS2)")} == {0.3}
    shares = by_arm(presets.preset("keep"), base)
    assert shares["random 70 %"].strategy.keep == 0.7


def test_too_few_epochs_are_refused_with_how_many_it_takes():
    window = presets.preset("window")
    with pytest.raises(InvalidConfig, match="epochs must be at least 30 here; got 20"):
        design.runs(window, base_of(window, epochs=20), [0])


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(InvalidConfig, match=r"must be one of sada-sanity, .*, adapters; got wndow"):
        presets.preset("wndow")


@pytest.mark.parametrize("name", ["demo-0123abcd", "window", "my window-digits", "window-digits-xyz"])
def test_a_study_of_another_name_has_no_preset(name: str):
    assert presets.preset_of(name) is None


def thresholded(**changed: float) -> RunConfig:
    changes = [f"strategy.{name}={value}" for name, value in changed.items()]
    return parse({}, ["strategy.kind=joint", *changes])


@pytest.mark.parametrize("changes", [{"min_consistency": 0.3}, {"max_rarity": 0.9}])
def test_thresholds_that_arms_do_not_share_are_refused(changes: dict[str, float]):
    base = thresholded(**changes)
    with pytest.raises(InvalidConfig, match="arms without them would train on more samples; got"):
        design.runs(presets.preset("selection"), base, [0])
    shared = design.runs(presets.preset("hnsw"), base, [0])
    assert {getattr(config.strategy, name) for config in shared for name in changes} == set(changes.values())
    assert design.runs(presets.preset("strengths"), base, [0])  # on all samples: no share, no thresholds
