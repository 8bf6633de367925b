"""The overlap of two sets: a worked example, the sets that the store packs, and chance by brute force."""

import numpy as np
import pytest

from app import overlap


def test_overlap_is_what_is_shared_of_all():
    assert overlap.jaccard_of_ids(np.array([1, 2, 3]), np.array([2, 3, 4, 5])) == 2 / 5
    assert np.isnan(overlap.jaccard_of_ids(np.array([]), np.array([])))


def test_many_pairs_at_once_are_as_each_alone():
    found = overlap.jaccard(np.array([3, 0, 0]), np.array([4, 0, 1]), np.array([4, 0, 1]))
    assert found == pytest.approx([3 / 5, np.nan, 0], nan_ok=True)


def test_the_expected_overlap_is_that_of_random_sets():
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        a, b = (set(rng.permutation(1000)[:size].tolist()) for size in (500, 300))
        drawn.append(len(a & b) / len(a | b))
    by_formula = overlap.by_chance(500, 300, 1000)
    assert by_formula == pytest.approx(150 / 650)  # 500 x 300 / 1000 shared, of 800 less those
    assert np.mean(drawn) == pytest.approx(float(by_formula), abs=0.002)


def test_a_set_of_everything_overlaps_by_the_size_of_the_other():
    assert overlap.by_chance(100, 40, 100) == 40 / 100
