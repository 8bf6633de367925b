"""The numbers that overview pages show instead of a million points: means, quantiles and histograms.

They are computed once, when an epoch is written, for all samples and for each class; a page then reads a few
rows and never scans the history. The samples are put in the order of their classes once for all signals, so
that only the values within each class remain to be sorted.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy import ndarray

from store.schema import HISTOGRAM_BINS, SIGNALS

# How far through the sorted values each of these columns looks.
SHARES = {"low": 0.0, "q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95, "high": 1.0}


def epoch_statistics(
    epoch: int, columns: Mapping[str, Any], *, labels: ndarray, classes: int
) -> dict[str, Any]:
    """Summarises every signal over all samples (label empty) and over each class; columns of epoch_stats.

    columns: signals of N samples, NaN or masked where unknown, summarised as the float32 that history keeps;
    labels: (N,) integers from 0 to classes - 1.
    """
    by_class = np.argsort(labels, kind="stable")
    edges = np.searchsorted(labels[by_class], np.arange(classes + 1))
    summaries: list[Mapping[str, ndarray]] = []
    for signal in SIGNALS:
        column = np.ma.filled(np.ma.asarray(columns[signal.name], np.float32), np.nan)
        values, bounds = sorted_within(column[by_class], edges)
        both = np.concatenate([np.sort(values), values])  # everyone as one more group
        summaries.append(summarise(both, np.concatenate([[0], bounds + len(values)])))
    label = np.arange(-1, classes)
    rows = len(SIGNALS) * len(label)
    return {
        "epoch": np.full(rows, epoch),
        "signal": [signal.name for signal in SIGNALS for _ in label],
        "label": np.ma.masked_less(np.tile(label, len(SIGNALS)), 0),
        **{name: np.concatenate([summary[name] for summary in summaries]) for name in summaries[0]},
    }


def sorted_within(values: ndarray, edges: ndarray) -> tuple[ndarray, ndarray]:
    """Returns the finite values, sorted within each group, and the edges of the groups among them.

    values: (N,), one group after the other; edges: (G + 1,), group g lies from edges[g] to edges[g + 1].
    """
    finite = np.flatnonzero(np.isfinite(values))  # ten times as fast an index as the mask
    values, bounds = values[finite], np.searchsorted(finite, edges)
    for start, end in pairwise(bounds):
        values[start:end].sort()
    return values, bounds


def summarise(values: ndarray, bounds: ndarray) -> dict[str, ndarray]:
    """Summarises each group: n, mean, quantiles, low, high and histogram.

    values: (M,) finite, sorted within the groups; bounds: (G + 1,), group g lies from bounds[g] to
    bounds[g + 1]. Returns arrays of length G in float64, and histogram (G, HISTOGRAM_BINS); NaN (and a
    histogram of zeros) where a group is empty. Quantiles interpolate linearly.
    """
    points = _at(values, bounds, list(SHARES.values()))
    named = dict(zip(SHARES, points, strict=True))
    histogram = _histograms(values, np.diff(bounds), low=named["low"], high=named["high"])
    return {"n": np.diff(bounds), "mean": _means(values, bounds), **named, "histogram": histogram}


def _at(values: ndarray, bounds: ndarray, shares: Sequence[float]) -> ndarray:
    """(S, G) values so far through each group, interpolated in float64; NaN where a group is empty."""
    filled = np.diff(bounds) > 0
    first, last = bounds[:-1][filled], bounds[1:][filled] - 1
    places = np.multiply.outer(shares, last - first)
    below = places.astype(np.int64)
    lower = values[first + below].astype(np.float64)
    upper = values[np.minimum(first + below + 1, last)]
    found = np.full((len(shares), len(filled)), np.nan)
    found[:, filled] = lower + (upper - lower) * (places - below)
    return found


def _means(values: ndarray, bounds: ndarray) -> ndarray:
    n = np.diff(bounds)
    means = np.full(len(n), np.nan)
    means[n > 0] = np.add.reduceat(values, bounds[:-1][n > 0], dtype=np.float64) / n[n > 0]
    return means


def _histograms(values: ndarray, n: ndarray, *, low: ndarray, high: ndarray) -> ndarray:
    """Counts in HISTOGRAM_BINS equal bins a group, the last closed; equal values all fall into the first."""
    width = np.where(high > low, (high - low) / HISTOGRAM_BINS, np.inf)
    bins = ((values - np.repeat(low, n)) / np.repeat(width, n)).astype(np.int64)
    np.minimum(bins, HISTOGRAM_BINS - 1, out=bins)
    bins += np.repeat(np.arange(len(n)) * HISTOGRAM_BINS, n)
    return np.bincount(bins, minlength=len(n) * HISTOGRAM_BINS).reshape(len(n), HISTOGRAM_BINS)
