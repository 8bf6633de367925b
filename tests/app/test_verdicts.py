"""A study's answer: methods by their settings, accuracy with its spread, a verdict from three seeds on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame

from app.runs import cost
from app.studies import members as study
from app.studies import methods, results, telling, verdicts
from app.studies.members import Member
from store.run import Run, Status


def metrics(accuracies: list[float], kept: int = 50) -> DataFrame:
    count = len(accuracies)
    return DataFrame(
        {
            "test_accuracy": accuracies,
            "samples_backpropagated": [kept] * count,
            "samples_forwarded": [2 * kept] * count,
            "seconds": [1.0] * count,
            "seconds_record": [0.5] * count,
        }
    )


def member(
    accuracies: list[float], *, strategy: str = "joint", seed: int = 0, state: str = "done", **settings: Any
) -> Member:
    config = {
        "strategy": {"kind": strategy},
        "policy": {"kind": "sada"},
        "seed": seed,
        "epochs": 4,
        **settings,
    }
    status = Status(state=state, epoch=len(accuracies), epochs=4)
    run = Run(Path(f"20260101-000000-{strategy[0]}{seed}"))
    return Member(run, config, status, metrics(accuracies), {"n": 100})


def seeds(accuracies: list[float], strategy: str) -> list[Member]:
    return [member([0.1, value], strategy=strategy, seed=seed) for seed, value in enumerate(accuracies)]


def test_methods_are_grouped_by_everything_but_seed_and_name():
    members = [
        *seeds([0.9, 0.92], "joint"),
        member([0.5, 0.94], seed=2, name="third"),
        *seeds([0.8], "everything"),
    ]
    compared = methods.comparison(members, {})
    assert compared["method"].tolist() == ["joint + SADA", "all samples + SADA"]
    assert compared["n"].tolist() == [3, 1]
    assert compared["accuracy"].tolist() == [[0.9, 0.92, 0.94], [0.8]]
    assert compared["backpropagated"].tolist() == [100, 100]


def test_a_seed_that_was_repeated_counts_once__with_its_newest_run():
    old, new = member([0.5]), replace(member([0.9]), run=Run(Path("20260102-000000-j0")))
    row = methods.comparison([new, member([0.7], seed=1), old], {}).iloc[0]
    assert (row["n"], row["accuracy"], row["seeds"]) == (2, [0.9, 0.7], [0, 1])


def test_a_finished_run_counts_while_its_repetition_waits():
    old = member([0.9])
    waiting = replace(member([], state="queued"), run=Run(Path("20260102-000000-j0")))
    assert study.one_a_seed([waiting, old]) == [old]
    values = {old.run.id: {"test_accuracy": 0.9}}
    assert results.outcome("mine", [waiting, old], values).arms[0].values == {0: 0.9}


def test_methods_of_one_name_are_told_apart_by_what_differs():
    runs = [
        member([0.9], learning_rate=0.1, model="small"),
        member([0.8], learning_rate=0.2, model="small"),
        member([0.7], strategy="everything"),
    ]
    assert methods.comparison(runs, {})["method"].tolist() == [
        "joint + SADA, learning_rate 0.1",
        "joint + SADA, learning_rate 0.2",
        "all samples + SADA",
    ]


def test_only_finished_runs_are_compared():
    assert methods.comparison([member([0.9], state="running"), member([], state="done")], {}).empty


def test_noise_of_the_last_epoch_is_compared():
    runs = seeds([0.9], "joint")
    noise = DataFrame({"share_noisy_kept": [0.1, 0.02], "share_noisy_all": [0.1, 0.1]})
    row = methods.comparison(runs, {runs[0].run.id: noise}).iloc[0]
    assert (row["flipped_kept"], row["flipped_all"]) == (0.02, 0.1)
    assert np.isnan(methods.comparison(runs, {}).iloc[0]["flipped_kept"])


def test_difference_is_that_of_equal_seeds_with_its_interval():
    one, other = (dict(enumerate(values)) for values in ([0.9, 0.8, 0.7], [0.8, 0.7, 0.9]))
    # Differences 0.1, 0.1, -0.2: mean 0, standard deviation sqrt(0.03); t of 2 degrees of freedom is 4.303.
    half = 4.303 * np.sqrt(0.03) / np.sqrt(3)
    assert verdicts.paired(one, other) == pytest.approx((0.0, half, 3), abs=1e-12)


def test_difference__no_shared_seed():
    mean, half, pairs = verdicts.paired({1: 0.9}, {2: 0.8})
    assert (np.isnan(mean), np.isnan(half), pairs) == (True, True, 0)


def test_half_interval__fewer_than_two_values():
    assert np.isnan(verdicts.half_interval([0.9])) and np.isnan(verdicts.half_interval([]))


def compared(mean: float, half: float, n: int = 3, p: float | None = None) -> verdicts.Compared:
    difference = verdicts.Difference(mean, half, n)
    return verdicts.Compared("A", "B", difference, verdicts.p_value(difference) if p is None else p)


@pytest.mark.parametrize(
    ("one", "says", "of_a_loss"),
    [
        (compared(0.05, 0.02), "better", "worse"),
        (compared(-0.05, 0.02), "worse", "better"),
        (compared(0.05, 0.06), "cannot be told apart", "cannot be told apart"),
        (compared(0.05, 0.02, p=0.06), "cannot be told apart", "cannot be told apart"),
        (compared(0.05, 0.01, 2), "too few seeds; 1 more in both", "too few seeds; 1 more in both"),
        (compared(np.nan, np.nan, 0), "too few seeds; 3 more in both", "too few seeds; 3 more in both"),
    ],
)
def test_a_difference_shows_something_from_three_pairs_and_below_5_percent_on(
    one: verdicts.Compared, says: str, of_a_loss: str
):
    assert verdicts.shows(one, better=1) == says
    assert verdicts.shows(one, better=-1) == of_a_loss


def verdict(joint: list[float], full: list[float]) -> str:
    runs = [*seeds(joint, "joint"), *seeds(full, "everything")]
    values = {one.run.id: {"test_accuracy": one.metrics["test_accuracy"].iloc[-1]} for one in runs}
    found = results.outcome("mine", runs, values)
    return " ".join(telling.verdict(found)).replace("\N{NO-BREAK SPACE}", " ")


def test_a_clear_difference_is_named_with_its_interval():
    # differences 0.10, 0.11, 0.09: half an interval is 4.303 x 0.01 / sqrt 3 = 0.0248
    assert verdict([0.90, 0.91, 0.92], [0.80, 0.80, 0.83]) == (
        "joint + SADA is better than all samples + SADA: +10.0 pts "
        "(95 % interval +7.5 pts to +12.5 pts, n = 3 seeds)."
    )


def test_seeds_that_differ_by_exactly_the_same_are_no_certainty():
    said = verdict([0.90, 0.91, 0.92], [0.80, 0.81, 0.82])
    assert "cannot be told apart: the difference is +10.0 pts at every seed (n = 3 seeds)" in said
    stored = [float(np.float32(value)) for value in (0.983333, 0.986111, 0.980555)]
    same = verdicts.paired(
        dict(enumerate(stored)), {seed: value - 0.0027778 for seed, value in enumerate(stored)}
    )
    assert np.isnan(verdicts.p_value(same))


def test_an_interval_around_zero_is_no_difference():
    assert "cannot be told apart" in verdict([0.9, 0.8, 0.7], [0.8, 0.7, 0.8])


def test_the_best_of_several_is_held_against_full_data_and_not_against_the_next_best():
    runs = [
        *seeds([0.90, 0.91, 0.92], "joint"),
        *seeds([0.85, 0.87, 0.88], "rarity_only"),
        *seeds([0.80, 0.80, 0.83], "everything"),
    ]
    values = {one.run.id: {"test_accuracy": one.metrics["test_accuracy"].iloc[-1]} for one in runs}
    found = results.outcome("mine", runs, values)
    assert [(one.arm, one.reference) for one in found.compared] == [
        ("joint + SADA", "all samples + SADA"),
        ("rarity only + SADA", "all samples + SADA"),
    ]
    assert "Holm's correction for 2 comparisons" in telling.verdict(found)[-1]


def test_runs_stand_by_study_in_the_order_in_which_they_were_queued():
    late, early, alone = (
        member([0.1], seed=1, study="a"),
        member([0.1], seed=0, study="a"),
        member([0.1], seed=5),
    )
    groups = study.by_study([late, early, alone])
    assert groups == {"a": [early, late], "": [alone]}


def test_the_demo_stands_on_top_of_newer_studies():
    one = member([0.1])
    assert study.featured({"lr": [one, one], "demo-1a2b": [one, one]}) == "demo-1a2b"
    assert study.featured({"": [one, one], "lr": [one, one], "old": [one, one]}) == "lr"
    assert study.featured({"lr": [one], "": [one, one]}) is None


def test_progress_is_the_share_of_all_epochs():
    assert study.progress([member([0.1] * 4), member([0.1] * 2, state="running")]) == pytest.approx(0.75)
    assert study.progress([]) == 0


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("done", "done"), "done"),
        (("done", "running"), "running"),
        (("done", "queued"), "queued"),
        (("failed", "running"), "running"),
        (("failed", "stopped"), "failed"),
        (("done", "lost"), "failed"),
        (("done", "stopped"), "stopped"),
    ],
)
def test_a_study_is_in_the_state_that_asks_for_attention(states: tuple[str, ...], expected: str):
    assert study.state([member([0.1], state=state) for state in states]) == expected


def test_a_run_has_done_what_it_recorded_whatever_it_said_last():
    assert (
        replace(member([0.1] * 4, state="failed"), status=Status(state="failed", epoch=1, epochs=4)).progress
        == 1
    )


def test_time_left_is_shared_by_the_runs_that_train():
    # An epoch takes 1.5 s. Left: 2 epochs of one run, 4 of one that waits; one of them trains.
    members = [member([0.1] * 2, state="running"), member([], state="queued"), member([0.1] * 4)]
    assert study.seconds_left(members) == pytest.approx(1.5 * (2 + 4))


def test_time_left__nothing_recorded_yet():
    assert np.isnan(study.seconds_left([member([], state="running")]))


def test_saved_is_counted_against_the_full_run_at_equal_epochs():
    spent = cost.cost(metrics([0.1, 0.2], kept=30), samples=100, full=metrics([0.1, 0.2, 0.3], kept=90))
    assert (spent.backpropagated, spent.saved) == (60, pytest.approx(1 - 60 / 180))
    assert spent.against == "the full-data run at equal epochs"


def test_saved__no_full_run_of_so_many_epochs():
    spent = cost.cost(metrics([0.1, 0.2], kept=30), samples=100, full=metrics([0.1], kept=90))
    assert (spent.saved, spent.against) == (pytest.approx(0.7), "all samples in every epoch")


def test_cost__no_epoch_yet():
    spent = cost.cost(metrics([]), samples=None)
    assert (spent.epochs, np.isnan(spent.seconds), np.isnan(spent.saved)) == (0, True, True)


def test_the_longest_full_run_of_the_study_is_the_reference():
    configs = {
        name: {"strategy": {"kind": kind}}
        for name, kind in (("a", "everything"), ("b", "everything"), ("c", "joint"))
    }
    frames = {"a": metrics([0.1]), "b": metrics([0.1, 0.2]), "c": metrics([0.1] * 3)}
    assert cost.full_run(configs, frames) is frames["b"]
    assert cost.full_run({"c": configs["c"]}, frames) is None
