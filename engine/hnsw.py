"""HNSW: approximate nearest neighbours by walking a graph that is built anew (arXiv 1603.09320, hnswlib).

A third of the samples, drawn at random, joins the graph first; the rest follow along the main direction of
the features (ours). The next one then walks where the last one walked, among rows that the processor still
has at hand: a sixth less time at 10,000 samples, a quarter less at 50,000. Without the random ones there are
no long links, and samples of well separated classes are not found.
"""

from time import perf_counter
from typing import NamedTuple

import hnswlib
import numpy as np
from numpy import ndarray

FIRST = 1 / 3  # share of the samples that joins in random order


class Graph(NamedTuple):
    """How the graph is built and asked."""

    m: int  # links a point
    ef_construction: int  # candidates while it is built
    ef: int  # candidates while it is asked
    seed: int


def hnsw_neighbours(features: ndarray, k: int, graph: Graph) -> tuple[ndarray, ndarray, tuple[float, float]]:
    """Returns ids and L2 distances (N, k) of the nearest found, and the seconds of building and asking.

    features: (N, D); k at most N - 1. Ties by id.
    """
    started = perf_counter()
    order = joining_order(features)
    ordered = features[order]
    index = hnswlib.Index(space="l2", dim=features.shape[1])
    index.init_index(len(features), ef_construction=graph.ef_construction, M=graph.m, random_seed=graph.seed)
    index.set_num_threads(1)  # several threads build a different graph on every run
    index.add_items(ordered, np.arange(len(features)))
    built = perf_counter()
    index.set_ef(graph.ef)
    try:
        places, squared = index.knn_query(ordered, k + 1)
    except RuntimeError:
        raise RuntimeError(
            f"the HNSW index found fewer than {k} neighbours for some samples; raise density.ef or "
            "density.m, or set density.index to exact"
        ) from None
    back = np.argsort(order)
    ids, distances = without_own(order[places[back]], squared[back], k)
    return ids, distances, (built - started, perf_counter() - built)


def joining_order(features: ndarray) -> ndarray:
    """Returns the rows of features (N, D) in the order in which they join the graph, (N,) int64.

    The random ones are the same for each N. Where values are not finite there is no direction: rows as given.
    """
    centred = features - features.mean(0)
    products = (centred.T @ centred).astype(np.float64)
    if not np.isfinite(products).all():
        return np.arange(len(features))
    _, directions = np.linalg.eigh(products)
    along = np.argsort(centred @ directions[:, -1].astype(features.dtype), kind="stable")
    is_first = np.zeros(len(features), bool)
    first = np.random.default_rng(0).permutation(len(features))[: round(FIRST * len(features))]
    is_first[first] = True
    return np.concatenate([first, along[~is_first[along]]])


def without_own(ids: ndarray, squared: ndarray, k: int) -> tuple[ndarray, ndarray]:
    """Drops each row's own id, wherever it stands, and returns the k nearest of the rest.

    ids, squared: (N, k + 1) from the index, squared L2. Returns ids and L2 distances (N, k), nearest first,
    ties by id.
    """
    own = ids == np.arange(len(ids))[:, None]
    order = np.lexsort((ids, np.where(own, np.inf, squared)))[:, :k]
    kept = np.maximum(np.take_along_axis(squared, order, 1), 0)
    return np.take_along_axis(ids, order, 1).astype(np.int64), np.sqrt(kept).astype(np.float32)
