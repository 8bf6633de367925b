"""Which samples an epoch trains on: the contract of all strategies, their directions, budgets and draws."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine import density, selection, signals
from engine.config import STRATEGIES, InvalidConfig, parse
from engine.scaling import scaled
from engine.selection import budget
from engine.selection.budget import BudgetSettings, RankedSettings
from engine.selection.consistency_only import ConsistencyOnly
from engine.selection.infobatch import InfoBatch
from engine.selection.joint import Joint
from engine.selection.random_subset import RandomSubset
from engine.selection.rarity_only import RarityOnly

NAN = np.nan
BUDGETED = [strategy for strategy in STRATEGIES if issubclass(strategy, BudgetSettings)]
RANKED = [strategy for strategy in STRATEGIES if issubclass(strategy, RankedSettings)]


def known_signals(scores=(), losses=None):
    """Signals of which these scores are known, and these losses or else the scores again."""
    scores = np.array(scores, np.float32)
    losses = scores if losses is None else np.array(losses, np.float32)
    unknown = signals.unknown(np.full(len(scores), 0.5), width=2, classes=2)
    return signals.replace(unknown, score=scores, rarity=scores, loss=losses)


def chosen(strategy, known, epoch=5, *, epochs=20, seed=0):
    return strategy.select(known, epoch, epochs=epochs, rng=np.random.default_rng(seed))


def name(strategy):
    return strategy.__name__


# ---- the contract


@pytest.mark.parametrize("strategy", STRATEGIES, ids=name)
@pytest.mark.parametrize(
    "scores",
    [[NAN] * 10, np.linspace(0, 1, 10), [NAN, 0.2] * 5, [0.5] * 10, [0.0] * 10, [0.3], [NAN]],
    ids=["unknown", "known", "half known", "equal", "zero", "one sample", "one unknown"],
)
def test_every_strategy_keeps_the_contract(strategy, scores):
    known = known_signals(scores)
    before = {name: values.copy() for name, values in known.arrays().items()}
    for epoch in (0, 3, 19):
        ids, weights = chosen(strategy(), known, epoch, seed=1)
        again = chosen(strategy(), known, epoch, seed=1)
        assert_array_equal(ids, again.ids)
        assert_array_equal(weights, again.weights)
        assert_array_equal(ids, np.unique(ids))
        assert len(ids) >= 1
        assert ids.min() >= 0
        assert ids.max() < len(scores)
        assert len(weights) == len(ids)
        assert (weights > 0).all()
        assert (ids.dtype, weights.dtype) == (np.int64, np.float32)
    for name, values in before.items():
        assert_array_equal(values, known.arrays()[name], err_msg=name)


@pytest.mark.parametrize("strategy", BUDGETED, ids=name)
@pytest.mark.parametrize("keep", [0.01, 0.33, 0.5, 0.999, 1.0])
def test_kept_count_is_exactly_round_of_keep_times_samples(strategy, keep):
    known = known_signals(np.random.default_rng(0).random(997))
    assert len(chosen(strategy(keep=keep), known).ids) == round(keep * 997)


@pytest.mark.parametrize("strategy", RANKED, ids=name)
def test_a_draw_keeps_exactly_as_many(strategy):
    known = known_signals(np.random.default_rng(0).random(997))
    assert len(chosen(strategy(keep=0.33, draw="gumbel"), known).ids) == round(0.33 * 997)


@pytest.mark.parametrize("draw", ["top", "gumbel"])
@pytest.mark.parametrize("strategy", RANKED, ids=name)
def test_unknown_scores_are_kept_last(strategy, draw):
    known = known_signals([NAN, 0.1, NAN, 0.9, 1e-9, NAN])
    assert_array_equal(chosen(strategy(keep=0.5, draw=draw), known).ids, [1, 3, 4])
    assert_array_equal(chosen(strategy(keep=0.67, draw=draw), known).ids, [0, 1, 3, 4])


@pytest.mark.parametrize("strategy", RANKED, ids=name)
def test_ties_are_broken_by_id(strategy):
    assert_array_equal(chosen(strategy(keep=0.5), known_signals([0.1, 0.5, 0.5, 0.5])).ids, [1, 2])


@pytest.mark.parametrize("strategy", RANKED, ids=name)
def test_permuting_the_samples_permutes_the_choice(strategy):
    scores = np.random.default_rng(0).random(50)
    order = np.random.default_rng(1).permutation(50)
    expected = chosen(strategy(), known_signals(scores)).ids
    assert_array_equal(np.sort(order[chosen(strategy(), known_signals(scores[order])).ids]), expected)


# ---- directions


@pytest.mark.parametrize("strategy", [RarityOnly(keep=0.02), Joint(keep=0.02)], ids=["rarity_only", "joint"])
def test_an_isolated_point_is_kept_first(strategy):
    crowd = np.random.default_rng(0).normal([1.0, 0.0], 0.02, (60, 2))
    features = density.normalised(np.vstack([crowd, [[-1.0, 0.0]]]).astype(np.float32))
    found = density.nearest_neighbours(features, density.DensitySettings(), seed=0)
    rarity = scaled(density.neighbour_distance(found), "percentile")
    score = strategy.score(rarity, np.full(61, 0.5, np.float32))
    assert_array_equal(chosen(strategy, known_signals(score)).ids, [60])


def test_joint_keeps_the_highest_scores():
    kept = chosen(Joint(keep=0.5), known_signals([0.1, 0.9, 0.3, 0.8]))
    assert_array_equal(kept.ids, [1, 3])
    assert_array_equal(kept.weights, [1, 1])


def test_the_strategies_of_one_factor_ignore_the_other_even_where_it_is_unknown():
    rarity, consistency = np.array([0.1, 0.9, NAN]), np.array([0.9, NAN, 0.1])
    assert_allclose(RarityOnly().score(rarity, consistency), rarity + 1e-6, rtol=1e-6)
    assert_allclose(ConsistencyOnly().score(rarity, consistency), consistency + 1e-6, rtol=1e-6)


def test_joint_score_is_rarity_times_consistency():
    rarity, consistency = np.array([0.5, 0.2, NAN]), np.array([0.5, 1.0, 0.3])
    expected = [(0.5 + 1e-6) ** 2, (0.2 + 1e-6) * (1 + 1e-6), NAN]
    assert_allclose(selection.joint_score(rarity, consistency), expected, rtol=1e-6)


def test_joint_score__an_exponent_of_zero_ignores_its_term():
    rarity, consistency = np.array([0.1, 0.9]), np.array([0.9, 0.1])
    strategy = Joint(rarity_exponent=0, consistency_exponent=2)
    assert_allclose(strategy.score(rarity, consistency), (consistency + 1e-6) ** 2, rtol=1e-6)


def test_joint_score__the_ends_of_the_scales_keep_their_order():
    score = selection.joint_score(np.array([0.0, 0.0]), np.array([0.2, 0.9]))
    assert 0 < score[0] < score[1]


@pytest.mark.parametrize("kind", ["joint", "consistency_only"])
def test_what_ranks_by_consistency_needs_an_encoder(kind):
    with pytest.raises(InvalidConfig, match=f"{kind} selection must have a consistency encoder"):
        parse({}, [f"strategy.kind={kind}", "consistency.kind=none"])
    parse({}, ["strategy.kind=rarity_only", "consistency.kind=none"])


# ---- the budget of an epoch


def counts(strategy, *, samples=100, epochs=10):
    known = known_signals(np.linspace(0.1, 1, samples))
    return [len(chosen(strategy, known, epoch, epochs=epochs).ids) for epoch in range(epochs)]


@pytest.mark.parametrize("strategy", BUDGETED, ids=name)
def test_equal_settings_are_an_equal_budget(strategy):
    settings = {"keep": 0.3, "schedule": "cosine", "warmup_epochs": 2, "full_tail": 0.2}
    assert counts(strategy(**settings)) == counts(RandomSubset(**settings))


def test_a_constant_share_falls_at_once_after_the_warm_up():
    assert counts(Joint(keep=0.5, warmup_epochs=3), epochs=6) == [100, 100, 100, 50, 50, 50]


def test_a_linear_share_falls_in_equal_steps_to_keep_in_the_last_epoch():
    # From 1 in epoch 0 to 0.2 in epoch 4: steps of 0.8 / 4.
    assert counts(Joint(keep=0.2, schedule="linear"), epochs=5) == [100, 80, 60, 40, 20]


def test_a_linear_share_reaches_keep_before_the_full_tail():
    strategy = Joint(keep=0.4, schedule="linear", warmup_epochs=2, full_tail=0.4)
    assert counts(strategy, epochs=8) == [100, 100, 80, 60, 40, 100, 100, 100]  # 0.4 of 8 is 3.2 epochs


def test_a_cosine_share_falls_slowly_fast_slowly():
    # 1 - 0.8 * (1 - cos(pi * t)) / 2 at t = 1/4, 1/2, 3/4, 1
    half = 0.8 * (1 - np.sqrt(0.5)) / 2
    expected = [100, round(100 * (1 - half)), 60, round(100 * (0.2 + half)), 20]
    assert counts(Joint(keep=0.2, schedule="cosine"), epochs=5) == expected


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_a_single_epoch_after_the_warm_up_keeps_the_share(schedule):
    assert counts(Joint(keep=0.3, schedule=schedule), epochs=2) == [100, 30]


def test_a_warm_up_longer_than_the_run_keeps_everything():
    assert counts(Joint(schedule="linear", warmup_epochs=9, full_tail=0.5), epochs=4) == [100] * 4


@pytest.mark.parametrize(
    ("epochs", "share", "expected"), [(10, 0.3, 3), (10, 0.0, 0), (7, 0.5, 3), (4, 0.125, 0), (3, 1.0, 3)]
)
def test_the_full_tail_is_rounded_down(epochs, share, expected):
    assert budget.full_tail_epochs(epochs, share) == expected
    assert sum(budget.in_full_tail(epoch, epochs, share) for epoch in range(epochs)) == expected


@pytest.mark.parametrize("strategy", BUDGETED, ids=name)
def test_rescaled_weights_sum_to_the_samples(strategy):
    known = known_signals(np.linspace(0.1, 1, 30))
    kept = chosen(strategy(keep=1 / 3, rescale=True), known)
    assert_array_equal(kept.weights, np.full(10, 3))
    assert_array_equal(chosen(strategy(keep=1 / 3, rescale=True), known, 0).weights, np.ones(30))


def test_random_subset_is_fresh_in_every_epoch():
    known = known_signals(np.zeros(100))
    first, second = (chosen(RandomSubset(), known, seed=seed).ids for seed in (0, 1))
    assert not np.array_equal(first, second)


# ---- the weighted draw


def kept_shares(weights, kept):
    """How often each is among the first kept when drawn one by one in proportion to weight: all orders."""
    shares = np.zeros(len(weights))
    for order in permutations(range(len(weights)), kept):
        chance, left = 1.0, sum(weights)
        for drawn in order:
            chance *= weights[drawn] / left
            left -= weights[drawn]
        shares[list(order)] += chance
    return shares


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_gumbel_draw_is_a_weighted_draw_without_replacement(temperature):
    scores = np.array([0.1, 0.2, 0.3, 0.4])
    strategy = Joint(keep=0.5, draw="gumbel", temperature=temperature)
    draws = [chosen(strategy, known_signals(scores), seed=seed).ids for seed in range(4000)]
    share = np.bincount(np.concatenate(draws), minlength=4) / len(draws)
    # The standard deviation of a share over 4,000 draws is at most 0.008.
    assert_allclose(share, kept_shares(scores ** (1 / temperature), 2), atol=0.03)


def test_a_cold_draw_is_nearly_the_top():
    known = known_signals(np.linspace(0.1, 1, 10))
    drawn = chosen(Joint(draw="gumbel", temperature=0.01), known).ids
    assert_array_equal(drawn, chosen(Joint(), known).ids)


# ---- InfoBatch

SEEN = [0.1, 0.1, 0.1, 0.1, 2.0, 2.0, NAN]  # the mean of the known ones is 4.4 / 6


def test_infobatch_drops_only_below_the_mean_and_weighs_what_it_keeps_of_those():
    ids, weights = chosen(InfoBatch(), known_signals(SEEN, SEEN), seed=1)
    assert set(ids) >= {4, 5, 6}
    assert 3 < len(ids) < 7
    assert_array_equal(weights, np.where(ids < 4, 1 / (1 - 0.5), 1))


def test_kept_weights_stand_in_for_the_dropped_ones():
    known = known_signals(SEEN, SEEN)
    totals = [chosen(InfoBatch(drop_chance=0.3), known, seed=seed).weights.sum() for seed in range(2000)]
    # Four samples of weight 0 or 1 / 0.7: the standard deviation of the mean of 2,000 sums is 0.03.
    assert np.mean(totals) == pytest.approx(7, abs=0.12)


def test_infobatch_draws_anew_in_every_epoch():
    known = known_signals(np.linspace(0, 1, 100))
    first, second = (chosen(InfoBatch(), known, seed=seed).ids for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_infobatch_ends_on_everything():
    # delta = 0.875 of 20 epochs is 17.5: epochs 18 and 19 are full.
    known = known_signals(np.linspace(0, 1, 200))
    full = [len(chosen(InfoBatch(), known, epoch).ids) == 200 for epoch in range(20)]
    assert full == [False] * 18 + [True] * 2


def test_infobatch__equal_losses_are_not_below_their_mean():
    assert len(chosen(InfoBatch(), known_signals(np.full(97, 0.1))).ids) == 97


# ---- thresholds


def signals_of(rarity, consistency, strategy):
    rarity, consistency = np.array(rarity, np.float32), np.array(consistency, np.float32)
    unknown = signals.unknown(consistency, width=2, classes=2)
    return signals.replace(unknown, rarity=rarity, score=strategy.score(rarity, consistency))


@pytest.mark.parametrize("draw", ["top", "gumbel"])
@pytest.mark.parametrize("strategy", RANKED, ids=name)
def test_what_is_beyond_a_threshold_is_never_kept_and_fewer_are_kept_instead(strategy, draw):
    settled = strategy(keep=1.0, draw=draw, min_consistency=0.5, max_rarity=0.75)
    known = signals_of([0.75, 0.25, 1.0, 0.5], [0.5, 0.25, 1.0, 0.75], settled)
    assert_array_equal(chosen(settled, known).ids, [0, 3])  # at a threshold is within it


@pytest.mark.parametrize("strategy", RANKED, ids=name)
def test_warmup_and_full_tail_train_on_all_whatever_the_thresholds(strategy):
    settled = strategy(min_consistency=1.0, max_rarity=0.0, warmup_epochs=2, full_tail=0.25)
    known = signals_of([0.5] * 8, [0.5] * 8, settled)
    sizes = [len(chosen(settled, known, epoch, epochs=8).ids) for epoch in (1, 2, 5, 6)]
    assert sizes == [8, 1, 1, 8]  # one is kept where nothing passes


def test_an_unknown_value_is_within_every_threshold():
    strategy = RarityOnly(keep=0.5, min_consistency=0.9)
    known = signals_of([0.1, 0.2, 0.9, 0.3], [NAN, 1.0, 0.2, NAN], strategy)
    assert_array_equal(chosen(strategy, known).ids, [1, 3])


@pytest.mark.parametrize("draw", ["top", "gumbel"])
def test_thresholds_at_their_defaults_change_nothing(draw):
    known = known_signals(np.random.default_rng(3).random(200))
    kept, rng = selection.kept_count(0.3, 200), np.random.default_rng(5)
    plain = (
        selection.top(known.score, kept)
        if draw == "top"
        else selection.draw_weighted(known.score, kept, temperature=1.0, rng=rng)
    )
    assert_array_equal(chosen(Joint(keep=0.3, draw=draw), known, seed=5).ids, np.sort(plain))


def test_a_threshold_of_consistency_needs_an_encoder():
    with pytest.raises(InvalidConfig, match=r"strategy\.min_consistency must be 0 without a consistency"):
        parse({"consistency": {"kind": "none"}, "strategy": {"kind": "rarity_only", "min_consistency": 0.2}})
