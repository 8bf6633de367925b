"""The line `density`: does the default index keep the samples that exact neighbours would, and what it saves.

Asked on features of a net in training, since on random points, which have no neighbourhoods, no index agrees
with itself. Each repeat builds a graph from another seed.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy import ndarray

from engine import density
from engine.bench import cifar, density_peers
from engine.bench.consistency import encoder_of, values
from engine.bench.density_peers import PEERS
from engine.bench.line import Figure, Line, Surroundings, at_least
from engine.bench.repeats import versions
from engine.consistency.settings import Offline
from engine.datasets import Dataset
from engine.density import DensitySettings
from engine.selection import joint_score

KEEPS = (0.5, 0.3)
SEED = 0  # of the flipped labels, and of which rows a size takes


@dataclass(frozen=True)
class Density:
    """HNSW with the default settings against exact neighbours and other indexes, at several sizes."""

    samples: int = 10_000  # that a net is trained on
    larger: tuple[tuple[int, int], ...] = ((20_000, 3), (50_000, 2))  # rows and repeats
    epochs: int = 4
    repeats: int = 5
    judged: bool = True
    name: str = field(default="density", init=False)
    summary: str = field(default="HNSW as by default against exact neighbours", init=False)

    def quick(self) -> Self:
        """Returns the line on 1,000 and 2,000 images, one epoch and two repeats."""
        return replace(self, samples=1000, larger=((2000, 2),), epochs=1, repeats=2, judged=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns agreement of the kept sets, recall and seconds, at each size."""
        files = surroundings.cifar()
        dataset = cifar.flipped(cifar.loaded(files, self.samples), SEED)
        encoder_of(surroundings.cache)  # says so where it cannot be had
        agreement = values(dataset, Offline(), surroundings.cache)
        most = max([self.samples, *(samples for samples, _ in self.larger)])
        every = cifar.loaded(files, most).images
        features, accuracy = cifar.trained_features(dataset, files, self.epochs, images=every)
        settings = DensitySettings(index="hnsw")
        peers, notes = density_peers.asked_peers(PEERS, slow=self.judged)
        notes += density_peers.warmed_up(features.trained, settings.k, peers)
        rng = np.random.default_rng(SEED)
        figures = agreement_of(features.trained, agreement, settings, repeats=self.repeats)
        figures += density_peers.compare(features.trained, settings, peers, repeats=self.repeats)
        for samples, repeats in self.larger:
            surroundings.say(f"{self.name}: {samples:,} rows")
            rows = np.sort(rng.permutation(len(features.asked))[:samples])
            drawn = features.asked[rows]
            figures += agreement_of(drawn, None, settings, repeats=repeats)
            figures += density_peers.compare(drawn, settings, peers, repeats=repeats)
        return Line(
            self.name,
            self._compared(settings, dataset, features.trained.shape[1], accuracy),
            figures,
            versions("hnswlib", "torch", "faiss-cpu", "pynndescent"),
            [*notes, *NOTES],
            judged=self.judged,
        )

    def _compared(self, settings: DensitySettings, dataset: Dataset, width: int, accuracy: float) -> str:
        larger = "".join(f", and {samples:,} ({repeats} repeats)" for samples, repeats in self.larger)
        return (
            f"HNSW at M {settings.m}, ef_construction {settings.ef_construction}, ef {settings.ef} against "
            f"exact neighbours: {len(dataset.labels):,} x {width} features of resnet8_wide after "
            f"{self.epochs} epochs on them, CIFAR-10 with {cifar.FLIPPED:.0%} flipped labels (test accuracy "
            f"{accuracy:.0%}){larger} drawn from the features that this net has of more of CIFAR-10's "
            f"training images; k {settings.k}; {self.repeats} interleaved repeats, each with another seed"
        )


def agreement_of(
    features: ndarray, agreement: ndarray | None, settings: DensitySettings, *, repeats: int
) -> list[Figure]:
    """Returns recall, and Jaccard of the kept set from HNSW against the kept set from exact neighbours.

    features: (N, D) at length 1; agreement: (N,) consistency; None: kept by rarity alone. One value a seed of
    the graph.
    """
    every = np.arange(len(features))
    true_ids, true_distances = density.exact_neighbours(features, every, settings.k)
    true = density.rarity(density.mean_distance(true_distances))
    recalls: list[float] = []
    shared: dict[tuple[str, float], list[float]] = {}
    for seed in map(density_peers.seed_of, range(repeats)):
        found = density.nearest_neighbours(features, settings, seed=seed)
        recalls.append(density.recall(found.ids, true_ids))
        rarity = density.rarity(density.neighbour_distance(found))
        for keep in KEEPS:
            if agreement is not None:
                both = joint_score(rarity, agreement), joint_score(true, agreement)
                agreed = density.kept_jaccard(*both, keep)
                shared.setdefault(("rarity x consistency", keep), []).append(agreed)
            shared.setdefault(("rarity", keep), []).append(density.kept_jaccard(rarity, true, keep))
    at = f"at {len(features):,}"
    return [
        Figure(f"recall@{settings.k} {at}, all rows", recalls, goal=at_least(0.98)),
        *(
            Figure(f"Jaccard of the kept {at}, keep {keep:g} by {score}", jaccards, goal=at_least(0.99))
            for (score, keep), jaccards in shared.items()
        ),
    ]


NOTES = (
    "The index has to be faster than torch's comparison of all pairs from 20,000 rows up; faiss compares all "
    "pairs too. Where a gain is below 1, the peer is the faster one.",
    "The denser HNSW is hnswlib as it comes. It is asked at the same ef as ours, so that most of what is "
    "gained is in building: with fewer links and candidates, and with rows that lie near each other in turn.",
)
