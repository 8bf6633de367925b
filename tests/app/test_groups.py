"""Groups of an ablation: equal settings but for the seed, the newest run of each seed, in a stable order."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pandas import DataFrame

from app.ablations.groups import grouped
from app.studies.members import Member
from store.run import Run, Status


def member(name: str, *, seed: int, keep: float = 0.5, epochs: int = 1) -> Member:
    config: dict[str, Any] = {
        "strategy": {"kind": "joint", "keep": keep},
        "policy": {"kind": "sada"},
        "seed": seed,
    }
    metrics = DataFrame({"test_accuracy": [0.5] * epochs})
    return Member(Run(Path(name)), config, Status(state="done"), metrics, {})


def test_runs_that_differ_in_their_seed_alone_are_one_group__by_seed():
    first, second, other = member("b", seed=1), member("a", seed=0), member("c", seed=0, keep=0.3)
    one, two = grouped([first, second, other])
    assert (one.members, two.members) == ((second, first), (other,))
    assert (one.name, two.name) == ("joint 50 % + SADA".replace(" %", "\N{NO-BREAK SPACE}%"), two.name)
    assert (one.place, two.place, one.n) == (0, 1, 2)


def test_a_run_that_was_stored_before_a_setting_existed_is_of_the_group_that_has_its_default():
    older, newer = member("a", seed=0), member("b", seed=1)
    now = {**newer.config, "ema": 0.0, "label_smoothing": 0.0}
    now["strategy"] = {**now["strategy"], "temperature": 1.0}
    groups = grouped([older, replace(newer, config=now)])
    assert [group.n for group in groups] == [2]
    other = replace(newer, config={**now, "ema": 0.9})
    assert [group.name.rpartition(", ")[2] for group in grouped([older, other])] == ["ema 0.0", "ema 0.9"]


def test_the_newest_run_of_a_seed_counts():
    older, newer = member("20260101-000000-aaaaaa", seed=0), member("20260102-000000-aaaaaa", seed=0)
    assert grouped([newer, older])[0].members == (newer,)


def test_a_run_without_an_epoch_is_in_no_group():
    assert grouped([member("a", seed=0, epochs=0)]) == []


def noisy(name: str, *, seed: int, drawn: int) -> Member:
    made = member(name, seed=seed)
    return replace(made, config={**made.config, "noise": {"kind": "symmetric", "share": 0.2, "seed": drawn}})


def test_wrong_labels_that_are_drawn_by_the_seed_go_with_it():
    (group,) = grouped([noisy("a", seed=0, drawn=0), noisy("b", seed=1, drawn=1)])
    assert (group.n, "seed" in group.name) == (2, False)


def test_runs_of_one_seed_are_told_apart_by_their_draw_of_wrong_labels():
    groups = grouped([noisy("a", seed=0, drawn=0), noisy("b", seed=0, drawn=1), noisy("c", seed=1, drawn=1)])
    assert [(group.n, group.name.rpartition(", ")[2]) for group in groups] == [
        (1, "noise.seed 0"),
        (2, "noise.seed 1"),
    ]
