"""The line `density`: does the default index keep the samples that exact neighbours would, and what it saves.

Asked on features of a net in training, since on random points, which have no neighbourhoods, no index agrees
with itself. Each repeat builds a graph from another seed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import util
from time import perf_counter
from typing import Any, Self

import numpy as np
import torch
from numpy import ndarray

from engine import density
from engine.bench import cifar
from engine.bench.consistency import encoder_of, values
from engine.bench.line import Figure, Line, Surroundings, at_least
from engine.bench.repeats import absent, interleaved, ratios, versions
from engine.consistency.settings import Offline
from engine.density import DensitySettings
from engine.hnsw import Graph, hnsw_neighbours
from engine.selection import joint_score

KEEPS = (0.5, 0.3)
DENSE = {"m": 16, "ef_construction": 200}  # a usual choice, for comparison
SEED = 0  # of the flipped labels
OWN, EXACT = "HNSW as by default", "exact, torch in blocks"

Finder = Callable[[int], ndarray]  # the repeat to ids (N, k), or (N, k + 1) with the own one


@dataclass(frozen=True)
class Density:
    """HNSW with the default settings against exact neighbours and other indexes."""

    samples: int = 10_000
    epochs: int = 4
    repeats: int = 5
    judged: bool = True
    name: str = field(default="density", init=False)
    summary: str = field(default="HNSW as by default against exact neighbours", init=False)

    def quick(self) -> Self:
        """Returns the line on 1,000 images, one epoch and two repeats."""
        return replace(self, samples=1000, epochs=1, repeats=2, judged=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns agreement of the kept sets, recall and seconds."""
        files = surroundings.cifar()
        dataset = cifar.flipped(cifar.loaded(files, self.samples), SEED)
        encoder_of(surroundings.cache)  # says so where it cannot be had
        agreement = values(dataset, Offline(), surroundings.cache)
        features, accuracy = cifar.trained_features(dataset, files, self.epochs)
        settings = DensitySettings(index="hnsw")
        agreed = agreement_of(features, agreement, settings, repeats=self.repeats)
        timed, notes = self._times(features, settings)
        samples, width = features.shape
        return Line(
            self.name,
            f"HNSW at M {settings.m}, ef_construction {settings.ef_construction}, ef {settings.ef} against "
            f"exact neighbours: {samples:,} x {width} features of resnet8_wide after {self.epochs} epochs on "
            f"CIFAR-10 with {cifar.FLIPPED:.0%} flipped labels (test accuracy {accuracy:.0%}), "
            f"k {settings.k}; {self.repeats} interleaved repeats, each with another seed",
            [*agreed, *timed],
            versions("hnswlib", "torch", "faiss-cpu", "pynndescent"),
            notes,
            judged=self.judged,
        )

    def _times(self, features: ndarray, settings: DensitySettings) -> tuple[list[Figure], list[str]]:
        """Returns seconds, ratios and recall of the others, and sentences on the peers."""
        dense = f"HNSW at M {DENSE['m']}, ef_construction {DENSE['ef_construction']}, same ef"
        finders: dict[str, Finder] = {
            OWN: by_hnsw(features, settings),
            EXACT: lambda _: exact_ids(features, settings.k),
            dense: by_hnsw(features, settings.model_copy(update=DENSE)),
        }
        notes = [absent(package) for package, (module, _) in PEERS.items() if not util.find_spec(module)]
        for package, (module, finder) in PEERS.items():
            if util.find_spec(module):
                finders[package] = finder(features, settings.k)
                started = perf_counter()
                finders[package](0)
                notes.append(
                    f"{package} took {perf_counter() - started:.1f} s the first time in the process."
                )
        seconds = interleaved(finders, self.repeats)
        own = seconds[OWN]
        times = [Figure(f"time, {name}", spent, "s") for name, spent in seconds.items()]
        goals = {dense: at_least(2.5)}
        gains = [
            Figure(f"gain over {name}", ratios(spent, own), "x", goals.get(name))
            for name, spent in seconds.items()
            if spent is not own
        ]
        return [*times, *gains, *_recalls(finders, settings.k)], notes


def agreement_of(
    features: ndarray, agreement: ndarray, settings: DensitySettings, *, repeats: int
) -> list[Figure]:
    """Returns recall, and Jaccard of the kept set from HNSW against the kept set from exact neighbours.

    features: (N, D) at length 1; agreement: (N,) consistency. One value a seed of the graph.
    """
    every = np.arange(len(features))
    true_ids, true_distances = density.exact_neighbours(features, every, settings.k)
    true = density.rarity(density.mean_distance(true_distances))
    recalls: list[float] = []
    shared: dict[tuple[str, float], list[float]] = {}
    for seed in range(repeats):
        found = density.nearest_neighbours(features, settings, seed=seed)
        recalls.append(density.recall(found.ids, true_ids))
        rarity = density.rarity(density.neighbour_distance(found))
        for keep in KEEPS:
            both = joint_score(rarity, agreement), joint_score(true, agreement)
            shared.setdefault(("rarity x consistency", keep), []).append(density.kept_jaccard(*both, keep))
            shared.setdefault(("rarity", keep), []).append(density.kept_jaccard(rarity, true, keep))
    return [
        Figure(f"recall@{settings.k}, all rows", recalls, goal=at_least(0.98)),
        *(
            Figure(f"Jaccard of the kept, keep {keep:g} by {score}", agreed, goal=at_least(0.99))
            for (score, keep), agreed in shared.items()
        ),
    ]


def _recalls(finders: dict[str, Finder], k: int) -> list[Figure]:
    """Recall of the others, without which their seconds say little."""
    true = finders[EXACT](0)
    others = {name: find for name, find in finders.items() if name not in (OWN, EXACT)}
    return [Figure(f"recall@{k}, {name}", [density.recall(find(0), true)]) for name, find in others.items()]


def by_hnsw(features: ndarray, settings: DensitySettings) -> Finder:
    """Builds a graph and asks it about all rows."""

    def find(repeat: int) -> ndarray:
        graph = Graph(settings.m, settings.ef_construction, settings.ef, seed=repeat)
        return hnsw_neighbours(features, settings.k, graph)[0]

    return find


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
    """Nearest neighbour descent as umap-learn uses it."""
    from pynndescent import NNDescent

    def find(repeat: int) -> ndarray:
        index: Any = NNDescent(
            features, n_neighbors=k + 1, random_state=repeat, n_jobs=torch.get_num_threads()
        )
        return np.asarray(index.neighbor_graph[0])

    return find


PEERS = {"faiss-cpu": ("faiss", by_faiss), "pynndescent": ("pynndescent", by_pynndescent)}
