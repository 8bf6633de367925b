"""Flips and kept-set overlap: small worked examples, and brute force over sets."""

import numpy as np
import pytest

from app.sample_level import kept_sets
from app.sample_level.flips import flips
from app.sample_level.flips_card import sentence


def packed(*sets: set[int], samples: int) -> np.ndarray:
    """Kept sets, one an epoch, as the store packs them: bits in order, the first byte filled up with 0."""
    width = -(-samples // 8)
    bits = np.zeros((len(sets), 8 * width), np.uint8)
    for row, kept in zip(bits, sets, strict=True):
        row[[8 * width - samples + sample for sample in kept]] = 1
    return np.packbits(bits, axis=1)


def test_flips_by_hand():
    one = np.array([[1, 1, 0, 1, np.nan], [1, 0, 0, 1, 1], [1, 1, 0, 1, 1]])
    other = np.array([[0, 0, 1, 1, 1], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1]])
    found = flips(one, other)
    assert (found.n, found.left_out) == (4, 1)  # the last sample was not visited in one run
    assert found.only_one.tolist() == [0, 1]  # 3 of 3 against 1 of 3, 2 of 3 against 0 of 3
    assert found.only_other.tolist() == [2]
    assert found.within_one == (1, 0, 1)  # seeds 0 and 1 differ in sample 1, 0 and 2 in none, 1 and 2 in 1
    assert found.within_other == (0, 2, 2)
    assert found.between == (3, 3, 3, 2, 2, 2, 3, 3, 3)
    assert found.floor == 1
    assert found.times_the_floor == pytest.approx(24 / 9)


def test_flips__a_tie_of_two_seeds_decides_nothing():
    found = flips(np.array([[1, 1], [0, 1]]), np.array([[0, 0], [0, 0]]))
    assert found.only_one.tolist() == [1]


def test_the_same_method_disagrees_as_often_as_its_seeds():
    rng = np.random.default_rng(0)
    chance = rng.beta(5, 1, 5000)  # of each sample to be right
    seeds = (rng.random((6, 5000)) < chance).astype(float)
    found = flips(seeds[:3], seeds[3:])
    assert found.times_the_floor == pytest.approx(1, abs=0.05)


def test_planted_flips_stand_above_the_floor():
    rng = np.random.default_rng(0)
    seeds = (rng.random((6, 5000)) < 0.99).astype(float)
    seeds[:3, :400] = 0
    found = flips(seeds[:3], seeds[3:])
    assert len(found.only_other) == pytest.approx(400, abs=5)
    assert len(found.only_one) == pytest.approx(0, abs=5)
    assert "times as often as seeds alone" in sentence(found)


def test_one_seed_each_has_no_noise_floor():
    found = flips(np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]]))
    assert np.isnan(found.floor)
    assert "no noise floor" in sentence(found)


@pytest.mark.parametrize("samples", [7, 64, 150])
def test_the_index_of_packed_sets_is_that_of_sets(samples: int):
    rng = np.random.default_rng(samples)
    one, other = (
        [set(rng.permutation(samples)[: samples // 2].tolist()) for _ in range(5)] for _ in range(2)
    )
    found = kept_sets.agreement([packed(*one, samples=samples)], [packed(*other, samples=samples)], samples)
    assert found["mean"].tolist() == pytest.approx(
        [len(a & b) / len(a | b) for a, b in zip(one, other, strict=True)]
    )


def test_agreement_lists_pairs_between_and_within():
    one = [packed({0, 1}, samples=4), packed({0, 1}, samples=4), packed({0, 2}, samples=4)]
    other = [packed({2, 3}, samples=4)]
    found = kept_sets.agreement(one, other, 4)
    rows = {row.pairs: row for row in found.itertuples()}
    assert set(rows) == {"between", "one"}  # a single run of B has no pair
    assert (rows["between"].n, rows["between"].mean, rows["between"].high) == (3, pytest.approx(1 / 9), 1 / 3)
    assert (rows["one"].n, rows["one"].low, rows["one"].high) == (3, pytest.approx(1 / 3), 1)
    assert rows["between"].expected == pytest.approx(1 / 3)  # 2 x 2 / 4 shared, of 4 less that
