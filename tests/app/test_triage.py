"""Judging one suspect after the other: who is next, what a verdict is called, what classes are offered."""

import pytest
from pandas import DataFrame

from app.noise import triage
from store.judgements import Judgement

IDS = [30, 4, 17, 9]
NAMES = ["ant", "bee", "cat"]


@pytest.mark.parametrize(
    ("asked", "judged", "expected"),
    [(17, {17}, 17), (None, set(), 30), (None, {30, 4}, 17), (99, {30}, 4), (None, set(IDS), 30)],
)
def test_the_sample_asked_for_is_shown__else_the_first_without_a_verdict(asked, judged, expected):
    assert triage.focused(IDS, asked, judged) == expected


@pytest.mark.parametrize(
    ("at", "step", "judged", "only", "expected"),
    [
        (30, 1, {4}, False, 4), (30, 1, {4}, True, 17), (17, -1, {4}, True, 30), (17, -1, {4}, False, 4),
        (9, 1, set(), False, None), (30, -1, set(), False, None), (17, 1, {9}, True, None),
    ],
)  # fmt: skip
def test_next_and_previous_pass_over_the_judged_where_asked(at, step, judged, only, expected):
    assert triage.neighbour(IDS, at, step=step, judged=judged, only_unjudged=only) == expected


@pytest.mark.parametrize(
    ("at", "judged", "expected"), [(30, {30}, 4), (9, {9}, 30), (9, {9, 30}, 4), (4, set(IDS), 4)]
)
def test_after_a_verdict_comes_the_next_without_one(at, judged, expected):
    assert triage.after_verdict(IDS, at, judged) == expected


def test_a_noisy_label_can_be_any_other_class__the_suggested_first():
    assert triage.choices(0, 2, 4) == [2, 1, 3, None]
    assert triage.choices(0, None, 3) == [None, 1, 2]
    assert triage.choices(1, 1, 3) == [None, 0, 2]


def test_a_verdict_is_said_in_short():
    said = [None, Judgement("hard"), Judgement("noisy"), Judgement("noisy", 2)]
    assert [triage.verdict(one, NAMES) for one in said] == ["", "hard", "noisy", "noisy → cat"]


def test_verdicts_stand_beside_their_samples():
    judged = {4: Judgement("noisy", 1, "then"), 99: Judgement("fine")}
    table = triage.with_verdicts(DataFrame({"sample_id": [17, 4]}, index=[5, 3]), judged)
    assert table["verdict"].tolist() == [None, "noisy"]
    assert table["corrected_label"].fillna(-1).tolist() == [-1, 1]
    assert table["judged_at"].tolist() == [None, "then"]


def test_neighbours_are_counted_by_the_classes_in_question():
    nearest = DataFrame({"label": [0, 2, 2, 1]})
    assert triage.agreement(nearest, 0, 2, NAMES) == "1 ant, 2 cat, 1 other"
    assert triage.agreement(nearest, 1, None, NAMES) == "1 bee, 3 others"
