"""How suspicious each label is, and how well that finds the wrong ones where they are known.

Four signals point at label errors from different sides, so that their ranks are averaged as a fifth. All of
it is arithmetic on the summary of a run; a sample without a value is never given one.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy import ndarray

# 1: a high value is suspicious, -1: a low one.
SIGNS = {"consistency": -1, "mean_margin": -1, "mean_confidence": -1, "mean_loss": 1}
SUSPECT_SIGNALS = (*SIGNS, "mean_rank")


def with_ranks(summary: pd.DataFrame) -> pd.DataFrame:
    """Returns the summary with rank_<signal> for each signal, 1 = most suspicious, and mean_rank.

    Equal values share the better rank; NaN where the value is unknown. mean_rank is over the signals that
    this run has, NaN where one of those is unknown.
    """
    columns = {
        f"rank_{name}": ranks(summary[name].to_numpy("float64", na_value=np.nan) * sign)
        for name, sign in SIGNS.items()
    }
    known = [rank for rank in columns.values() if np.isfinite(rank).any()]
    mean = np.mean(known, axis=0) if known else np.full(len(summary), np.nan)
    return summary.assign(**columns, mean_rank=mean)


def suspicion(summary: pd.DataFrame, by: str) -> ndarray:
    """Returns one number a sample by one of SUSPECT_SIGNALS, (N,), high = suspicious; NaN where unknown."""
    if by not in SUSPECT_SIGNALS:
        raise ValueError(f"by must be one of {', '.join(SUSPECT_SIGNALS)}; got {by}")
    ranked = with_ranks(summary) if by == "mean_rank" else summary
    return ranked[by].to_numpy("float64", na_value=np.nan) * SIGNS.get(by, -1)


def precision_recall(suspicions: ndarray, is_wrong: ndarray) -> pd.DataFrame:
    """Returns precision and recall of the k most suspicious, for every k that cuts through no equal ones.

    suspicions: (N,) without NaN; is_wrong: (N,) booleans. Recall is NaN where nothing is wrong.
    """
    order, k = _sorted(-suspicions)
    found = np.cumsum(is_wrong[order])[k - 1]
    wrong = is_wrong.sum() or np.nan
    return pd.DataFrame({"k": k, "precision": found / k, "recall": found / wrong})


class Areas(NamedTuple):
    """The two areas below the curves of one ranking."""

    auroc: float  # chance that a wrong label is more suspicious than a right one, ties half
    average_precision: float  # precision averaged over the steps of recall, without interpolation


def areas(suspicions: ndarray, is_wrong: ndarray) -> Areas:
    """Returns both areas from one sorting; AUROC is NaN without both kinds, the other where nothing is wrong.

    suspicions: (N,) without NaN; is_wrong: (N,) booleans.
    """
    order, ends = _sorted(-suspicions)
    wrong = int(is_wrong.sum())
    right = len(is_wrong) - wrong
    if not wrong:
        return Areas(float("nan"), float("nan"))
    found = np.cumsum(is_wrong[order])[ends - 1]
    steps = np.diff(found, prepend=0)
    passed = ends - found  # right labels that are as suspicious or more
    below = (np.diff(passed, prepend=0) * (found - steps / 2)).sum()
    auroc = float(below / (wrong * right)) if right else float("nan")
    return Areas(auroc, float((found / ends * steps).sum() / wrong))


def average_precision(suspicions: ndarray, is_wrong: ndarray) -> float:
    """Precision averaged over the steps of recall, without interpolation; NaN where nothing is wrong."""
    return areas(suspicions, is_wrong).average_precision


def auroc(suspicions: ndarray, is_wrong: ndarray) -> float:
    """Chance that a wrong label is more suspicious than a right one, ties half; NaN without both kinds."""
    return areas(suspicions, is_wrong).auroc


def ranks(suspicions: ndarray) -> ndarray:
    """Returns ranks (N,) from 1 = most suspicious; equal ones share the better; NaN stays NaN."""
    known = np.flatnonzero(~np.isnan(suspicions))
    order, ends = _sorted(-suspicions[known])
    starts = np.concatenate([[0], ends])[:-1].astype(int)
    found = np.full(len(suspicions), np.nan)
    found[known[order]] = np.repeat(starts + 1.0, ends - starts)
    return found


def _sorted(values: ndarray) -> tuple[ndarray, ndarray]:
    """Returns the order of values (N,), rising, and how many there are up to the end of each equal group."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    is_last = np.ones(len(order), bool)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(is_last) + 1
