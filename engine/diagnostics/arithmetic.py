"""Two numbers that several diagnostics share: a rank correlation and the Gini coefficient.

Written out because the app asks for them too, and a library for them would weigh more than the app itself.
"""

import numpy as np
import pandas as pd
from numpy import ndarray


def rank_correlation(left: ndarray, right: ndarray) -> float:
    """Spearman's rank correlation of two (N,) arrays where both are known, ties averaged.

    NaN with fewer than three pairs or where all of either are equal.
    """
    known = ~np.isnan(left) & ~np.isnan(right)
    ranks = [pd.Series(values[known]).rank().to_numpy() for values in (left, right)]
    if known.sum() < 3 or any(np.ptp(rank) == 0 for rank in ranks):
        return float("nan")
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def gini(counts: ndarray) -> float:
    """Gini coefficient of counts (N,): 0 = all equal, towards 1 = one has everything; NaN where all are 0."""
    total, samples = float(counts.sum()), len(counts)
    if not total:
        return float("nan")
    ordered = np.sort(counts.astype(np.float64))
    return float((2 * np.arange(1, samples + 1) - samples - 1) @ ordered / (samples * total))
