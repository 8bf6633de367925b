"""Who finds the nearest neighbours in the line `density`: our index, all pairs, and other libraries'.

Each gets the same rows and answers with the ids of the k nearest, so that its recall can stand beside its
seconds: an index that finds less is no faster.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import util
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy import ndarray

from engine import density
from engine.bench.line import Figure, Goal, at_least
from engine.bench.repeats import absent, interleaved, ratios
from engine.density import DensitySettings
from engine.hnsw import Graph, hnsw_neighbours
from engine.maps import threads_as_they_are

DENSE = {"m": 16, "ef_construction": 200}  # a usual choice, for comparison
OWN, EXACT = "HNSW as by default", "exact, torch in blocks"
DENSER = f"HNSW at M {DENSE['m']}, ef_construction {DENSE['ef_construction']}, same ef"
EXACT_GOAL_FROM = 20_000  # rows from which the index has to be faster than comparing all pairs
FEW = 1000  # rows on which what compiles at its first call compiles

Finder = Callable[[int], ndarray]  # the repeat to ids (N, k), or (N, k + 1) with the own one
Build = Callable[[ndarray, int], Finder]  # features (N, D) at length 1, and k


class Peer(NamedTuple):
    """Another library's index."""

    module: str
    build: Build
    is_slow_to_start: bool = False  # compiles for longer than small sizes take


def compare(
    features: ndarray, settings: DensitySettings, peers: Mapping[str, Peer], *, repeats: int
) -> list[Figure]:
    """Returns seconds, gains and recall on features (N, D) of our index and of all that it is held against.

    peers: those that are installed, warmed up.
    """
    samples, k = len(features), settings.k
    found: dict[str, ndarray] = {}
    finders: dict[str, Finder] = {
        OWN: by_hnsw(features, settings),
        EXACT: lambda _: exact_ids(features, k),
        DENSER: by_plain_hnsw(features, settings.model_copy(update=DENSE)),
        **{name: peer.build(features, k) for name, peer in peers.items()},
    }

    def kept(name: str) -> Callable[[int], None]:
        return lambda repeat: found.update({name: finders[name](repeat)})

    seconds = interleaved({name: kept(name) for name in finders}, repeats)
    goals: dict[str, Goal] = {DENSER: at_least(2.5)}
    if samples >= EXACT_GOAL_FROM:
        goals[EXACT] = at_least(1)
    others = [name for name in finders if name != OWN]
    at = f"at {samples:,}"
    return [
        *(Figure(f"time {at}, {name}", spent, "s") for name, spent in seconds.items()),
        *(
            Figure(f"gain {at} over {name}", ratios(seconds[name], seconds[OWN]), "x", goals.get(name))
            for name in others
        ),
        *(
            Figure(f"recall@{k} {at}, {name}", [density.recall(found[name], found[EXACT])])
            for name in others
            if name != EXACT
        ),
    ]


def asked_peers(peers: Mapping[str, Peer], *, slow: bool) -> tuple[dict[str, Peer], list[str]]:
    """Returns those that can be asked, and a sentence on each of the others; slow: slow starters too."""
    asked, notes = {}, []
    for name, peer in peers.items():
        if not util.find_spec(peer.module):
            notes.append(absent(name))
        elif peer.is_slow_to_start and not slow:
            notes.append(f"{name} is left out of small sizes, since it compiles for half a minute first.")
        else:
            asked[name] = peer
    return asked, notes


def warmed_up(features: ndarray, k: int, peers: Mapping[str, Peer]) -> Iterator[str]:
    """Has each peer find neighbours of a few rows; yields how long the first time took."""
    for name, peer in peers.items():
        started = perf_counter()
        peer.build(features[:FEW], k)(0)
        yield f"{name} took {perf_counter() - started:.1f} s the first time in the process."


def by_hnsw(features: ndarray, settings: DensitySettings) -> Finder:
    """Our index: builds a graph and asks it about all rows."""

    def find(repeat: int) -> ndarray:
        graph = Graph(settings.m, settings.ef_construction, settings.ef, seed=seed_of(repeat))
        return hnsw_neighbours(features, settings.k, graph)[0]

    return find


def by_plain_hnsw(features: ndarray, settings: DensitySettings) -> Finder:
    """hnswlib as its documentation uses it: rows join and ask in the order in which they come."""
    import hnswlib

    def find(repeat: int) -> ndarray:
        index = hnswlib.Index(space="l2", dim=features.shape[1])
        index.init_index(
            len(features),
            ef_construction=settings.ef_construction,
            M=settings.m,
            random_seed=seed_of(repeat),
        )
        index.set_num_threads(torch.get_num_threads())
        index.add_items(features, np.arange(len(features)))
        index.set_ef(settings.ef)
        return np.asarray(index.knn_query(features, settings.k + 1)[0])

    return find


def seed_of(repeat: int) -> int:
    """Returns another seed for each repeat; hnswlib builds the same graph from 0 and from 1."""
    return repeat + 1


def exact_ids(features: ndarray, k: int) -> ndarray:
    """Compares all pairs."""
    return density.exact_neighbours(features, np.arange(len(features)), k)[0]


def by_faiss(features: ndarray, k: int) -> Finder:
    """Faiss' flat index, which compares all pairs."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())

    def find(_repeat: int) -> ndarray:
        index: Any = faiss.IndexFlatL2(features.shape[1])
        index.add(features)
        return np.asarray(index.search(features, k + 1)[1])

    return find


def by_pynndescent(features: ndarray, k: int) -> Finder:
    """Nearest neighbour descent as umap-learn uses it, with as many threads as all the others."""
    from pynndescent import NNDescent

    def find(repeat: int) -> ndarray:
        with threads_as_they_are():
            index: Any = NNDescent(
                features, n_neighbors=k + 1, random_state=repeat, n_jobs=torch.get_num_threads()
            )
            return np.asarray(index.neighbor_graph[0])

    return find


PEERS = {
    "faiss-cpu": Peer("faiss", by_faiss),
    "pynndescent": Peer("pynndescent", by_pynndescent, is_slow_to_start=True),
}
