"""Rank correlation: held to Spearman's, and silent where nothing can be ranked."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from engine.ranks import rank_correlation


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    one = rng.integers(0, 5, 40).astype(float)
    other = one + rng.normal(0, 2, 40)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic)


def test_rank_correlation_averages_ties_and_leaves_out_the_unknown():
    left = np.array([1.0, 2.0, 2.0, 3.0, np.nan])
    assert rank_correlation(left, np.array([1.0, 5.0, 5.0, 9.0, 0.0])) == pytest.approx(1)


def test_rank_correlation_is_unknown_where_nothing_can_be_ranked():
    assert np.isnan(rank_correlation(np.array([1.0, 2.0, np.nan]), np.array([1.0, 2.0, 3.0])))
    assert np.isnan(rank_correlation(np.ones(5), np.arange(5.0)))
