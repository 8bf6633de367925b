"""HNSW: approximate nearest neighbours by walking a graph that is built anew (arXiv 1603.09320, hnswlib)."""

from time import perf_counter
from typing import NamedTuple

import hnswlib
import numpy as np
from numpy import ndarray


class Graph(NamedTuple):
    """How the graph is built and asked."""

    m: int  # links a point
    ef_construction: int  # candidates while it is built
    ef: int  # candidates while it is asked
    seed: int


def hnsw_neighbours(features: ndarray, k: int, graph: Graph) -> tuple[ndarray, ndarray, tuple[float, float]]:
    """Returns ids and L2 distances (N, k) of the nearest found, and the seconds of building and asking.

    features: (N, D); k at most N - 1.
    """
    started = perf_counter()
    index = hnswlib.Index(space="l2", dim=features.shape[1])
    index.init_index(len(features), ef_construction=graph.ef_construction, M=graph.m, random_seed=graph.seed)
    index.set_num_threads(1)  # several threads build a different graph on every run
    index.add_items(features, np.arange(len(features)))
    built = perf_counter()
    index.set_ef(graph.ef)
    try:
        labels, squared = index.knn_query(features, k + 1)
    except RuntimeError:
        raise RuntimeError(
            f"the HNSW index found fewer than {k} neighbours for some samples; raise density.ef or "
            "density.m, or set density.index to exact"
        ) from None
    ids, distances = without_own(labels, squared, k)
    return ids, distances, (built - started, perf_counter() - built)


def without_own(ids: ndarray, squared: ndarray, k: int) -> tuple[ndarray, ndarray]:
    """Drops each row's own id, wherever it stands, and returns the k nearest of the rest.

    ids, squared: (N, k + 1) from the index, squared L2. Returns ids and L2 distances (N, k), nearest first.
    """
    own = ids == np.arange(len(ids))[:, None]
    order = np.argsort(np.where(own, np.inf, squared), axis=1, kind="stable")[:, :k]
    kept = np.maximum(np.take_along_axis(squared, order, 1), 0)
    return np.take_along_axis(ids, order, 1).astype(np.int64), np.sqrt(kept).astype(np.float32)
