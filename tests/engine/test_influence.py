"""Influence: worked arithmetic of the change, its variance and the average."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from engine.influence import (
    Answers,
    InfluenceSettings,
    influence,
    moving_average,
    window_variance,
)

NAN = np.float32(np.nan)


def answers(losses, probabilities=()):
    rows = np.array(probabilities, np.float16).reshape(len(losses), -1)
    return Answers(np.array(losses, np.float32), rows)


def test_influence_is_the_absolute_change_of_the_loss():
    assert_allclose(influence(answers([1.0, 3.0, 2.0]), answers([1.5, 2.0, NAN]), "loss"), [0.5, 1.0, NAN])


def test_kl_is_the_divergence_of_now_from_before():
    now, before = answers([0.0], [[0.75, 0.25]]), answers([0.0], [[0.5, 0.5]])
    expected = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert_allclose(influence(now, before, "kl"), [expected], rtol=1e-3)
    assert influence(before, now, "kl")[0] != pytest.approx(expected, rel=0.05)  # it has a direction


def test_kl_abs_adds_the_terms_without_their_signs():
    now, before = answers([0.0], [[0.75, 0.25]]), answers([0.0], [[0.5, 0.5]])
    assert_allclose(influence(now, before, "kl_abs"), [0.75 * np.log(1.5) + 0.25 * np.log(2)], rtol=1e-3)


@pytest.mark.parametrize("proxy", ["kl", "kl_abs"])
def test_probabilities_that_float16_rounds_to_zero_stay_finite(proxy):
    changes = influence(answers([0.0], [[1.0, 0.0]]), answers([0.0], [[0.0, 1.0]]), proxy)
    assert 16 < changes[0] < 17  # log 2^24


@pytest.mark.parametrize("proxy", ["kl", "kl_abs"])
def test_the_same_answer_twice_has_no_influence_and_an_unknown_one_an_unknown(proxy):
    once = answers([0.0, 0.0], [[0.9, 0.1], [0.2, 0.8]])
    first = answers([0.0, 0.0], [[0.9, 0.1], [np.nan, np.nan]])
    assert_allclose(influence(once, first, proxy), [0, NAN])


def test_window_variance_is_the_population_variance():
    assert_allclose(window_variance(np.array([[1.0, 2.0, 6.0]])), [(4 + 1 + 9) / 3])


def test_moving_average__the_first_value_stands_for_itself():
    newest, average = np.array([2.0, 3.0, NAN, NAN]), np.array([NAN, 1.0, 5.0, NAN])
    assert_allclose(moving_average(newest, average, 0.9), [2.0, 0.9 * 3 + 0.1 * 1, 5.0, NAN])


@pytest.mark.parametrize("window", [1, 51])
def test_window_must_hold_a_variance(window):
    with pytest.raises(ValueError, match="window"):
        InfluenceSettings(window=window)
