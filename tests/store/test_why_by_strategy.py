"""Why each strategy kept or dropped a sample, on six samples that fit in the head."""

import math
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from engine.selection import budget
from store import queries
from store.questions import decision

SCORE = np.array([0.6, 0.5, 0.4, 0.3, 0.2, np.nan])
FIRST_HALF = np.array([1, 1, 1, 0, 0, 0])
LOSS = np.array([[0.1, 0.2, 0.3, 3.0, 9.0, np.nan], [0.2, np.nan, 0.3, 3.0, np.nan, np.nan]])
# By now the last losses are 0.2, 0.2, 0.3, 3.0, 9.0 and unknown; their mean is 12.7 / 5.


@pytest.fixture
def make_decided(make_run, rows):
    """A run of two epochs on all of six samples, and a third on the selected ones."""

    def make(strategy, selected=FIRST_HALF, weight=1.0, score=SCORE):
        run = make_run(samples=6, config={"strategy": strategy, "epochs": 3})
        run.write_samples({**rows.fixed(6), "consistency": np.full(6, 0.5)}, rows.classes)
        for epoch, kept in enumerate((np.ones(6), np.ones(6), selected)):
            known = {"score": score, "rarity": score, "loss": LOSS[min(epoch, 1)]}
            known["weight"] = np.where(kept, weight if epoch == 2 else 1.0, np.nan)
            run.write_epoch(epoch, rows.epoch(epoch, 6, selected=kept, **known), rows.metrics(epoch))
        return run

    return make


@pytest.mark.parametrize("selected", [FIRST_HALF, 1 - FIRST_HALF], ids=["as the top", "unlike the top"])
def test_a_draw_is_never_explained_by_the_cut(make_decided, selected):
    run = make_decided({"kind": "joint", "draw": "gumbel"}, selected)
    why = queries.why(run, 1, 2)
    assert (why.kept, why.reason, why.rank) == (bool(selected[1]), "draw", 2)
    assert math.isnan(why.cut) and math.isnan(why.needed_rarity)
    assert 0.5 < why.chance < 1


def test_a_random_subset_has_one_chance_for_all_even_where_it_looks_like_the_top(make_decided):
    why = queries.why(make_decided({"kind": "random_subset"}), 4, 2)
    assert (why.kept, why.reason, why.chance, why.rank) == (False, "random", 3 / 6, None)


def test_the_last_epochs_of_a_full_tail_are_no_warm_up(make_decided):
    strategy = {"kind": "joint", "warmup_epochs": 1, "full_tail": 0.4}  # 0.4 of 3 epochs is one
    run = make_decided(strategy, np.ones(6))
    assert [queries.why(run, 0, epoch).reason for epoch in range(3)] == ["warmup", "all", "tail"]


@pytest.mark.parametrize("full_tail", [0.0, 0.125, 0.3, 0.5, 1.0])
def test_the_full_tail_is_that_of_the_engine(full_tail):
    known = pd.DataFrame({"selected": [True], "weight": [1.0], "score": [0.5], "rarity": [0.5]})
    for epochs in range(1, 13):
        config = {"strategy": {"full_tail": full_tail}, "epochs": epochs}
        for epoch in range(epochs):
            why = decision.explain(known, 0, epoch, consistency=0.5, config=config)
            assert (why.reason == "tail") == budget.in_full_tail(epoch, epochs, full_tail)


@pytest.mark.parametrize(("kind", "ways"), [("rarity_only", (0.4, None)), ("consistency_only", (None, 0.4))])
def test_one_factor_alone_can_turn_the_strategies_of_one_factor(make_run, rows, kind, ways):
    run = make_run(samples=6, config={"strategy": {"kind": kind}, "epochs": 3})
    run.write_samples({**rows.fixed(6), "consistency": SCORE}, rows.classes)
    for epoch in (0, 1):
        columns = rows.epoch(epoch, 6, selected=FIRST_HALF, score=SCORE, rarity=SCORE)
        run.write_epoch(epoch, columns, rows.metrics(epoch))
    why = queries.why(run, 3, 1)
    assert (why.kept, why.reason, why.cut) == (False, "score", pytest.approx(0.4))
    for needed, expected in zip((why.needed_rarity, why.needed_consistency), ways, strict=True):
        assert math.isnan(needed) if expected is None else needed == pytest.approx(expected, abs=1e-5)


def test_infobatch_is_explained_by_the_last_loss_of_each_sample(make_decided):
    selected, weight = np.array([0, 1, 0, 1, 1, 1]), np.array([1, 2, 1, 1, 1, 1])
    run = make_decided({"kind": "infobatch", "drop_chance": 0.5}, selected, weight)
    found = [queries.why(run, sample, 2) for sample in range(6)]
    assert {why.reason for why in found} == {"loss"}
    assert [why.chance for why in found] == [0.5, 0.5, 0.5, 1, 1, 1]
    assert [why.loss for why in found[:5]] == pytest.approx([0.2, 0.2, 0.3, 3.0, 9.0])
    assert math.isnan(found[5].loss)
    assert found[0].mean_loss == pytest.approx(12.7 / 5)
    assert (found[1].weight, math.isnan(found[0].weight)) == (2, True)
    assert math.isnan(found[0].score) and found[0].rank is None  # the score had no part in it


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_chance_of_a_draw_is_nearly_that_of_all_its_orders(temperature):
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, np.nan])
    weights = scores[:5] ** (1 / temperature)
    exact = np.zeros(5)
    for order in permutations(range(5), 2):
        first = weights[order[0]] / weights.sum()
        exact[list(order)] += first * weights[order[1]] / (weights.sum() - weights[order[0]])
    found = [decision.drawn_chance(scores, 2, sample, temperature=temperature) for sample in range(5)]
    assert found == pytest.approx(exact, abs=0.03)
    assert sum(found) == pytest.approx(2)
    assert math.isnan(decision.drawn_chance(scores, 2, 5, temperature=temperature))


def test_a_draw_of_all_known_samples_is_certain():
    scores = np.array([0.0, 0.5, np.nan])
    assert decision.drawn_chance(scores, 2, 0, temperature=0.01) == 1


# ---- thresholds


def test_a_sample_beyond_a_threshold_is_told_so_and_the_others_are_compared_without_it(make_run, rows):
    rarity, consistency = np.array([0.9, 0.8, 0.5, 0.4]), np.array([1.0, 0.1, 0.9, 0.8])
    strategy = {"kind": "joint", "keep": 0.5, "min_consistency": 0.2, "max_rarity": 0.85}
    run = make_run(samples=4, config={"strategy": strategy, "epochs": 2})
    run.write_samples({**rows.fixed(4), "consistency": consistency}, rows.classes)
    for epoch, kept in enumerate(([1, 1, 1, 1], [0, 0, 1, 1])):
        told = {"selected": np.array(kept), "score": rarity * consistency, "rarity": rarity}
        run.write_epoch(epoch, rows.epoch(epoch, 4, **told), rows.metrics(epoch))
    found = [queries.why(run, sample, 1) for sample in range(4)]
    assert [why.reason for why in found] == ["threshold", "threshold", "score", "score"]
    assert found[2].cut == pytest.approx(0.4 * 0.8)
