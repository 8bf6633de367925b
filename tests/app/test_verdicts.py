"""A study's answer: methods by their settings, accuracy with its spread, a verdict from three seeds on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame

from app.runs import cost
from app.studies import members as study
from app.studies import verdicts
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
    compared = verdicts.comparison(members, {})
    assert compared["method"].tolist() == ["joint + SADA", "all samples + SADA"]
    assert compared["n"].tolist() == [3, 1]
    assert compared["accuracy"].tolist() == [[0.9, 0.92, 0.94], [0.8]]
    assert compared["backpropagated"].tolist() == [100, 100]


def test_a_seed_that_was_repeated_counts_once__with_its_newest_run():
    old, new = member([0.5]), replace(member([0.9]), run=Run(Path("20260102-000000-j0")))
    row = verdicts.comparison([new, member([0.7], seed=1), old], {}).iloc[0]
    assert (row["n"], row["accuracy"], row["seeds"]) == (2, [0.9, 0.7], [0, 1])


def test_methods_of_one_name_are_told_apart_by_what_differs():
    runs = [
        member([0.9], learning_rate=0.1, model="small"),
        member([0.8], learning_rate=0.2, model="small"),
        member([0.7], strategy="everything"),
    ]
    assert verdicts.comparison(runs, {})["method"].tolist() == [
        "joint + SADA, learning_rate 0.1",
        "joint + SADA, learning_rate 0.2",
        "all samples + SADA",
    ]


def test_only_finished_runs_are_compared():
    assert verdicts.comparison([member([0.9], state="running"), member([], state="done")], {}).empty


def test_noise_of_the_last_epoch_is_compared():
    runs = seeds([0.9], "joint")
    noise = DataFrame({"share_noisy_kept": [0.1, 0.02], "share_noisy_all": [0.1, 0.1]})
    row = verdicts.comparison(runs, {runs[0].run.id: noise}).iloc[0]
    assert (row["flipped_kept"], row["flipped_all"]) == (0.02, 0.1)
    assert np.isnan(verdicts.comparison(runs, {}).iloc[0]["flipped_kept"])


def test_difference_is_that_of_equal_seeds_with_its_interval():
    one, other = (
        verdicts.comparison(seeds(values, "joint"), {}).iloc[0]
        for values in ([0.9, 0.8, 0.7], [0.8, 0.7, 0.9])
    )
    # Differences 0.1, 0.1, -0.2: mean 0, standard deviation sqrt(0.03); t of 2 degrees of freedom is 4.303.
    assert verdicts.difference(one, other) == pytest.approx((0.0, 4.303 * np.sqrt(0.03) / np.sqrt(3), 3))


def test_difference__no_shared_seed():
    one = verdicts.comparison([member([0.9], seed=1)], {}).iloc[0]
    other = verdicts.comparison([member([0.8], seed=2)], {}).iloc[0]
    mean, half, pairs = verdicts.difference(one, other)
    assert (np.isnan(mean), np.isnan(half), pairs) == (True, True, 0)


def test_half_interval__fewer_than_two_values():
    assert np.isnan(verdicts.half_interval([0.9])) and np.isnan(verdicts.half_interval([]))


def verdict(joint: list[float], full: list[float]) -> str:
    compared = verdicts.comparison([*seeds(joint, "joint"), *seeds(full, "everything")], {})
    return verdicts.verdict(compared).replace("\N{NO-BREAK SPACE}", " ")


def test_fewer_than_three_seeds_decide_nothing():
    assert verdict([0.9, 0.9], [0.5, 0.5]) == (
        "Too few seeds to tell which method is better; queue 1 more seed of each."
    )


def test_only_seeds_that_both_methods_have_count():
    joint = [member([0.9], seed=seed, strategy="joint") for seed in (0, 1, 2)]
    full = [member([0.5], seed=seed, strategy="everything") for seed in (2, 3, 4)]
    compared = verdicts.comparison([*joint, *full], {})
    assert verdicts.verdict(compared).startswith("Too few seeds to tell which method is better; queue 2 more")
    assert verdicts.verdict(compared, still_to_come=4).endswith("; 4 more runs are to come.")


def test_a_clear_difference_is_named_with_its_interval():
    assert verdict([0.90, 0.91, 0.92], [0.80, 0.81, 0.82]).startswith(
        "joint + SADA is better than all samples + SADA by +10.0 pts (95 % interval +10.0 pts to +10.0 pts"
    )


def test_an_interval_around_zero_is_no_difference():
    assert "cannot be told apart" in verdict([0.9, 0.8, 0.7], [0.8, 0.7, 0.8])


def test_one_method_has_no_verdict():
    assert verdicts.verdict(verdicts.comparison(seeds([0.9] * 3, "joint"), {})) == ""


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
