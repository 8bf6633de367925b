"""Why a sample was dropped and how its strength came about: sentences from known numbers."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from app import finding
from app.samples import reasons, sample_life
from store.queries import Why

NAN = math.nan
DROPPED = Why(
    sample_id=7, epoch=12, kept=False, decided_after=11, reason="score", score=0.02, rarity=0.4,
    consistency=0.05, rank=91, n=100, kept_count=50, cut=0.2, turn=0.2, needed_rarity=NAN,
    needed_consistency=0.5,
)  # fmt: skip
JOINT = {"strategy": {"kind": "joint"}}


# ---- reasons


def test_a_dropped_sample_is_told_its_score_its_rank_and_the_cut():
    assert reasons.outcome(DROPPED) == "Dropped in epoch 12"
    assert reasons.reason(DROPPED, JOINT) == (
        "After epoch 11 its score 0.0200 = rarity 0.400 × consistency 0.0500 ranked 91 of 100 and is below "
        "the cut of 0.200 that kept 50."
    )


def test_exponents_stand_in_the_equation_of_the_score():
    strategy = {"kind": "joint", "rarity_exponent": 2, "consistency_exponent": 1.5}
    assert "= rarity 0.400² × consistency 0.0500^1.5 ranked" in reasons.reason(
        DROPPED, {"strategy": strategy}
    )


def test_the_smallest_change_names_only_what_can_turn_it():
    assert reasons.change(DROPPED) == "To be kept it needs a consistency of at least 0.500 instead of 0.0500."
    both = replace(DROPPED, kept=True, needed_rarity=0.3, needed_consistency=0.02)
    assert reasons.change(both) == (
        "To be dropped it needs a rarity of at most 0.300 instead of 0.400 or a consistency of at most "
        "0.0200 instead of 0.0500."
    )
    assert "No change of one factor" in reasons.change(replace(DROPPED, needed_consistency=NAN))


@pytest.mark.parametrize(
    ("reason", "strategy", "sentence"),
    [
        ("all", "joint", "Epoch 12 trained on all 100 samples, so nothing was dropped."),
        (
            "all",
            "everything",
            "This run trains on all samples in every epoch, so nothing is ever dropped.",
        ),
        ("random", "random_subset", "A fresh random draw of 50 of 100 samples decided."),
        ("unknown", "joint", "The scores known after epoch 11 do not explain this selection."),
    ],
)
def test_a_score_that_did_not_decide_is_no_reason(reason: str, strategy: str, sentence: str):
    why = replace(DROPPED, reason=reason)
    assert (reasons.reason(why, {"strategy": {"kind": strategy}}), reasons.change(why)) == (sentence, "")


def test_an_epoch_that_is_not_recorded_has_no_reason():
    assert reasons.outcome(replace(DROPPED, kept=None)) == "Epoch 12 has not been recorded"


# ---- the chain to the strength


def history(**columns: Any) -> DataFrame:
    count = len(next(iter(columns.values())))
    known = {"epoch": np.arange(count), "sample_id": 7, "label": 3, "true_label": NAN, "selected": True}
    return DataFrame({**known, "prediction": NAN, "correct": pd.NA, "influence": NAN, "variance": NAN,
                      "strength": 0.5, **columns})  # fmt: skip


def test_the_chain_ends_at_the_strength_of_the_next_epoch():
    chain = sample_life.chain(
        history(influence=[NAN, 1.0, 3.0, 9.0], variance=[NAN, NAN, 1.0, 5.0], strength=[0.1, 0.2, 0.3, 0.4]),
        2,
        window=2,
    )
    # The variance of 1 and 3 around 2 is 1.
    assert (chain.influences, chain.window_variance, chain.variance, chain.strength) == (
        (1.0, 3.0),
        1.0,
        1.0,
        0.4,
    )


def test_chain__fewer_influences_than_the_window():
    chain = sample_life.chain(history(influence=[NAN, 1.0]), 1, window=5)
    assert (chain.influences, math.isnan(chain.window_variance), math.isnan(chain.strength)) == (
        (1.0,),
        True,
        True,
    )
    assert sample_life.sentence(chain, "sada").startswith("4 more influences until it has a variance")
    assert "constant, not SADA;" in sample_life.sentence(chain, "constant")


def test_chain__dropped_in_the_next_epoch():
    chain = sample_life.chain(history(influence=[NAN, 1.0], strength=[0.5, NAN]), 0, window=2)
    assert sample_life.sentence(chain, "sada") == "Epoch 1 dropped the sample, so no strength was used on it."


def test_facts__not_visited_in_the_epoch():
    frame = history(prediction=[8.0, NAN], correct=[False, pd.NA], selected=[True, False])
    names = [str(label) for label in range(10)]
    assert sample_life.facts(frame, names, 1) == {
        "Label": "3", "True label": "–", "Prediction": "not seen", "Kept epochs": "1 of 2",
        "Right visits": "0 of 1",
    }  # fmt: skip


def test_the_headline_names_the_other_class_that_was_predicted_most():
    names = [str(label) for label in range(10)]
    assert finding.headline(history(prediction=[3.0, 8.0, 8.0, 5.0]), names) == (
        "Labelled 3, predicted 8 in 2 of 4 visits"
    )
    assert finding.headline(history(prediction=[3.0, NAN]), names) == "Labelled 3"


def test_a_value_of_an_earlier_visit_says_of_which():
    frame = history(loss=[NAN, 2.3, NAN])
    told = [finding.last_seen(frame, "loss", epoch) for epoch in (0, 1, 2)]
    assert told == ["–", "2.30", "2.30, last seen in epoch 1"]
