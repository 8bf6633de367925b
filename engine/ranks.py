"""Rank correlation: whether two measurements put the samples, or the classes, in the same order.

By pandas, which the app loads anyway: diagnostics ask for it there, and scipy would weigh more than they do.
"""

import numpy as np
import pandas as pd
from numpy import ndarray


def rank_correlation(left: ndarray, right: ndarray) -> float:
    """Spearman's rank correlation of two (N,) arrays where both are known, ties averaged.

    What is not finite is not known. NaN with fewer than three pairs or where all of either are equal.
    """
    known = np.isfinite(left) & np.isfinite(right)
    ranks = [pd.Series(values[known]).rank().to_numpy() for values in (left, right)]
    if known.sum() < 3 or any(np.ptp(rank) == 0 for rank in ranks):
        return float("nan")
    return float(np.asarray(np.corrcoef(ranks))[0, 1])
