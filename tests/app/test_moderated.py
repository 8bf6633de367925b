"""The test of samples that differ: formulas by hand, silence under the null, finds where planted."""

import math

import numpy as np
import pytest
from scipy import special

from app.sample_level import moderated

SAMPLES = 4000


def trigamma(value: float) -> float:
    return float(special.polygamma(1, value))


def simulated(rng: np.random.Generator, seeds: int, *, df0: float = 6, variance: float = 0.04) -> np.ndarray:
    """Values (seeds, SAMPLES) of one method; each sample has its own mean and a variance of Smyth's prior."""
    spread = np.sqrt(variance * df0 / rng.chisquare(df0, SAMPLES))
    return rng.normal(0, 1, SAMPLES) + rng.normal(0, 1, (seeds, SAMPLES)) * spread


def test_benjamini_hochberg_by_hand():
    p = np.array([0.04, 0.01, 0.03, 0.5])
    # sorted 0.01, 0.03, 0.04, 0.5 times 4/1, 4/2, 4/3, 4/4; then the least of what follows
    assert moderated.false_discovery_rates(p) == pytest.approx([4 / 3 * 0.04, 0.04, 4 / 3 * 0.04, 0.5])


@pytest.mark.parametrize("value", [1e-7, 0.01, 0.5, 1, 1.6449340668482264, 20, 1e8])
def test_the_inverse_of_trigamma_undoes_it(value: float):
    assert trigamma(moderated.trigamma_inverse(value)) == pytest.approx(value, rel=1e-4)


def test_equal_variances_are_worth_all_degrees_of_freedom():
    # log variances without any spread: less than chance makes, trigamma(1) = 1.645 for df = 2
    found = moderated.prior(np.full(5, 0.3), 2)
    assert found == (pytest.approx(0.3 * math.exp(-special.digamma(1))), math.inf)


def test_the_prior_by_hand():
    # df = 4: digamma(2) - log(2) and trigamma(2) are what chance adds to the mean and spread of log variances
    logs = np.array([-3.0, 0.0, 3.0])
    found = moderated.prior(np.exp(logs), 4)
    beyond = 9 - trigamma(2)  # the variance of -3, 0, 3 is 9
    half = moderated.trigamma_inverse(beyond)
    assert found.df == pytest.approx(2 * half)
    shift = -special.digamma(2) + math.log(2) + special.digamma(half) - math.log(half)
    assert found.variance == pytest.approx(math.exp(shift))


def test_the_prior_that_was_planted_is_found():
    rng = np.random.default_rng(0)
    df0, variance, df = 6, 0.04, 4
    spread = variance * df0 / rng.chisquare(df0, 200_000)
    found = moderated.prior(spread * rng.chisquare(df, 200_000) / df, df)
    assert found == (pytest.approx(variance, rel=0.02), pytest.approx(df0, rel=0.05))


def test_two_sample_t_by_hand():
    rng = np.random.default_rng(3)
    one, other = simulated(rng, 3), simulated(rng, 2)
    found = moderated.two_sample(one, other)
    sample = 17
    squares = 2 * one[:, sample].var(ddof=1) + 1 * other[:, sample].var(ddof=1)
    assert found.prior.df == 3  # planted 6; never worth more than the sample's own three
    posterior = (3 * found.prior.variance + squares) / (3 + 3)
    difference = one[:, sample].mean() - other[:, sample].mean()
    assert found.t[sample] == pytest.approx(difference / math.sqrt(posterior * (1 / 3 + 1 / 2)))
    assert found.df == 6


@pytest.mark.parametrize("seeds", [4, 5])
def test_p_is_uniform_where_both_groups_are_the_same_method(seeds: int):
    rng = np.random.default_rng(seeds)
    both = simulated(rng, 2 * seeds)
    found = moderated.two_sample(both[:seeds], both[seeds:])
    assert np.abs(np.histogram(found.p, 10, (0, 1))[0] / SAMPLES - 0.1).max() < 0.03
    assert (found.q < 0.05).mean() < 0.001


@pytest.mark.parametrize("seeds", [2, 3])
def test_few_seeds_find_too_little_rather_than_too_much(seeds: int):
    rng = np.random.default_rng(seeds)
    both = simulated(rng, 2 * seeds)
    found = moderated.two_sample(both[:seeds], both[seeds:])
    assert 0.01 < (found.p < 0.05).mean() < 0.05
    assert (found.q < 0.05).sum() == 0


def test_runs_that_shift_many_samples_together_do_not_make_the_test_sure_of_itself():
    """As nets do that learned a class better: without a bound the common variance would count infinitely."""
    rng = np.random.default_rng(11)
    loadings = rng.choice([-1, 1], SAMPLES)
    found, unbounded = 0, 0
    for _ in range(40):
        both = rng.normal(0, 1, (6, 1)) * loadings + rng.normal(0, 0.1, (6, SAMPLES))
        test = moderated.two_sample(both[:3], both[3:])
        assert test.df == 8
        found += bool((test.q < 0.05).any())
        z = test.difference / math.sqrt(test.prior.variance * 2 / 3)
        p = 2 * special.ndtr(-np.abs(z))
        unbounded += bool((moderated.false_discovery_rates(p) < 0.05).any())
    assert found <= 5 < unbounded


def test_exchanged_seeds_find_planted_differences_no_more():
    rng = np.random.default_rng(5)
    both = simulated(rng, 6)
    both[:3, :200] += 3
    counts = moderated.exchanged(both[:3], both[3:], [0.05, 0.2])
    assert counts.shape == (9, 2)  # 6 over 3, each with its mirror image, less the groups as they were
    assert (moderated.two_sample(both[:3], both[3:]).q < 0.05).sum() > 150
    assert counts[:, 0].max() == 0


def test_exchanged_seeds__groups_of_different_size_and_many_ways():
    rng = np.random.default_rng(6)
    both = rng.normal(0, 1, (10, 50))
    assert len(moderated.exchanged(both[:2], both[2:5], [0.05])) == 9  # 5 over 2, less one
    assert len(moderated.exchanged(both[:5], both[5:], [0.05])) == moderated.MOST_EXCHANGES


def test_exchanged_seeds_find_what_one_odd_run_makes_of_any_group_it_is_in():
    rng = np.random.default_rng(7)
    both = rng.normal(0, 0.01, (4, 300))
    both[[0, 2], :20] += 5  # no difference of the groups (0, 1) and (2, 3): one run of each is apart
    counts = moderated.exchanged(both[:2], both[2:], [0.05])[:, 0]
    assert counts.tolist() == [20, 0]


def test_every_split_of_one_method_into_two_groups_is_silent():
    """The permutation check: six seeds of one method, ten ways to call three of them A."""
    rng = np.random.default_rng(8)
    wide = rng.random(SAMPLES) < 0.3  # two kinds of samples instead of the prior that the test supposes
    seeds = rng.normal(0, 1, (6, SAMPLES)) * np.where(wide, 0.5, 0.05)
    splits = [
        [0, *pair]
        for pair in [(1, 2), (1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5), (3, 4), (3, 5), (4, 5)]
    ]
    found = [moderated.two_sample(seeds[a], np.delete(seeds, a, axis=0)) for a in splits]
    assert max((test.q < 0.05).mean() for test in found) < 0.002
    assert np.mean([(test.p < 0.05).mean() for test in found]) == pytest.approx(0.05, abs=0.015)


def test_planted_differences_are_found_and_little_else():
    rng = np.random.default_rng(1)
    both = simulated(rng, 6)
    both[:3, :200] += 1.5
    found = moderated.two_sample(both[:3], both[3:]).q < 0.05
    assert found[:200].mean() > 0.9
    assert found[200:].sum() / found.sum() < 0.1  # at most 5 % expected


def test_few_seeds_borrow_strength_from_all_samples():
    rng = np.random.default_rng(2)
    both = simulated(rng, 4, df0=50)
    both[:2, :200] += 2.5
    moderated_finds = (moderated.two_sample(both[:2], both[2:]).q < 0.05)[:200].mean()
    variances = (both[:2].var(axis=0, ddof=1) + both[2:].var(axis=0, ddof=1)) / 2
    plain = (both[:2].mean(axis=0) - both[2:].mean(axis=0)) / np.sqrt(variances)
    plain_finds = moderated.false_discovery_rates(2 * special.stdtr(2, -np.abs(plain)))[:200] < 0.05
    assert moderated_finds > 0.9 > 0.2 > plain_finds.mean()


def test_samples_that_always_agree_are_no_find_of_their_agreement():
    rng = np.random.default_rng(4)
    both = np.ones((6, SAMPLES))  # always right
    both[:, :500] = rng.random((6, 500))
    both[:3, 500] = 0.9  # agreed upon in both groups, and a little apart
    found = moderated.two_sample(both[:3], both[3:])
    assert np.isfinite(found.t).all()
    assert found.q[500] > 0.05
    assert (found.p[501:] == 1).all()


def test_a_sample_unknown_in_one_run_is_left_out():
    rng = np.random.default_rng(5)
    both = simulated(rng, 6)
    both[2, :10] = np.nan
    found = moderated.two_sample(both[:3], both[3:])
    assert np.isnan(found.q[:10]).all()
    assert found.tested == SAMPLES - 10
    assert found.q[10:] == pytest.approx(moderated.two_sample(both[:3, 10:], both[3:, 10:]).q)


def test_groups_without_any_spread_are_refused():
    with pytest.raises(moderated.NoSpread, match="agree on every sample"):
        moderated.two_sample(np.ones((3, 5)), np.zeros((3, 5)))


def test_one_seed_is_refused():
    with pytest.raises(ValueError, match="at least 2 seeds; got 1"):
        moderated.two_sample(np.ones((1, 5)), np.zeros((3, 5)))
