"""Density: how crowded each sample's surroundings in feature space are (arXiv 2505.03809).

Neighbours come from HNSW, or from comparing all pairs where that is faster. HNSW is rebuilt every time:
updating an index in place costs several times a rebuild, and a graph carried from the epoch before misses
neighbours while features still move. How many true neighbours it found is measured each time, not trusted.
"""

import math
from time import perf_counter
from typing import Literal, NamedTuple

import numpy as np
from numpy import ndarray
from pydantic import Field, model_validator

from engine import selection
from engine.scaling import scaled
from engine.settings import Settings

RECALL_SAMPLES = 200
JACCARD_SAMPLES = 2000
ALONE = 1.0  # rarity of the only sample of its class


class DensitySettings(Settings):
    """How crowded each sample's surroundings in feature space are (arXiv 2505.03809)."""

    index: Literal["auto", "hnsw", "exact", "none"] = Field(
        "auto",
        description="neighbours by HNSW, or by comparing all pairs; auto takes HNSW on a processor, compares "
        "all pairs on a GPU, and says why; none seeks none but for maps: density and rarity stay unknown",
    )
    k: int = Field(10, ge=1, le=100, description="neighbours whose mean distance is taken (ours)")
    per_class: bool = Field(
        False,
        description="seek neighbours among samples with the same label and scale rarity within it: rare "
        "within its class (ours)",
    )
    bank: Literal["together", "visited"] = Field(
        "together",
        description="when training overwrites rows of the features: only where it saw all samples, so that "
        "all rows are of one epoch and view and their distances compare, or at every visit, which is fresher "
        "but makes samples that were left out seem crowded (ours)",
    )
    refresh_every: int = Field(
        5,
        ge=1,
        le=1000,
        description="epochs between forward passes over all samples for fresh features (ours)",
    )
    clip: float = Field(
        0.01,
        ge=0,
        le=0.25,
        description="share of the neighbour distances that is clipped at each end before they are min-max "
        "scaled to rarity; 0 leaves the scale to the two outermost samples (ours)",
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

    @property
    def seeks(self) -> bool:
        """Whether neighbours of all samples are sought; those that a map shows always are."""
        return self.index != "none"


class Neighbours(NamedTuple):
    """The k nearest of each of N samples, nearest first, and what it cost to find them.

    A sample of a class with k or fewer samples, where neighbours are sought within it, has fewer than k: the
    last ids of its row are -1 and their distances NaN.
    """

    ids: ndarray  # (N, k) int64, never the sample itself
    distances: ndarray  # (N, k) float32, L2
    recall: float  # share of the true k nearest that were found, on up to 200 samples
    seconds_index: float
    seconds_query: float
    seconds_exact: float = math.nan  # what comparing all pairs took, or would, judging by the rows compared
    index_used: str = ""  # "hnsw" or "exact"

    def without_cost(self) -> "Neighbours":
        """Returns the same neighbours for an epoch that did not have to seek them."""
        return self._replace(seconds_index=0.0, seconds_query=0.0, seconds_exact=math.nan)


NO_NEIGHBOURS = Neighbours(np.empty((0, 0), np.int64), np.empty((0, 0), np.float32), math.nan, 0.0, 0.0)


def normalised(features: ndarray) -> ndarray:
    """Returns the features (N, D) at length 1, float32; a row of zeros stays one."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    result: ndarray = (features / np.maximum(lengths, 1e-12)).astype(np.float32)
    return result


def takes_up(seen: int, samples: int, settings: DensitySettings) -> bool:
    """Whether the features that training computed of so many samples go into the bank of all of them.

    Rows of a newer model and of augmented views lie farther apart than older clean ones (six times, on digits
    after an epoch on half of them). Mixed, what was trained on looks rare and is kept again, for ever.
    """
    return settings.bank == "visited" or seen == samples


def nearest_neighbours(
    features: ndarray,
    settings: DensitySettings,
    *,
    seed: int,
    labels: ndarray | None = None,
    device: str = "cpu",
) -> Neighbours:
    """Returns the k nearest of each row of features (N, D), by L2; k is at most N - 1.

    labels (N,): only samples with the same label are neighbours; None: all are. device: where all pairs would
    be compared, as torch names it.
    """
    largest = max(map(len, _groups(len(features), labels)))
    index, _ = chosen_index(settings if settings.seeks else DensitySettings(), device)
    k, started = min(settings.k, largest - 1), perf_counter()
    if index == "exact":
        every = np.arange(len(features))
        ids, distances = exact_neighbours(features, every, k, labels=labels, device=device)
        seconds = perf_counter() - started
        return Neighbours(ids, distances, 1.0, 0.0, seconds, seconds, index)
    ids, distances, (building, asking) = _by_hnsw(features, k, settings, seed, labels)
    checked, started = checked_rows(len(features), RECALL_SAMPLES), perf_counter()
    true, _ = exact_neighbours(features, checked, k, labels=labels, device=device)
    all_rows = (perf_counter() - started) * len(features) / len(checked)
    return Neighbours(ids, distances, recall(ids[checked], true), building, asking, all_rows, index)


def chosen_index(settings: DensitySettings, device: str) -> tuple[str, str]:
    """Returns "hnsw", "exact" or "none", and why.

    Up to some 7,500 samples comparing all pairs is as fast on a processor as well (0.55 to 0.79 of the time
    of HNSW at 5,000 samples of CIFAR-10 in training, one thread); HNSW is the paper's, so it stays the
    choice.
    """
    if settings.index != "auto":
        return settings.index, f"density.index is set to {settings.index}"
    if not device.startswith("cpu"):
        return "exact", f"a GPU ({device}) compares all pairs faster than the processor builds an HNSW graph"
    return "hnsw", "an HNSW graph, as in the paper, costs a processor far less than all pairs of many samples"


def exact_neighbours(
    features: ndarray, rows: ndarray, k: int, *, labels: ndarray | None = None, device: str = "cpu"
) -> tuple[ndarray, ndarray]:
    """Compares the given rows (R,) with every other one, or with every other one of the same label.

    Returns ids (R, k) int64 and L2 distances (R, k), nearest first, ties by id; -1 and NaN where there are
    fewer.
    """
    from engine import exact  # loads torch, which the settings must not

    ids, distances = _nothing(len(rows), k)
    for group in _groups(len(features), labels):
        asked, width = np.isin(rows, group), min(k, len(group) - 1)
        if not width or not asked.any():
            continue
        places = np.searchsorted(group, rows[asked])
        found, distances[asked, :width] = exact.exact_neighbours(features[group], places, width, device)
        ids[asked, :width] = group[found]
    return ids, distances


def mean_distance(distances: ndarray) -> ndarray:
    """(R,) float32: mean L2 distance to the neighbours there are, (R, k); NaN where there is none."""
    there = ~np.isnan(distances)
    total = np.where(there, distances, 0).sum(1, dtype=np.float32)
    mean: ndarray = np.where(there.any(1), total / np.maximum(there.sum(1), 1), np.nan).astype(np.float32)
    return mean


def neighbour_distance(neighbours: Neighbours) -> ndarray:
    """(N,) float32: mean L2 distance to the k nearest; high = sparse."""
    return mean_distance(neighbours.distances)


def rarity(distance: ndarray, labels: ndarray | None = None, *, clip: float = 0.01) -> ndarray:
    """Scales neighbour distances (N,) to [0, 1], high = sparse: p_rho of arXiv 2505.03809; clipping ours.

    Min-max of the distances with the share clip of them clipped at each end, over all samples, or within each
    label (N,) if given. The only sample of its label has no distance and rarity 1 (ours); else NaN stays NaN.
    """
    if labels is None:
        return scaled(distance, "percentile", clip=clip)
    result = np.empty(len(distance), np.float32)
    for rows in _groups(len(distance), labels):
        result[rows] = scaled(distance[rows], "percentile", clip=clip) if len(rows) > 1 else ALONE
    return result


def recall(found: ndarray, true: ndarray) -> float:
    """Share of the true neighbours (R, k) among the found ones (R, k); -1 is none; NaN without any."""
    there = true >= 0
    hits = (found[:, :, None] == true[:, None, :]).any(1) & there
    return float(hits.sum() / there.sum()) if there.any() else math.nan


def checked_rows(samples: int, at_most: int) -> ndarray:
    """Returns up to so many rows, spread evenly over all: those that are compared exactly."""
    return np.unique(np.linspace(0, samples - 1, at_most).astype(int))


def kept_jaccard(scores: ndarray, exact_scores: ndarray, keep: float) -> float:
    """Jaccard index of the round(keep * M) highest of two measurements (M,) of the same samples' scores."""
    kept = selection.kept_count(keep, len(scores))
    shared = len(np.intersect1d(selection.top(scores, kept), selection.top(exact_scores, kept)))
    return shared / (2 * kept - shared)


def _groups(samples: int, labels: ndarray | None) -> list[ndarray]:
    """The rows of each label, ascending; all rows where there are no labels."""
    if labels is None:
        return [np.arange(samples)]
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _by_hnsw(
    features: ndarray, k: int, settings: DensitySettings, seed: int, labels: ndarray | None
) -> tuple[ndarray, ndarray, ndarray]:
    from engine import hnsw  # loads hnswlib, which the settings must not

    graph = hnsw.Graph(settings.m, settings.ef_construction, settings.ef, seed)
    ids, distances = _nothing(len(features), k)
    seconds = np.zeros(2)
    for rows in _groups(len(features), labels):
        width = min(k, len(rows) - 1)
        if width:
            found, distances[rows, :width], spent = hnsw.hnsw_neighbours(features[rows], width, graph)
            ids[rows, :width] = rows[found]
            seconds += spent
    return ids, distances, seconds


def _nothing(rows: int, k: int) -> tuple[ndarray, ndarray]:
    return np.full((rows, k), -1, np.int64), np.full((rows, k), np.nan, np.float32)
