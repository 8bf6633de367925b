"""How suspicious each label is, and how well that finds the wrong ones where they are known.

Four signals point at label errors from different sides, so that their ranks are averaged as a fifth. All of
it is arithmetic on the summary of a run; a sample without a value is never given one.
"""

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
    ranks = {
        name: (summary[name] * -sign).rank(method="min").astype("float64") for name, sign in SIGNS.items()
    }
    known = [name for name, rank in ranks.items() if rank.notna().any()]
    mean = pd.DataFrame({name: ranks[name] for name in known}, index=summary.index).mean(axis=1, skipna=False)
    columns = {f"rank_{name}": rank for name, rank in ranks.items()}
    return summary.assign(**columns, mean_rank=mean.astype("float64"))


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
    order = np.argsort(-suspicions, kind="stable")
    found = np.cumsum(is_wrong[order])
    is_last = np.ones(len(order), bool)
    is_last[:-1] = suspicions[order][1:] != suspicions[order][:-1]
    k = np.arange(1, len(order) + 1)[is_last]
    wrong = is_wrong.sum() or np.nan
    return pd.DataFrame({"k": k, "precision": found[is_last] / k, "recall": found[is_last] / wrong})


def average_precision(suspicions: ndarray, is_wrong: ndarray) -> float:
    """Precision averaged over the steps of recall, without interpolation; NaN where nothing is wrong."""
    curve = precision_recall(suspicions, is_wrong)
    return (
        float((curve.precision * np.diff(curve.recall, prepend=0.0)).sum(skipna=False))
        if len(curve)
        else np.nan
    )


def auroc(suspicions: ndarray, is_wrong: ndarray) -> float:
    """Chance that a wrong label is more suspicious than a right one, ties half; NaN without both kinds."""
    wrong = int(is_wrong.sum())
    right = len(is_wrong) - wrong
    if not wrong or not right:
        return float("nan")
    ranks = pd.Series(suspicions).rank(method="average").to_numpy()
    return float((ranks[is_wrong].sum() - wrong * (wrong + 1) / 2) / (wrong * right))
