"""Density: how crowded each sample's surroundings in feature space are (arXiv 2505.03809).

Neighbours come from HNSW, rebuilt every time: updating an index in place costs several times a rebuild. How
many true neighbours it found is measured on a few samples each time rather than trusted.
"""

from time import perf_counter
from typing import Literal, NamedTuple

import numpy as np
from numpy import ndarray
from pydantic import Field, model_validator

from engine.settings import Settings

RECALL_SAMPLES = 200
BLOCK = 1024  # rows compared with all others at once


class DensitySettings(Settings):
    """How crowded each sample's surroundings in feature space are (arXiv 2505.03809)."""

    index: Literal["hnsw", "exact"] = Field(
        "hnsw", description="neighbours by HNSW, or by comparing all pairs"
    )
    k: int = Field(10, ge=1, le=100, description="neighbours whose mean distance is taken (ours)")
    refresh_every: int = Field(
        5,
        ge=1,
        le=1000,
        description="epochs between forward passes over all samples for fresh features (ours)",
    )
    m: int = Field(
        12, ge=4, le=64, description="links a point in the HNSW graph; more: better recall, more time"
    )
    ef_construction: int = Field(60, ge=10, le=1000, description="candidates while the HNSW graph is built")
    ef: int = Field(30, ge=10, le=1000, description="candidates while the HNSW graph is asked")

    @model_validator(mode="after")
    def _search_is_wide_enough(self) -> "DensitySettings":
        if self.ef <= self.k:
            raise ValueError(f"ef must be larger than k = {self.k}, or the index cannot return k neighbours")
        return self


class Neighbours(NamedTuple):
    """The k nearest of each of N samples, nearest first, and what it cost to find them."""

    ids: ndarray  # (N, k) int64, never the sample itself
    distances: ndarray  # (N, k) float32, L2
    recall: float  # share of the true k nearest that were found, on up to 200 samples
    seconds_index: float
    seconds_query: float


def normalised(features: ndarray) -> ndarray:
    """Returns the features (N, D) at length 1, float32; a row of zeros stays one."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    result: ndarray = (features / np.maximum(lengths, 1e-12)).astype(np.float32)
    return result


def nearest_neighbours(features: ndarray, settings: DensitySettings, *, seed: int) -> Neighbours:
    """Returns the k nearest of each row of features (N, D), by L2; k is at most N - 1."""
    k = min(settings.k, len(features) - 1)
    if settings.index == "exact":
        started = perf_counter()
        ids, distances = exact_neighbours(features, np.arange(len(features)), k)
        return Neighbours(ids, distances, 1.0, 0.0, perf_counter() - started)
    return _hnsw_neighbours(features, k, settings, seed)


def exact_neighbours(features: ndarray, rows: ndarray, k: int) -> tuple[ndarray, ndarray]:
    """Compares the given rows with every other one.

    features: (N, D); rows: (R,). Returns ids and L2 distances (R, k), nearest first, ties by id.
    """
    squares = (features.astype(np.float64) ** 2).sum(1)
    ids = np.empty((len(rows), k), np.int64)
    distances = np.empty((len(rows), k), np.float32)
    for begin in range(0, len(rows), BLOCK):
        block = rows[begin : begin + BLOCK]
        squared = squares[block, None] + squares - 2.0 * (features[block] @ features.T)
        squared[np.arange(len(block)), block] = np.inf
        candidates = np.sort(np.argpartition(squared, k - 1, axis=1)[:, :k], axis=1)
        # Measured again from differences: the product form above loses the digits of small distances.
        found = np.linalg.norm(features[block][:, None] - features[candidates], axis=2)
        order = np.argsort(found, axis=1, kind="stable")
        ids[begin : begin + BLOCK] = np.take_along_axis(candidates, order, 1)
        distances[begin : begin + BLOCK] = np.take_along_axis(found, order, 1)
    return ids, distances


def without_own(ids: ndarray, squared: ndarray, k: int) -> tuple[ndarray, ndarray]:
    """Drops each row's own id, wherever it stands, and returns the k nearest of the rest.

    ids, squared: (N, k + 1) from the index, squared L2. Returns ids and L2 distances (N, k), nearest first.
    """
    own = ids == np.arange(len(ids))[:, None]
    order = np.argsort(np.where(own, np.inf, squared), axis=1, kind="stable")[:, :k]
    kept = np.maximum(np.take_along_axis(squared, order, 1), 0)
    return np.take_along_axis(ids, order, 1).astype(np.int64), np.sqrt(kept).astype(np.float32)


def neighbour_distance(neighbours: Neighbours) -> ndarray:
    """(N,) float32: mean L2 distance to the k nearest; high = sparse."""
    distance: ndarray = neighbours.distances.mean(1, dtype=np.float32)
    return distance


def recall(found: ndarray, true: ndarray) -> float:
    """Share of the true neighbours (R, k) that are among the found ones (R, k)."""
    return float((found[:, :, None] == true[:, None, :]).any(1).mean())


def _hnsw_neighbours(features: ndarray, k: int, settings: DensitySettings, seed: int) -> Neighbours:
    import hnswlib

    started = perf_counter()
    index = hnswlib.Index(space="l2", dim=features.shape[1])
    index.init_index(len(features), ef_construction=settings.ef_construction, M=settings.m, random_seed=seed)
    index.set_num_threads(1)  # several threads build a different graph on every run
    index.add_items(features, np.arange(len(features)))
    built = perf_counter()
    index.set_ef(settings.ef)
    try:
        labels, squared = index.knn_query(features, k + 1)
    except RuntimeError:
        raise RuntimeError(
            f"the HNSW index found fewer than {k} neighbours for some samples; raise density.ef or "
            "density.m, or set density.index to exact"
        ) from None
    ids, distances = without_own(labels, squared, k)
    asked = perf_counter()
    rows = np.unique(np.linspace(0, len(features) - 1, RECALL_SAMPLES).astype(int))
    true, _ = exact_neighbours(features, rows, k)
    return Neighbours(ids, distances, recall(ids[rows], true), built - started, asked - built)
