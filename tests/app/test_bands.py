"""Bands and differences by hand: what is drawn around a mean, and what a difference of seeds shows."""

import math

import numpy as np
import pytest

from app.ablations import bands, differences, end_labels, looks
from app.ablations.groups import Group

NAN = math.nan
# Three seeds at two epochs: means 2 and 5, deviations 1 and 2.
SEEDS = np.array([[1.0, 3.0], [2.0, 5.0], [3.0, 7.0]])


@pytest.mark.parametrize(
    ("band", "halves"),
    [
        ("sd", [1.0, 2.0]),
        ("se", [1 / math.sqrt(3), 2 / math.sqrt(3)]),
        ("interval", [4.303 / math.sqrt(3), 4.303 * 2 / math.sqrt(3)]),  # t of two degrees of freedom
        ("range", [1.0, 2.0]),
    ],
)
def test_a_band_is_as_wide_as_its_name_says(band: str, halves: list[float]):
    found = bands.summary(SEEDS, band)
    assert found["mean"].tolist() == [2, 5]
    assert found["low"].tolist() == pytest.approx([2 - halves[0], 5 - halves[1]])
    assert found["high"].tolist() == pytest.approx([2 + halves[0], 5 + halves[1]])
    assert found["n"].tolist() == [3, 3]


def test_min_max_is_not_symmetric():
    found = bands.summary(np.array([[1.0], [1.0], [4.0]]), "range")
    assert found.loc[0, ["mean", "low", "high"]].tolist() == [2, 1, 4]


@pytest.mark.parametrize("band", bands.BANDS)
def test_one_seed_has_no_band(band: str):
    found = bands.summary(np.array([[0.5, 0.7]]), band)
    assert found["mean"].tolist() == [0.5, 0.7]
    assert found[["low", "high"]].isna().all(axis=None)
    assert found["whole"].tolist() == [True, True]


def test_where_a_run_is_shorter_the_mean_goes_on_without_a_band():
    found = bands.summary(np.array([[1.0, 2.0, 6.0], [3.0, 4.0, NAN]]), "sd")
    assert found["mean"].tolist() == [2, 3, 6]
    assert found["n"].tolist() == [2, 2, 1]
    assert found["whole"].tolist() == [True, True, False]
    assert found["low"].isna().tolist() == [False, False, True]


def test_a_run_that_never_measured_it_takes_no_band_away():
    found = bands.summary(np.array([[1.0, 2.0], [3.0, 4.0], [NAN, NAN]]), "range")
    assert found["whole"].tolist() == [True, True]
    assert found["low"].tolist() == [1, 2]


def test_what_nobody_measured_is_unknown_and_never_0():
    found = bands.summary(np.full((2, 2), NAN), "sd")
    assert found[["mean", "low", "high"]].isna().all(axis=None)
    assert found["n"].tolist() == [0, 0]
    assert not found["whole"].any()


def test_the_ends_of_a_band_leave_unknown_seeds_out():
    assert bands.ends(np.array([1.0, NAN, 3.0]), "sd") == pytest.approx((2 - math.sqrt(2), 2 + math.sqrt(2)))
    assert all(math.isnan(end) for end in bands.ends(np.array([NAN]), "sd"))


def test_the_front_holds_what_no_cheaper_group_reaches():
    costs, values = np.array([1.0, 2.0, 3.0, 2.0, NAN]), np.array([0.5, 0.8, 0.7, 0.6, 0.9])
    assert differences.on_front(costs, values).tolist() == [True, True, False, False, False]


def test_equal_groups_stand_on_the_front_together():
    assert differences.on_front(np.array([1.0, 1.0]), np.array([0.5, 0.5])).tolist() == [True, True]


def test_names_at_line_ends_are_moved_apart_around_where_they_belong():
    assert end_labels.apart([50, 50, 200], most=300, row=20) == [40, 60, 200]


def test_names_at_line_ends_stay_beside_the_panel():
    assert end_labels.apart([0, 0, 5], most=300, row=20) == [0, 20, 40]
    assert end_labels.apart([300, 300], most=300, row=20) == [280, 300]


def test_long_names_keep_what_tells_them_apart():
    names = [
        "joint 50 % + SADA with a long name, keep 0.5",
        "joint 50 % + SADA with a long name, keep 0.7",
        "random",
    ]
    short = end_labels.shortened(names)
    assert len(set(short)) == 3
    assert short[0].endswith("keep 0.5")
    assert short[2] == "random"
    assert max(map(len, short)) <= end_labels.LONGEST


def test_groups_with_many_differences_get_names_that_fit_a_line_and_differ():
    groups = [Group(f"{'joint ' * 20}{place}", str(place), place, ()) for place in range(2)]
    brief = looks.briefly([*groups, Group("random", "r", 2, ())])
    assert [group.name for group in brief][2] == "random"
    assert len({group.name for group in brief}) == 3
    assert [group.key for group in brief] == ["0", "1", "r"]
