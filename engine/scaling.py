"""Scaling of known values to [0, 1], the one step that strength and rarity share.

Plain min-max is ruled by a single outlier, so the clipped form is the default of both (ours).
"""

import numpy as np
from numpy import ndarray


def scaled(values: ndarray, scaling: str, *, clip: float = 0.01) -> ndarray:
    """Scales the known values (N,) to [0, 1], float32; NaN stays NaN; all equal become 0.5.

    percentile: min-max of the values with the share clip of them clipped at each end, by default at the 1st
    and 99th percentile; minmax; rank: ties share a rank.
    """
    known = values[~np.isnan(values)].astype(np.float64)
    if not len(known) or known.min() == known.max():
        return np.where(np.isnan(values), np.nan, np.float32(0.5)).astype(np.float32)
    if scaling == "rank":
        distinct = np.unique(known)
        return np.where(
            np.isnan(values), np.nan, np.searchsorted(distinct, values) / (len(distinct) - 1)
        ).astype(np.float32)
    low, high = known.min(), known.max()
    if scaling == "percentile":
        low, high = np.percentile(known, (100 * clip, 100 - 100 * clip))
    if low == high:
        low, high = known.min(), known.max()
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
