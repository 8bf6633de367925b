import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine import selection, signals
from engine.config import STRATEGIES
from engine.selection.joint import Joint
from engine.selection.random_subset import RandomSubset


def known_scores(scores):
    scores = np.array(scores, np.float32)
    return signals.replace(
        signals.unknown(len(scores), window=2, width=2, consistency=np.full(len(scores), 0.5)), score=scores
    )


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.__name__)
@pytest.mark.parametrize("scores", [[np.nan] * 10, np.linspace(0, 1, 10)], ids=["unknown", "known"])
def test_every_strategy_keeps_the_contract(strategy, scores):
    known = known_scores(scores)
    before = {name: values.copy() for name, values in known.arrays().items()}
    for epoch in (0, 3):
        ids, weights = strategy().select(known, epoch, epochs=20, rng=np.random.default_rng(1))
        again = strategy().select(known, epoch, epochs=20, rng=np.random.default_rng(1))
        assert_array_equal(ids, again.ids)
        assert_array_equal(weights, again.weights)
        assert_array_equal(ids, np.unique(ids))
        assert len(ids) >= 1
        assert ids.min() >= 0
        assert ids.max() < 10
        assert (weights > 0).all()
        assert weights.dtype == np.float32
    for name, values in before.items():
        assert_array_equal(values, known.arrays()[name], err_msg=name)


def test_joint_keeps_the_highest_scores():
    chosen = Joint(keep=0.5).select(
        known_scores([0.1, 0.9, 0.3, 0.8]), 1, epochs=20, rng=np.random.default_rng(0)
    )
    assert_array_equal(chosen.ids, [1, 3])
    assert_array_equal(chosen.weights, [1, 1])


def test_joint_breaks_ties_by_id_and_puts_the_unknown_last():
    assert_array_equal(selection.keep_top(np.array([np.nan, 0.5, 0.5, 0.5]), 2).ids, [1, 2])
    assert_array_equal(selection.keep_top(np.array([np.nan, 0.0, np.nan]), 2).ids, [0, 1])


@pytest.mark.parametrize("keep", [0.01, 0.33, 0.5, 0.999, 1.0])
def test_kept_count_is_exactly_round_of_keep_times_samples(keep):
    scores = np.random.default_rng(0).random(997)
    for strategy in (Joint(keep=keep), RandomSubset(keep=keep)):
        assert len(
            strategy.select(known_scores(scores), 5, epochs=20, rng=np.random.default_rng(0)).ids
        ) == round(keep * 997)


def test_joint_warms_up_on_everything():
    known = known_scores([0.1, 0.9])
    assert (
        len(Joint(keep=0.5, warmup_epochs=2).select(known, 1, epochs=20, rng=np.random.default_rng(0)).ids)
        == 2
    )
    assert (
        len(Joint(keep=0.5, warmup_epochs=2).select(known, 2, epochs=20, rng=np.random.default_rng(0)).ids)
        == 1
    )


def test_random_subset_is_fresh_in_every_epoch():
    known = known_scores(np.zeros(100))
    first, second = (
        RandomSubset(keep=0.5).select(known, 0, epochs=20, rng=np.random.default_rng(seed)).ids
        for seed in (0, 1)
    )
    assert not np.array_equal(first, second)


def test_joint_score_is_rarity_times_consistency():
    rarity, consistency = np.array([0.5, 0.2, np.nan]), np.array([0.5, 1.0, 0.3])
    expected = [(0.5 + 1e-6) ** 2, (0.2 + 1e-6) * (1 + 1e-6), np.nan]
    np.testing.assert_allclose(selection.joint_score(rarity, consistency), expected, rtol=1e-6)


def test_joint_score__an_exponent_of_zero_ignores_its_term():
    rarity, consistency = np.array([0.1, 0.9]), np.array([0.9, 0.1])
    strategy = Joint(rarity_exponent=0, consistency_exponent=2)
    np.testing.assert_allclose(strategy.score(rarity, consistency), (consistency + 1e-6) ** 2, rtol=1e-6)


def test_joint_score__the_ends_of_the_scales_keep_their_order():
    score = selection.joint_score(np.array([0.0, 0.0]), np.array([0.2, 0.9]))
    assert 0 < score[0] < score[1]


def test_permuting_the_samples_permutes_the_choice():
    scores = np.random.default_rng(0).random(50)
    order = np.random.default_rng(1).permutation(50)
    chosen = Joint().select(known_scores(scores), 1, epochs=20, rng=np.random.default_rng(0)).ids
    permuted = Joint().select(known_scores(scores[order]), 1, epochs=20, rng=np.random.default_rng(0)).ids
    assert_array_equal(np.sort(order[permuted]), chosen)
