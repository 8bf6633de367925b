"""The arithmetic of a study by hand: pairs of seeds, Holm's correction, and no sentence surer than its n."""

import math
from pathlib import Path

import pytest
from pandas import DataFrame

from app import naming
from app.studies import design, presets, results, seeds, telling, verdicts
from app.studies.members import Member
from app.studies.results import Outcome
from app.studies.verdicts import Difference
from engine.config import RunConfig, parse
from store.run import Run


def planned(name: str = "hnsw", over: range = range(3)) -> list[RunConfig]:
    preset = presets.preset(name)
    return design.runs(preset, design.default_base().model_copy(update={"epochs": preset.epochs}), over)


def member(root: Path, config: RunConfig, state: str = "done") -> Member:
    run = Run.create(root, config.model_dump(mode="json"))
    run.write_status(state=state, message="")
    return Member(run, run.config(), run.status(), DataFrame(), {})


def plain(text: object) -> str:
    return str(text).replace("\N{NO-BREAK SPACE}", " ")


def outcome(root: Path, configs: list[RunConfig], reached: list[float], state: str = "done") -> Outcome:
    members = [member(root, config, state) for config in configs]
    values = {one.run.id: {"test_accuracy": value} for one, value in zip(members, reached, strict=True)}
    return results.outcome(configs[0].study, members, values)


def test_difference_is_paired_by_seed_and_its_interval_is_students(tmp_path: Path):
    # HNSW 0.90 0.92 0.94; exact 0.91 0.92 0.96: differences 0.01, 0, 0.02; mean 0.01, sd 0.01
    found = outcome(tmp_path, planned(), [0.90, 0.91, 0.92, 0.92, 0.94, 0.96])
    (one,) = found.compared
    assert (one.arm, one.reference) == ("exact", "HNSW")
    half = 4.303 * 0.01 / math.sqrt(3)
    assert one.difference == pytest.approx((0.01, half, 3))
    # t = 0.01 / (0.01 / sqrt 3) = 1.732; two-sided p at 2 degrees of freedom = 1 - t / sqrt(t^2 + 2)
    assert one.p == pytest.approx(1 - math.sqrt(3) / math.sqrt(5), rel=1e-3)
    says = "the difference is +1.0 pts (95 % interval −1.5 pts to +3.5 pts, n = 3 seeds)."
    assert [plain(sentence) for sentence in telling.verdict(found)] == [
        f"exact and HNSW cannot be told apart: {says}"
    ]


def test_arm_that_is_better_at_every_seed_alike_is_said_to_be_better(tmp_path: Path):
    found = outcome(tmp_path, planned(), [0.90, 0.950, 0.92, 0.971, 0.94, 0.992])
    assert found.compared[0].p < 0.01
    assert telling.verdict(found)[0].startswith("exact is better than HNSW: +5.1")


def test_holm_multiplies_the_smallest_by_all_and_never_lets_a_later_one_be_smaller():
    # sorted 0.01 x 3, 0.02 x 2, 0.03 x 1 → 0.03, 0.04, and 0.03 raised to 0.04
    assert verdicts.holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])


def test_holm__unknown__stays_unknown_and_is_not_counted():
    adjusted = verdicts.holm([math.nan, 0.01, 0.6])
    assert math.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx([0.02, 0.6])


@pytest.mark.parametrize(
    ("difference", "p"),
    [
        (Difference(0.0, 0.0, 3), 1.0),
        (Difference(0.1, 0.0, 3), math.nan),
        (Difference(0.1, 0.05, 2), math.nan),
        (Difference(4.303, 4.303, 3), 0.05),
    ],
)
def test_p_is_5_percent_where_the_interval_ends_at_0(difference: Difference, p: float):
    assert verdicts.p_value(difference) == pytest.approx(p, abs=1e-4, nan_ok=True)


def test_interval_without_0_is_no_verdict_where_holm_says_otherwise(tmp_path: Path):
    # joint against each of five others: p of one alone is 0.02, times 5 is 0.10
    apart = {"rarity only": (0.02, 0.03, 0.022), "consistency only": (0, 0.02, -0.01)}
    apart |= {"random (RS2)": (0.0, 0.01, -0.02), "InfoBatch": (0.01, -0.01, 0.0)}
    reached = [
        0.9 - apart.get(config.name.split(", seed")[0], (0, 0, 0))[config.seed]
        for config in planned("selection")
    ]
    found = outcome(tmp_path, planned("selection"), reached)
    first = found.compared[0]
    assert first.difference.mean - first.difference.half > 0
    assert first.p > 0.05
    told = telling.verdict(found)
    assert told[0].startswith("joint and rarity only cannot be told apart")
    assert "Holm's correction for 5 comparisons" in told[-1]


def test_sanity_is_judged_against_0(tmp_path: Path):
    configs = planned("sada-sanity")
    members = [member(tmp_path, config) for config in configs]
    values = {one.run.id: {"variance_change": -0.8 - 0.01 * one.config["seed"]} for one in members}
    found = results.outcome(configs[0].study, members, values)
    assert telling.verdict(found)[0].startswith("Change of V under SADA is below 0: −81.0")


def test_two_seeds_are_too_few_and_the_missing_one_is_what_gets_queued(tmp_path: Path):
    found = outcome(tmp_path, planned(over=range(2)), [0.9, 0.91, 0.92, 0.92])
    assert telling.verdict(found) == ["Too few seeds to tell (n = 2); queue 1 more seed of each arm."]
    assert seeds.lacking(planned()[0].study, found) == planned()[4:]


def test_further_seeds_of_a_preset_are_those_that_a_start_with_more_seeds_has(tmp_path: Path):
    configs = planned("adapters", range(1))
    members = [member(tmp_path, config) for config in configs]
    found = results.outcome(configs[0].study, members, {})
    assert seeds.lacking(configs[0].study, found) == planned("adapters")[len(configs) :]


def test_further_seeds_join_any_study_without_touching_its_settings(tmp_path: Path):
    config = parse({"study": "mine", "name": "half", "seed": 5, "strategy": {"kind": "joint"}})
    found = results.outcome("mine", [member(tmp_path, config)], {})
    more = seeds.lacking("mine", found)
    assert [one.seed for one in more] == [6, 7]
    assert {naming.method_key(one.model_dump(mode="json")) for one in more} == {
        naming.method_key(config.model_dump(mode="json"))
    }


def test_no_seed_is_asked_for_where_three_are_shared(tmp_path: Path):
    found = outcome(tmp_path, planned(), [0.9] * 6)
    assert seeds.lacking(planned()[0].study, found) == []


def test_a_run_of_a_persons_own_loop_cannot_be_queued_again(tmp_path: Path):
    run = Run.create(tmp_path, {"study": "own", "seed": 0, "tracked": True})
    found = results.outcome("own", [Member(run, run.config(), run.status(), DataFrame(), {})], {})
    assert seeds.lacking("own", found) == []


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("queued", "Too few seeds to tell yet: 6 more runs are to come."),
        ("failed", "Too few seeds to tell: 6 runs ended early; resume them."),
    ],
)
def test_unfinished_runs_are_named_instead_of_more_seeds(tmp_path: Path, state: str, says: str):
    configs = planned()
    found = results.outcome(configs[0].study, [member(tmp_path, one, state) for one in configs], {})
    assert telling.verdict(found) == [says]


def test_runs_that_lack_the_measure_are_told_as_such(tmp_path: Path):
    found = outcome(tmp_path, planned(), [math.nan] * 6)
    assert telling.verdict(found) == ["The runs did not record what test accuracy is computed from."]


def test_table_has_one_row_an_arm_with_n_mean_deviation_and_interval(tmp_path: Path):
    found = outcome(tmp_path, planned(), [0.90, 0.91, 0.92, 0.92, 0.94, 0.96])
    shown = telling.arm_table(found)
    assert list(shown.columns[:8]) == [
        "Arm",
        "seed 0",
        "seed 1",
        "seed 2",
        "n",
        "Mean",
        "sd",
        "95 % interval",
    ]
    # mean 0.92, sd 0.02, half 4.303 x 0.02 / sqrt 3 = 0.0497
    seen = [plain(cell) for cell in shown.iloc[0][:8]]
    assert seen[:5] == ["HNSW", "90.0 %", "92.0 %", "94.0 %", "3"]
    assert seen[5:] == ["92.0 %", "2.0 pts", "87.0 % to 97.0 %"]


def test_all_comparisons_are_answered_in_one_sentence_with_what_is_alike_together(tmp_path: Path):
    # by seed, joint is 5 points above the first two others, and above or below the rest by chance
    apart = {"rarity only": (0.05, 0.051, 0.052), "consistency only": (0.05, 0.051, 0.049)}
    apart |= {"random (RS2)": (0.0, 0.01, -0.02), "InfoBatch": (0.01, -0.01, 0.0)}
    apart |= {"full data": (-0.1, -0.101, -0.102)}
    configs = planned("selection")
    reached = [0.8 - apart.get(config.name.split(", seed")[0], (0, 0, 0))[config.seed] for config in configs]
    assert plain(telling.answer(outcome(tmp_path, configs, reached))) == (
        "joint is better than rarity only (+5.1 pts) and consistency only (+5.0 pts); joint cannot be told "
        "apart from random (RS2) (−0.3 pts) and InfoBatch (+0.0 pts); joint is worse than full data "
        "(−10.1 pts) (n = 3 seeds)."
    )


def test_an_answer_below_three_seeds_is_that_there_are_too_few(tmp_path: Path):
    found = outcome(tmp_path, planned(over=range(2)), [0.9, 0.91, 0.9, 0.91])
    assert telling.answer(found) == telling.verdict(found)[0]
