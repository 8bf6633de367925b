"""Policies: one contract for all, and worked strengths."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine import signals
from engine.config import POLICIES
from engine.scaling import scaled
from engine.strength.constant import Constant
from engine.strength.none import NoStrength
from engine.strength.random_strength import RandomStrength
from engine.strength.sada import Sada


def known_variances(variances):
    variances = np.array(variances, np.float32)
    return signals.replace(
        signals.unknown(np.zeros(len(variances)), width=2, classes=2),
        variance=variances,
    )


CASES = {
    "unknown": [np.nan] * 4,
    "one known": [np.nan, 0.3, np.nan, np.nan],
    "all equal": [0.2] * 4,
    "spread": [0.0, 0.1, 0.2, 9.0],
    "one sample": [0.4],
}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
@pytest.mark.parametrize("variances", CASES.values(), ids=CASES.keys())
def test_every_policy_keeps_the_contract(policy, variances):
    known = known_variances(variances)
    before = {name: values.copy() for name, values in known.arrays().items()}
    strength = policy().strength(known, 3, rng=np.random.default_rng(1))
    assert strength.shape == (len(variances),)
    assert strength.dtype == np.float32
    assert ((strength >= 0) & (strength <= 1)).all()
    assert_array_equal(strength, policy().strength(known, 3, rng=np.random.default_rng(1)))
    for name, values in before.items():
        assert_array_equal(values, known.arrays()[name], err_msg=name)


@pytest.mark.parametrize("scaling", ["percentile", "minmax", "rank"])
def test_sada_augments_the_steadiest_fully_and_the_unsteadiest_not_at_all(scaling):
    strength = Sada(scaling=scaling).strength(
        known_variances([0.0, 0.4, 1.0]), 9, rng=np.random.default_rng(0)
    )
    assert strength[0] == 1
    assert 0 < strength[1] < 1
    assert strength[2] == 0


def test_sada__equal_variances_get_half():
    assert_array_equal(
        Sada().strength(known_variances([0.3] * 3), 9, rng=np.random.default_rng(0)), [0.5] * 3
    )


def test_sada_draws_for_samples_without_a_variance_only():
    known = known_variances([0.0, np.nan, 1.0])
    first, second = (Sada().strength(known, 0, rng=np.random.default_rng(seed)) for seed in (0, 1))
    assert_array_equal(first[[0, 2]], second[[0, 2]])
    assert first[1] != second[1]


def test_random_strength_is_uniform():
    strength = RandomStrength().strength(known_variances(np.zeros(10_000)), 0, rng=np.random.default_rng(0))
    assert_allclose(np.percentile(strength, [25, 50, 75]), [0.25, 0.5, 0.75], atol=0.02)


def test_none_and_constant_are_what_they_say():
    known = known_variances([0.1, 0.2])
    assert_array_equal(NoStrength().strength(known, 0, rng=np.random.default_rng(0)), [0, 0])
    assert_allclose(Constant(value=0.3).strength(known, 0, rng=np.random.default_rng(0)), [0.3, 0.3])


def test_scaled__minmax_is_the_textbook_one():
    assert_allclose(scaled(np.array([2.0, 4.0, 10.0]), "minmax"), [0, 0.25, 1])


def test_scaled__percentile_is_not_ruled_by_one_outlier():
    values = np.append(np.linspace(0, 1, 999), 1000.0)
    assert np.median(scaled(values, "minmax")) < 0.001
    assert np.median(scaled(values, "percentile")) == pytest.approx(0.5, abs=0.02)


def test_scaled__rank_spreads_evenly_and_ties_share():
    assert_allclose(scaled(np.array([5.0, 1.0, 5.0, 100.0]), "rank"), [0.5, 0, 0.5, 1])


@pytest.mark.parametrize("scaling", ["percentile", "minmax", "rank"])
def test_scaled__unknown_stays_unknown(scaling):
    assert_allclose(scaled(np.array([np.nan, 1.0, 2.0]), scaling), [np.nan, 0, 1])
    assert np.isnan(scaled(np.full(3, np.nan), scaling)).all()
