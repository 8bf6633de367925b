"""What each strategy says of a sample it kept or dropped: sentences from known numbers."""

import math
from dataclasses import replace

import pytest

from app.samples import reasons
from store.queries import Why

NAN = math.nan
DROPPED = Why(
    sample_id=7, epoch=12, kept=False, decided_after=11, reason="score", score=0.02, rarity=0.4,
    consistency=0.05, rank=91, n=100, kept_count=50, cut=0.2, turn=0.2, needed_rarity=NAN,
    needed_consistency=NAN,
)  # fmt: skip


def told(why, *, per_class=False, **strategy):
    strategy = {"kind": "joint", **strategy}
    return reasons.reason(why, {"strategy": strategy, "density": {"per_class": per_class}})


@pytest.mark.parametrize(
    ("reason", "place"), [("warmup", "one of the first of the run"), ("tail", "one of the last of the run")]
)
def test_warm_up_and_full_tail_drop_nothing(reason, place):
    assert told(replace(DROPPED, reason=reason)) == (
        f"Epoch 12, {place}, trained on all 100 samples, so nothing was dropped."
    )


@pytest.mark.parametrize(("kept", "end"), [(True, "and it was."), (False, "and it was not.")])
def test_a_drawn_sample_is_told_its_place_and_its_chance(kept, end):
    why = replace(DROPPED, reason="draw", kept=kept, chance=0.123, cut=NAN)
    assert told(why, draw="gumbel") == (
        "After epoch 11 its score 0.0200 = rarity 0.400 × consistency 0.0500 ranked 91 of 100. 50 of 100 "
        "were drawn, higher scores with a higher chance: one like this is kept in about "
        f"12.3\N{NO-BREAK SPACE}% of draws, {end}"
    )
    assert reasons.change(why) == ""


def test_a_scheduled_cut_is_that_of_the_epoch():
    assert told(DROPPED, schedule="cosine").endswith(
        "is below the cut of 0.200 that kept 50, as many as this epoch of the cosine schedule has."
    )


def test_a_score_of_one_factor_names_that_factor():
    assert "its score 0.0200 = rarity 0.400 ranked 91" in told(DROPPED, kind="rarity_only")
    assert "its score 0.0200 = consistency 0.0500 ranked 91" in told(DROPPED, kind="consistency_only")


def test_rarity_within_a_class_says_so():
    assert "= rarity 0.400 within its class × consistency 0.0500 ranked" in told(DROPPED, per_class=True)


def test_exponents_of_zero_leave_the_score_alone():
    assert "its score 1.00 ranked 91" in told(
        replace(DROPPED, score=1.0), rarity_exponent=0, consistency_exponent=0
    )


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (
            {"kept": False, "loss": 0.03, "chance": 0.5},
            "Its last loss 0.0300 is below the mean 0.440 of all last losses; InfoBatch drops such samples "
            "with a chance of 50.0\N{NO-BREAK SPACE}%, and this one was dropped.",
        ),
        (
            {"kept": True, "loss": 0.03, "chance": 0.5, "weight": 2.0},
            "Its last loss 0.0300 is below the mean 0.440 of all last losses; InfoBatch drops such samples "
            "with a chance of 50.0\N{NO-BREAK SPACE}%, and this one stayed and weighs 2.00 to stand in for "
            "those dropped.",
        ),
        (
            {"kept": True, "loss": 2.3, "chance": 1.0},
            "Its last loss 2.30 is not below the mean 0.440 of all last losses, so InfoBatch keeps it.",
        ),
        (
            {"kept": True, "loss": NAN, "chance": 1.0},
            "Its loss was not known before this epoch, and InfoBatch keeps what it has not seen.",
        ),
    ],
)
def test_infobatch_tells_the_loss_and_the_chance(known, sentence):
    why = replace(DROPPED, reason="loss", mean_loss=0.44, **known)
    assert (told(why, kind="infobatch"), reasons.change(why)) == (sentence, "")
