"""The mean of several seeds and the band around it, position by position.

A band says something only where all seeds are: where runs are shorter, still train or were not measured, the
mean of those left is kept with its n, without a band.
"""

import math
import warnings

import numpy as np
from numpy import ndarray
from pandas import DataFrame

from app.studies import verdicts

BANDS: dict[str, str] = {
    "sd": "standard deviation",
    "se": "standard error",
    "interval": "95 % interval",
    "range": "min–max",
}
# How each of them is computed, for the note below a chart.
MEANINGS: dict[str, str] = {
    "sd": "mean ± standard deviation over seeds (of a sample, n − 1)",
    "se": "mean ± standard error (standard deviation / √n)",
    "interval": "mean with its 95 % interval (Student t, n − 1 degrees of freedom)",
    "range": "mean between the lowest and the highest seed",
}


def summary(values: ndarray, band: str) -> DataFrame:
    """Returns mean, low, high, n and whole (all runs that were ever measured are here), one row a position.

    values: (runs, positions), NaN unknown. The mean is of the known values; low and high are NaN where not
    all runs are, and where there is one run alone. band: one of BANDS.
    """
    known = np.isfinite(values)
    n = known.sum(axis=0)
    whole = (n == known.any(axis=1).sum()) & (n > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of positions without any value: NaN is meant
        mean = np.nanmean(values, axis=0) if len(values) else np.full(values.shape[1], np.nan)
    low, high = _ends(values, mean, n, band=band)
    has_band = whole & (n > 1)
    return DataFrame(
        {
            "mean": mean,
            "low": np.where(has_band, low, np.nan),
            "high": np.where(has_band, high, np.nan),
            "n": n,
            "whole": whole,
        }
    )


def ends(values: ndarray, band: str) -> tuple[float, float]:
    """Returns the low and the high end of the band around the mean of the known values; NaN for one."""
    known = values[np.isfinite(values)]
    row = summary(known[:, None], band).iloc[0]
    return float(row["low"]), float(row["high"])


def _ends(values: ndarray, mean: ndarray, n: ndarray, *, band: str) -> tuple[ndarray, ndarray]:
    if band == "range":
        lowest = np.where(np.isfinite(values), values, np.inf).min(axis=0, initial=np.inf)
        highest = np.where(np.isfinite(values), values, -np.inf).max(axis=0, initial=-np.inf)
        return lowest, highest
    squares = np.where(np.isfinite(values), (values - mean) ** 2, 0.0).sum(axis=0)
    deviation = np.sqrt(squares / np.maximum(n - 1, 1))
    half = deviation * np.array([_factor(int(count), band) for count in n])
    return mean - half, mean + half


def _factor(n: int, band: str) -> float:
    """Returns how many standard deviations half a band is."""
    if n < 2:
        return math.nan
    return {"sd": 1.0, "se": 1 / math.sqrt(n), "interval": verdicts.t_factor(n) / math.sqrt(n)}[band]
