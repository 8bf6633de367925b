"""The numbers that overview pages show instead of a million points: means, quantiles and histograms.

They are computed once, when an epoch is written, for all samples and for each class in one sort per signal;
a page then reads a few rows and never scans the history.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from store.schema import HISTOGRAM_BINS, SIGNALS

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}


def epoch_statistics(
    epoch: int, columns: Mapping[str, Any], *, labels: ndarray, classes: int
) -> dict[str, Any]:
    """Summarises every signal over all samples (label empty) and over each class; columns of epoch_stats.

    columns: signals of N samples, NaN or masked where unknown; labels: (N,) integers from 0 to classes - 1.
    """
    everyone = np.zeros(len(labels), np.int64)
    summaries: list[Mapping[str, ndarray]] = []
    for signal in SIGNALS:
        values = np.ma.filled(np.ma.asarray(columns[signal.name], np.float64), np.nan)
        summaries += [summarise(values, everyone, 1), summarise(values, labels, classes)]
    label = np.arange(-1, classes)
    rows = len(SIGNALS) * len(label)
    return {
        "epoch": np.full(rows, epoch),
        "signal": [signal.name for signal in SIGNALS for _ in label],
        "label": np.ma.masked_less(np.tile(label, len(SIGNALS)), 0),
        **{name: np.concatenate([summary[name] for summary in summaries]) for name in summaries[0]},
    }


def summarise(values: ndarray, groups: ndarray, count: int) -> dict[str, ndarray]:
    """Summarises the finite values of each group: n, mean, quantiles, low, high and histogram.

    values: (N,) float64; groups: (N,) integers from 0 to count - 1. Returns arrays of length count, and
    histogram (count, HISTOGRAM_BINS); NaN (and a histogram of zeros) where a group has no finite value.
    Quantiles interpolate linearly.
    """
    grouped = _Grouped.sort(values, groups, count)
    low, high = grouped.at(np.zeros(count)), grouped.at(np.maximum(grouped.n - 1, 0))
    quantiles = {name: grouped.at(share * np.maximum(grouped.n - 1, 0)) for name, share in QUANTILES.items()}
    totals = np.bincount(grouped.groups, weights=grouped.values, minlength=count)
    with np.errstate(invalid="ignore"):
        mean = totals / grouped.n
    return {
        "n": grouped.n,
        "mean": mean,
        **quantiles,
        "low": low,
        "high": high,
        "histogram": _histograms(grouped, low, high),
    }


@dataclass(frozen=True)
class _Grouped:
    """Values sorted by group, then by size."""

    values: ndarray  # (M,) finite
    groups: ndarray  # (M,)
    n: ndarray  # (count,) values a group
    first: ndarray  # (count,) place of each group's smallest value

    @classmethod
    def sort(cls, values: ndarray, groups: ndarray, count: int) -> "_Grouped":
        finite = np.isfinite(values)
        values, groups = values[finite], groups[finite]
        by_size = np.argsort(values)
        order = by_size[np.argsort(groups[by_size], kind="stable")]
        n = np.bincount(groups, minlength=count)
        return cls(values[order], groups[order].astype(np.int64), n, np.cumsum(n) - n)

    def at(self, places: ndarray) -> ndarray:
        """The value at each group's place (fractional: interpolated), NaN for an empty group."""
        if not len(self.values):
            return np.full(len(self.n), np.nan)
        last = len(self.values) - 1
        below = np.floor(places).astype(np.int64)
        lower = self.values[np.minimum(self.first + below, last)]
        upper = self.values[np.minimum(self.first + np.minimum(below + 1, np.maximum(self.n - 1, 0)), last)]
        return np.where(self.n > 0, lower + (upper - lower) * (places - below), np.nan)


def _histograms(grouped: _Grouped, low: ndarray, high: ndarray) -> ndarray:
    """Counts in HISTOGRAM_BINS equal bins a group, the last closed; equal values all fall into the first."""
    width = (high - low)[grouped.groups] / HISTOGRAM_BINS
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.nan_to_num((grouped.values - low[grouped.groups]) / width)
    bins = np.clip(place.astype(np.int64), 0, HISTOGRAM_BINS - 1)
    counts = np.bincount(grouped.groups * HISTOGRAM_BINS + bins, minlength=len(low) * HISTOGRAM_BINS)
    return counts.reshape(len(low), HISTOGRAM_BINS)
