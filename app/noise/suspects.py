"""Suspects and how well each ranking finds them, all derived from one question asked of the run.

The store can rank and grade by itself, but asks the whole history each time; a page that shows five
rankings and their grades asks once and does the arithmetic on the answer.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy import ndarray
from pandas import DataFrame

from store.questions import suspicion
from store.questions.suspicion import SUSPECT_SIGNALS


class Grade(NamedTuple):
    """How well a ranking finds the wrong labels among the n samples where value and truth are known."""

    auroc: float
    average_precision: float
    n: int
    flipped: int


class Quadrant(NamedTuple):
    """One corner of rarity against consistency, and what its samples usually are."""

    name: str
    means: str
    is_rare: bool
    agrees: bool


QUADRANTS = (
    Quadrant("Common and right", "dropped as redundant", is_rare=False, agrees=True),
    Quadrant("Rare and right", "kept", is_rare=True, agrees=True),
    Quadrant("Common and doubtful", "look-alikes, or wrong among many", is_rare=False, agrees=False),
    Quadrant("Rare and doubtful", "likely wrong", is_rare=True, agrees=False),
)
# Where rare begins and where a label agrees: the middle of both scales, which run from 0 to 1 (ours).
RARE_FROM, AGREES_FROM = 0.5, 0.5
# All of a summary that ranking, grades and quadrants are made of; the rest of it is dear.
COLUMNS = (
    "sample_id", "label", "true_label", "consistency", "mean_margin", "mean_confidence", "mean_loss",
    "last_prediction", "last_rarity",
)  # fmt: skip


class Findings(NamedTuple):
    """What a page shows of one ranking; as small for a million samples as for a thousand."""

    listed: DataFrame  # the most suspicious samples, ranked
    amount: int  # of all samples that have a rank
    averaged: int  # how many rankings the mean rank is over
    grades: Mapping[str, Grade]
    curve: DataFrame  # precision and recall of the ranking
    points: DataFrame  # sample_id, rarity, consistency and flipped of the samples to be drawn
    placed: int  # samples that have both rarity and consistency
    corners: tuple[int, ...]  # how many of them each of QUADRANTS holds


def findings(summary: DataFrame, by: str, *, rows: int, points: int) -> Findings:
    """Ranks the samples of a summary and returns what is shown of it, so many rows and points at most."""
    order = ranked(summary, by)
    places = summary[["sample_id", "consistency"]].assign(
        rarity=summary["last_rarity"], flipped=is_flipped(summary)
    )
    known = places.dropna(subset=["rarity", "consistency"])
    return Findings(
        listed=order.head(rows),
        amount=len(order),
        averaged=sum(bool(summary[name].notna().any()) for name in suspicion.SIGNS),
        grades=grades(summary),
        curve=thinned(precision_recall(summary, by), most=points),
        points=drawable(known, order["sample_id"].head(rows), most=points),
        placed=len(known),
        corners=tuple(len(inside(summary, quadrant)) for quadrant in QUADRANTS),
    )


def ranked(summary: DataFrame, by: str) -> DataFrame:
    """Returns the summary, most suspicious first, with rank, suggested label and whether it is flipped.

    Samples without a value are left out.
    """
    frame = suspicion.with_ranks(summary)
    suspicions = suspicion.suspicion(frame, by)
    order = np.argsort(-suspicions, kind="stable")[: int(np.isfinite(suspicions).sum())]
    worst = frame.iloc[order].reset_index(drop=True)
    return worst.assign(
        rank=np.arange(1, len(worst) + 1), suggested_label=suggested(worst), flipped=is_flipped(worst)
    )


def grades(summary: DataFrame) -> Mapping[str, Grade]:
    """Returns the grade of every ranking; NaN where no truth is known."""
    return {by: _grade(*_judged(summary, by)) for by in SUSPECT_SIGNALS}


def precision_recall(summary: DataFrame, by: str) -> DataFrame:
    """Returns k, precision and recall of one ranking."""
    return suspicion.precision_recall(*_judged(summary, by))


def inside(summary: DataFrame, quadrant: Quadrant) -> ndarray:
    """Returns the ids in a quadrant, by id; samples without a rarity or a consistency are in none."""
    rarity, consistency = (summary[name].to_numpy("float64") for name in ("last_rarity", "consistency"))
    known = np.isfinite(rarity) & np.isfinite(consistency)
    fits = ((rarity >= RARE_FROM) == quadrant.is_rare) & ((consistency >= AGREES_FROM) == quadrant.agrees)
    return summary["sample_id"].to_numpy("int64")[known & fits]


def drawable(frame: DataFrame, first: "pd.Series[int]", *, most: int) -> DataFrame:
    """Returns at most so many rows of a frame: those of the ids in first, and a fixed draw of the rest.

    A browser takes five seconds for 50,000 points, and a tenth of them show the same cloud.
    """
    if len(frame) <= most:
        return frame
    chosen = frame["sample_id"].isin(first.head(most))
    rest = frame[~chosen].sample(most - int(chosen.sum()), random_state=0)
    return pd.concat([frame[chosen], rest]).sort_values("sample_id")


def thinned(curve: DataFrame, *, most: int) -> DataFrame:
    """Returns at most so many rows of a curve: all of its beginning, evenly spread ones of the rest."""
    if len(curve) <= most:
        return curve
    half = most // 2
    rest = np.linspace(half, len(curve) - 1, most - half).round().astype(int)
    return curve.iloc[np.concatenate([np.arange(half), rest])]


def suggested(frame: DataFrame) -> "pd.Series[Any]":
    """Returns the last prediction where it is another class than the label; unknown elsewhere."""
    other = frame["last_prediction"].where(frame["last_prediction"] != frame["label"])
    return other.astype("Int64")


def is_flipped(frame: DataFrame) -> "pd.Series[Any]":
    """Returns whether each label is wrong: unknown where the true label is."""
    flipped = pd.Series(np.asarray(frame["label"] != frame["true_label"]), frame.index, dtype="boolean")
    return flipped.where(frame["true_label"].notna().to_numpy())


def _judged(summary: DataFrame, by: str) -> tuple[ndarray, ndarray]:
    """Suspicion and truth, (M,) each, of the samples where both are known."""
    suspicions = suspicion.suspicion(summary, by)
    known = np.isfinite(suspicions) & summary["true_label"].notna().to_numpy()
    return suspicions[known], (summary["label"] != summary["true_label"]).to_numpy()[known]


def _grade(suspicions: ndarray, is_wrong: ndarray) -> Grade:
    areas = suspicion.areas(suspicions, is_wrong)
    return Grade(*areas, n=len(is_wrong), flipped=int(is_wrong.sum()))
