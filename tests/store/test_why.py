"""Why a sample was kept or dropped, on six samples that fit in the head."""

import math

import numpy as np
import pytest

from store import queries

SAMPLES = 6
RARITY = np.array([0.9, 0.8, 0.5, 0.4, 0.2, np.nan])
CONSISTENCY = np.array([0.5, 1.0, 0.9, 0.5, 0.4, 1.0])
SCORE = RARITY * CONSISTENCY  # 0.45, 0.80, 0.45, 0.20, 0.08, unknown
ALL = np.ones(SAMPLES)
TOP_HALF = np.array([1, 1, 1, 0, 0, 0])


@pytest.fixture
def make_decided(make_run, rows):
    """A run of two epochs: all are kept in the first, which gives the scores, and then the selected ones."""

    def make(selected=TOP_HALF, score=SCORE, consistency=CONSISTENCY, strategy=None):
        strategy = strategy or {"kind": "joint", "warmup_epochs": 1}
        run = make_run(samples=SAMPLES, config={"strategy": strategy, "epochs": 2})
        run.write_samples({**rows.fixed(SAMPLES), "consistency": consistency}, rows.classes)
        for epoch, kept in enumerate((ALL, selected)):
            columns = rows.epoch(epoch, SAMPLES, selected=kept, score=score, rarity=RARITY)
            run.write_epoch(epoch, columns, rows.metrics(epoch))
        return run

    return make


def test_a_dropped_sample_is_told_the_cut_and_what_would_have_kept_it(make_decided):
    why = queries.why(make_decided(), 3, 1)
    assert (why.kept, why.reason, why.decided_after) == (False, "score", 0)
    assert (why.rank, why.n, why.kept_count) == (4, 6, 3)
    assert (why.score, why.rarity, why.consistency) == pytest.approx((0.4 * 0.5, 0.4, 0.5))
    assert (why.cut, why.turn) == pytest.approx((0.45, 0.45))
    assert why.needed_rarity == pytest.approx(0.45 / 0.5, abs=1e-5)
    assert math.isnan(why.needed_consistency)  # 0.45 / 0.4 is above 1


def test_a_kept_sample_is_told_what_would_have_dropped_it(make_decided):
    why = queries.why(make_decided(), 1, 1)
    assert (why.kept, why.reason, why.rank) == (True, "score", 1)
    assert (why.cut, why.turn) == pytest.approx((0.45, 0.20))
    assert (why.needed_rarity, why.needed_consistency) == pytest.approx((0.20 / 1.0, 0.20 / 0.8), abs=1e-5)


def test_equal_scores_are_ranked_by_id(make_decided):
    run = make_decided()
    assert [queries.why(run, sample, 1).rank for sample in range(5)] == [2, 1, 3, 4, 5]


def test_exponents_of_the_strategy_count(make_decided):
    strategy = {"kind": "joint", "rarity_exponent": 2.0, "consistency_exponent": 0.5}
    score = RARITY**2 * CONSISTENCY**0.5
    why = queries.why(make_decided(score=score, strategy=strategy), 3, 1)
    cut = 0.5**2 * 0.9**0.5
    assert why.needed_rarity == pytest.approx((cut / 0.5**0.5) ** (1 / 2), abs=1e-5)
    assert math.isnan(why.needed_consistency)


def test_a_score_that_is_not_the_product_has_no_needed_factor(make_decided):
    why = queries.why(make_decided(score=RARITY), 3, 1)
    assert (why.reason, why.cut) == ("score", 0.5)
    assert math.isnan(why.needed_rarity) and math.isnan(why.needed_consistency)


def test_all_kept_is_a_warm_up(make_decided):
    why = queries.why(make_decided(), 3, 0)
    assert (why.kept, why.reason, why.decided_after, why.kept_count) == (True, "warmup", -1, 6)
    assert math.isnan(why.cut) and why.rank is None


def test_a_random_draw_is_not_explained_by_scores(make_decided):
    why = queries.why(make_decided(selected=np.array([1, 0, 1, 0, 1, 0])), 3, 1)
    assert (why.kept, why.reason) == (False, "unknown")
    assert math.isnan(why.cut) and math.isnan(why.needed_rarity)


def test_an_unknown_score_is_not_explained(make_decided):
    why = queries.why(make_decided(), 5, 1)
    assert (why.kept, why.reason, why.rank) == (False, "unknown", None)


def test_where_only_unknown_scores_were_dropped_nothing_turns_a_kept_one(make_decided):
    why = queries.why(make_decided(selected=np.array([1, 1, 1, 1, 1, 0])), 4, 1)
    assert (why.kept, why.reason, why.cut) == (True, "score", pytest.approx(0.08))
    assert math.isnan(why.turn) and math.isnan(why.needed_rarity)


def test_an_epoch_that_is_not_recorded_is_unknown(make_decided):
    why = queries.why(make_decided(), 2, 7)
    assert (why.kept, why.reason, why.n, why.rank) == (None, "unknown", 0, None)


def test_a_sample_that_does_not_exist_is_refused(make_decided):
    with pytest.raises(LookupError, match="has no sample 77"):
        queries.why(make_decided(), 77, 1)
