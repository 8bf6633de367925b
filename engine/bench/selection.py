"""The line `selection`: what training on half of the samples saves, after what choosing them costs.

A fresh random half costs nothing to choose and no run can be cheaper on as many samples, so it stands beside
full data; and what is saved by asking the net less often is worth little where other samples are kept, so
the kept set is held against that of a clean pass made at the end.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from engine import density
from engine.bench import cifar
from engine.bench.epochs import EPOCH, EngineRun, by_cycle, part, side_by_side
from engine.bench.line import Figure, Line, Surroundings, at_most
from engine.bench.overhead import parts_of
from engine.bench.repeats import interleaved, ratios, versions
from engine.clean import clean_pass

KEEP = 0.5
EVERYTHING, RANDOM = "all samples", "a fresh random half"
STALE, REFRESHED = "joint, nothing refreshed", "joint, refreshed"
CYCLE = 5  # epochs from one pass over all samples to the next


@dataclass(frozen=True)
class SelectionCost:
    """Seconds an epoch at keep 0.5 over those of full data and of a random half."""

    samples: int = 10_000
    cycles: int = 3
    net: str = "air_xs"
    precision: str = "auto"
    judged: bool = True
    name: str = field(default="selection", init=False)
    summary: str = field(default="joint at keep 0.5 against full data and a random half", init=False)

    def quick(self) -> Self:
        """Returns the line on 500 images and one cycle."""
        return replace(self, samples=500, cycles=1, judged=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns ratios, where the seconds go, and how far the kept set is that of a clean pass."""
        dataset = cifar.loaded(surroundings.cifar(), self.samples)
        names = (EVERYTHING, RANDOM, STALE, REFRESHED)
        with side_by_side({name: (dataset, self.settings(name)) for name in names}) as runs:
            agreed = self._train(runs, surroundings)
            precision = runs[EVERYTHING].task.precision
            parts = [figure for name in (STALE, REFRESHED) for figure in parts_of(runs[name], name)]
            seconds = {name: part(run, EPOCH) for name, run in runs.items()}
        return Line(
            self.name,
            f"joint selection at keep {KEEP} against {EVERYTHING} and {RANDOM} in every epoch, both without "
            f"neighbours: {self.samples:,} images of CIFAR-10, {self.net}, batches of 128, {precision.name}, "
            f"random strength, no maps, no test pass; whole epochs with record and checkpoint by turns, "
            f"after one on all samples that warms up; means of whole cycles of {CYCLE} epochs, one "
            f"of which ends with a clean pass over all samples and the index, where features are refreshed",
            [*compared(seconds), *agreements(agreed), *parts],
            versions("torch", "numba", "hnswlib"),
            [
                f"A clean selection is made from a pass over all samples and exact neighbours after each of "
                f"the last {CYCLE} epochs, beside the seconds; after the last one features are new."
            ],
            judged=self.judged,
        )

    def settings(self, name: str) -> list[str]:
        """Returns the settings of a run by its name."""
        epochs = 2 + self.cycles * CYCLE
        shared = [f"model.kind={self.net}", "batch_size=128", f"epochs={epochs}", "maps.every=0"]
        shared += [f"precision={self.precision}", "policy.kind=random_strength"]
        if name == EVERYTHING:
            return [*shared, "density.index=none"]
        if name == RANDOM:
            return [*shared, "density.index=none", "strategy.kind=random_subset", f"strategy.keep={KEEP}"]
        every = CYCLE if name == REFRESHED else 1000
        return [
            *shared,
            "strategy.kind=joint",
            f"strategy.keep={KEEP}",
            f"density.refresh_every={every}",
        ]

    def _train(self, runs: dict[str, EngineRun], surroundings: Surroundings) -> list[tuple[float, float]]:
        """Trains all runs by turns; returns how far both joint ones kept the right ones in the last cycle."""
        last, agreed = self.cycles * CYCLE, list[tuple[float, float]]()

        def look(epoch: int) -> None:
            surroundings.say(f"selection, {epoch} of {last + 1} epochs")
            if epoch > last - CYCLE + 1:
                agreed.append((kept_agreement(runs[STALE]), kept_agreement(runs[REFRESHED])))

        interleaved({name: run.epoch for name, run in runs.items()}, last + 1, prepare=look)
        look(last + 1)
        return agreed


def compared(seconds: dict[str, list[float]]) -> list[Figure]:
    """Returns what a cycle costs, and over full data and over a random half; seconds: of epochs by run."""
    cost = {name: by_cycle(spent, CYCLE) for name, spent in seconds.items()}
    goals = {STALE: at_most(0.55), REFRESHED: at_most(0.68)}
    over = [
        Figure(f"an epoch, {name} over {EVERYTHING}", ratios(spent, cost[EVERYTHING]), "x", goals.get(name))
        for name, spent in cost.items()
        if name != EVERYTHING
    ]
    beside = [
        Figure(f"an epoch, {name} over {RANDOM}", ratios(cost[name], cost[RANDOM]), "x")
        for name in (STALE, REFRESHED)
    ]
    return [*over, *beside, *(Figure(f"an epoch, {name}", spent, "s") for name, spent in cost.items())]


def agreements(agreed: list[tuple[float, float]]) -> list[Figure]:
    """Returns the Jaccard index after each epoch of the last cycle, without and with refreshed features."""
    return [
        Figure(f"Jaccard with a clean selection, {name}", list(values))
        for name, values in zip((STALE, REFRESHED), zip(*agreed, strict=True), strict=True)
    ]


def kept_agreement(run: EngineRun) -> float:
    """Jaccard index of what the run would keep next and what it would after a clean pass of its net now."""
    task, known = run.task, run.state.signals
    passed = clean_pass(task, run.state.model, task.dataset.images, task.dataset.labels)
    every, strategy = np.arange(len(known)), task.config.strategy
    _, distances = density.exact_neighbours(density.normalised(passed.features), every, task.config.density.k)
    rarity = density.rarity(density.mean_distance(distances), clip=task.config.density.clip)
    return density.kept_jaccard(known.score, strategy.score(rarity, known.consistency), KEEP)
