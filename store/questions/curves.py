"""Whole curves of one signal, all samples at once, and which of them lie nearest to a drawn one.

A drawn curve is compared with a sample's only in the epochs that visited the sample, so that gaps need no
invented values; both distances are ours.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy import ndarray

from store import schema
from store.reader import ask
from store.run import Run

Measure = Literal["shape", "value"]

_SLICE = 8_192  # samples read at a time: whole blocks of the folded table, and little memory
_ROWS = 2_048  # samples compared at a time
_FLAT = 1e-11  # a curve whose variance is a smaller share of its mean square has no shape


class Nearest(NamedTuple):
    """The samples nearest to a drawn curve, nearest first, equal ones by id."""

    ids: ndarray  # (n,) int64
    distances: ndarray  # (n,) float64
    compared: int  # samples with enough visits, and in "shape" with a curve that is not level


def matrix(run: Run, signal: str) -> ndarray:
    """Returns a signal of all samples by epoch, (N, E) float32; NaN where it is unknown."""
    name = schema.column("history", signal).name
    samples = int(ask(run, "SELECT count(*) AS n FROM samples").n[0])
    curves = np.full((samples, run.last_epoch() + 1), np.nan, np.float32)
    for low in range(0, samples, _SLICE):
        rows = ask(
            run,
            f"""
            SELECT sample_id, epoch, "{name}" AS value FROM history
            WHERE sample_id >= $low AND sample_id < $high AND epoch < $epochs AND isfinite("{name}")
            """,
            low=low,
            high=low + _SLICE,
            epochs=curves.shape[1],
        )
        curves[rows.sample_id.to_numpy(np.int64), rows.epoch.to_numpy(np.int64)] = rows.value.to_numpy()
    return curves


def least_visits(epochs: int) -> int:
    """How many visits a curve needs to be compared: a quarter of the epochs, and three at least."""
    return max(3, -(-epochs // 4))


def nearest(curves: ndarray, drawn: ndarray, *, by: Measure, top: int) -> Nearest:
    """Finds the curves nearest to a drawn one, both over the epochs that visited the sample.

    curves: (N, E), NaN where not visited. drawn: (E,), without NaN. "value": the root of the mean squared
    difference, in the signal's unit. "shape": the same after curve and drawn curve were each brought to mean
    0 and standard deviation 1 over those epochs, which is sqrt(2 - 2r) with Pearson's correlation r: 0 = the
    same shape, 1.41 = unrelated, 2 = upside down. Left out are curves of fewer than least_visits, those whose
    visits reach over less than half of the epochs, and in "shape" level ones.
    """
    parts = (curves[low : low + _ROWS] for low in range(0, len(curves), _ROWS))
    distances = np.concatenate([_distances(part, drawn, by) for part in parts] or [np.empty(0)])
    known = np.flatnonzero(~np.isnan(distances))
    best = known[np.argsort(distances[known], kind="stable")[:top]]
    return Nearest(best, distances[best], len(known))


def _distances(curves: ndarray, drawn: ndarray, by: Measure) -> ndarray:
    """(n,) distances of some curves (n, E); NaN where there are too few visits or no shape.

    From sums over the visits, which products with a matrix give in one pass each.
    """
    is_visited = ~np.isnan(curves)
    values, visited = np.where(is_visited, curves, 0).astype(np.float64), is_visited.astype(np.float64)
    visits = visited.sum(axis=1)
    is_comparable = (visits >= least_visits(curves.shape[1])) & _reaches_far(is_visited)
    count = np.maximum(visits, 1)
    squares = np.einsum("ij,ij->i", values, values) / count
    products, wanted_squares = values @ drawn / count, visited @ drawn**2 / count
    if by == "value":
        return np.where(
            is_comparable, np.sqrt(np.maximum(squares - 2 * products + wanted_squares, 0)), np.nan
        )
    mean, wanted_mean = values.sum(axis=1) / count, visited @ drawn / count
    spread, wanted_spread = _spread(squares, mean), _spread(wanted_squares, wanted_mean)
    has_shape = is_comparable & (spread > 0) & (wanted_spread > 0)
    scale = np.where(has_shape, spread * wanted_spread, 1)
    correlation = np.clip((products - mean * wanted_mean) / scale, -1, 1)
    return np.where(has_shape, np.sqrt(2 - 2 * correlation), np.nan)


def _reaches_far(is_visited: ndarray) -> ndarray:
    """(n,) whether first and last visit of (n, E) lie half of the epochs apart, both included."""
    epochs = is_visited.shape[1]
    span = epochs - is_visited.argmax(axis=1) - is_visited[:, ::-1].argmax(axis=1)
    return 2 * span >= epochs


def _spread(squares: ndarray, mean: ndarray) -> ndarray:
    """Standard deviations from means and mean squares, (n,); 0 where only rounding tells values apart."""
    variance = np.maximum(squares - mean**2, 0)
    return np.where(variance > _FLAT * squares, np.sqrt(variance), 0)
