"""The map of feature space: UMAP of the neighbour graph, steady from map to map.

Each map starts from the last one at a low learning rate, so that what moves on screen is learning rather than
the chance of a new layout. umap-learn's fuzzy graph and compiled layout are called directly, since its public
fit rescales the start, adds noise and begins at learning rate 1 (arXiv 1802.03426; the warm start is ours).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.density import Neighbours
from engine.settings import Settings

FIRST_EPOCHS, FIRST_RATE = 200, 1.0  # as umap-learn for small data
WARM_EPOCHS, WARM_RATE = 30, 0.3  # measured: 4-8x less movement than a cold start at the same trustworthiness
LAYOUT_SEED = 0  # the same for every map: a new seed would move samples that learned nothing
SPREAD, MIN_DISTANCE = 1.0, 0.1  # umap-learn's defaults
SHOW_ALL = 20_000  # samples; more are drawn from
TRUST_SAMPLES, TRUST_NEIGHBOURS = 1000, 10


class MapSettings(Settings):
    """How often and from how many samples the map of feature space is drawn."""

    every: int = Field(2, ge=0, le=1000, description="epochs between two maps; 0 draws none")
    samples: int = Field(
        10_000, ge=50, le=1_000_000, description="above 20,000 samples, a fixed draw of so many"
    )


class Map(NamedTuple):
    """One map.

    Which samples it shows, where they lie, how far that can be trusted, and how far they moved.
    """

    sample_ids: ndarray  # (M,) int64
    positions: ndarray  # (M, 2) float32
    neighbours: ndarray  # (M, k) int64, sample ids, nearest first
    trust: float  # trustworthiness, 0 to 1
    movement: float  # median distance since the last map in units of this map's spread; NaN for the first


def shown_samples(samples: int, at_most: int) -> ndarray:
    """Returns the samples that a run's maps show, (M,) ascending: all of up to 20,000, else a fixed draw."""
    if samples <= SHOW_ALL:
        return np.arange(samples)
    return np.sort(np.random.default_rng(0).permutation(samples)[:at_most])


def draw_map(features: ndarray, graph: Neighbours, start: ndarray | None, *, sample_ids: ndarray) -> Map:
    """Returns the map of M samples from their features (M, D) and the neighbour graph among them.

    start: (M, 2), the last map; None draws the first, from the two main directions of the features.
    """
    if start is None:
        positions = _layout(_fuzzy_graph(graph), _principal(features), epochs=FIRST_EPOCHS, rate=FIRST_RATE)
        moved = np.nan
    else:
        positions = _layout(_fuzzy_graph(graph), start, epochs=WARM_EPOCHS, rate=WARM_RATE)
        moved = movement(start, positions)
    return Map(sample_ids, positions, sample_ids[graph.ids], trustworthiness(features, positions), moved)


def hold_map(features: ndarray, graph: Neighbours, positions: ndarray, *, sample_ids: ndarray) -> Map:
    """Returns the last map (M, 2) again, for features (M, D) that are those it was drawn from.

    Laid out once more it would move without anything learned (ours).
    """
    return Map(sample_ids, positions, sample_ids[graph.ids], trustworthiness(features, positions), 0.0)


def movement(before: ndarray, after: ndarray) -> float:
    """Median distance between two maps (M, 2), in units of the later map's root mean square radius."""
    spread = np.sqrt(((after - after.mean(0)) ** 2).sum(1).mean())
    return float(np.median(np.linalg.norm(after - before, axis=1)) / max(spread, 1e-12))


def trustworthiness(features: ndarray, positions: ndarray) -> float:
    """How far neighbours on the map are neighbours in feature space, 0 to 1, on up to 1,000 samples.

    features: (M, D); positions: (M, 2). scikit-learn's measure at k = 10; NaN below 22 samples, where it has
    no meaning.
    """
    from sklearn.manifold import trustworthiness as measure

    rows = np.unique(np.linspace(0, len(features) - 1, TRUST_SAMPLES).astype(int))
    if len(rows) < 2 * TRUST_NEIGHBOURS + 2:
        return float("nan")
    return float(measure(features[rows], positions[rows], n_neighbors=TRUST_NEIGHBOURS))


def _principal(features: ndarray) -> ndarray:
    """Projects on the two main directions, scaled to a spread of 3, which the first layout opens."""
    centred = (features - features.mean(0)).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    projected = centred @ directions[:, -2:]
    start: ndarray = (projected / np.maximum(projected.std(0), 1e-12) * 3).astype(np.float32)
    return start


def _fuzzy_graph(graph: Neighbours) -> Any:
    """umap-learn's weighted graph, (M, M) sparse; it expects each sample as its own first neighbour."""
    from umap.umap_ import fuzzy_simplicial_set

    _compile_once()
    own = np.arange(len(graph.ids))[:, None]
    ids = np.hstack([own, graph.ids]).astype(np.int32)
    distances = np.hstack([np.zeros_like(own, np.float32), graph.distances]).astype(np.float32)
    with threads_as_they_are():
        weights, _, _ = fuzzy_simplicial_set(
            np.empty((len(ids), 1), np.float32),
            ids.shape[1],
            np.random.RandomState(LAYOUT_SEED),
            "euclidean",
            knn_indices=ids,
            knn_dists=distances,
        )
    return weights.tocoo()


@cache
def _compile_once() -> None:
    """Keeps umap-learn's compiled loops on disk; by itself it compiles them in every process, for seconds."""
    from umap import layouts, umap_

    for loop in (
        umap_.smooth_knn_dist,
        umap_.compute_membership_strengths,
        layouts._nb_optimize_layout_euclidean_single_epoch,
    ):
        loop.enable_caching()


@contextmanager
def threads_as_they_are() -> Iterator[None]:
    """Keeps torch's thread count: numba's first parallel loop raises it, and training would sum otherwise."""
    import numba
    import torch

    threads = torch.get_num_threads()
    numba.set_num_threads(min(threads, numba.get_num_threads()))
    yield
    torch.set_num_threads(threads)


def _layout(graph: Any, start: ndarray, *, epochs: int, rate: float) -> ndarray:
    from umap import layouts
    from umap.umap_ import find_ab_params, make_epochs_per_sample

    if not len(graph.data):  # a single sample has no neighbour to be drawn towards
        return start
    graph.sum_duplicates()
    strong = graph.data >= graph.data.max() / epochs  # weaker edges would not be drawn once
    a, b = find_ab_params(SPREAD, MIN_DISTANCE)
    positions = np.ascontiguousarray(start, np.float32).copy()
    layout: ndarray = layouts.optimize_layout_euclidean(
        positions,
        positions,
        graph.row[strong],
        graph.col[strong],
        epochs,
        len(start),
        make_epochs_per_sample(graph.data[strong], epochs),
        a,
        b,
        np.random.RandomState(LAYOUT_SEED).randint(-(2**31) + 1, 2**31 - 1, 3).astype(np.int64),
        initial_alpha=rate,
        move_other=True,
    )
    return layout
