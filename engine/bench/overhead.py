"""The line `overhead`: what a run costs beside a loop that trains on the same batches and notes nothing.

Both train on all samples, so that what differs is what the engine adds: signals, features, neighbours, maps,
the record and the checkpoint. What selection saves is the line `selection`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Self

from engine.bench import cifar
from engine.bench.epochs import PARTS, EngineRun, Lesson, PlainLoop, by_cycle, part, side_by_side
from engine.bench.line import Figure, Line, Surroundings, at_most
from engine.bench.repeats import interleaved, ratios, versions

SADA, JOINT, PLAIN = "SADA", "joint, SADA and maps", "plain loop"
NOTHING = 0.001  # seconds of an epoch, below which a part is not named
CYCLE = 10  # epochs after which passes for features, every 5, and maps, every 2, repeat


@dataclass(frozen=True)
class Overhead:
    """Seconds an epoch of two runs over those of a plain loop on the same batches."""

    samples: int = 10_000
    cycles: int = 1
    net: str = "air_xs"
    precision: str = "auto"
    judged: bool = True
    name: str = field(default="overhead", init=False)
    summary: str = field(default="a run against a plain loop on the same batches", init=False)

    def quick(self) -> Self:
        """Returns the line on 300 images."""
        return replace(self, samples=300, judged=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns ratios, and where the seconds go."""
        dataset = cifar.loaded(surroundings.cifar(), self.samples)
        wanted = {SADA: (dataset, self.settings(SADA)), JOINT: (dataset, self.settings(JOINT))}
        with side_by_side(wanted) as runs:
            seconds = self._seconds(runs, surroundings)
            parts = [*parts_of(runs[SADA], SADA), *parts_of(runs[JOINT], JOINT)]
            precision = runs[SADA].task.precision
        whole = {name: by_cycle(spent, CYCLE) for name, spent in seconds.items()}
        return Line(
            self.name,
            f"the engine's own loop against a plain one on the same net, batches, augmented images and "
            f"updates: {self.samples:,} images of CIFAR-10, {self.net}, batches of 128, {precision.name}, no "
            f"test pass in any; {self.cycles * CYCLE} epochs by turns after one that warms up; {JOINT} keeps "
            f"all samples, so that it trains on as many, with a map every 2 and a pass for features every 5 "
            f"epochs, and is therefore judged by whole cycles of {CYCLE} epochs",
            [
                Figure(
                    f"an epoch, {SADA} over it", ratios(seconds[SADA], seconds[PLAIN]), "x", at_most(1.03)
                ),
                Figure(f"a cycle, {JOINT} over it", ratios(whole[JOINT], whole[PLAIN]), "x", at_most(1.10)),
                Figure(f"an epoch, {JOINT} over it", ratios(seconds[JOINT], seconds[PLAIN]), "x"),
                *(Figure(f"an epoch, {name}", spent, "s") for name, spent in seconds.items()),
                *parts,
            ],
            versions("torch", "numba", "hnswlib", "umap-learn"),
            [
                "Consistency, measured once before a run, and folding, by a process beside it, are not "
                "counted. The neighbours of a map are those of the selection.",
                f"What {JOINT} adds is an index after every epoch that saw all samples, a clean pass over "
                "them every 5 epochs and a map every 2: parts that cost the same whatever the net, but for "
                "the pass, so that they weigh most beside one as small as this.",
            ],
            judged=self.judged,
        )

    def settings(self, name: str) -> list[str]:
        """Returns the settings of a run by its name."""
        epochs = 2 + self.cycles * CYCLE  # the last one is not trained, as a run ends with a map
        shared = [f"model.kind={self.net}", "batch_size=128", f"epochs={epochs}", "policy.kind=sada"]
        shared += [f"precision={self.precision}", "influence.probe=visit"]
        if name == SADA:
            return [*shared, "density.index=none", "maps.every=0"]
        return [*shared, "strategy.kind=joint", "strategy.keep=1", "maps.every=2", "density.refresh_every=5"]

    def _seconds(self, runs: dict[str, EngineRun], surroundings: Surroundings) -> dict[str, list[float]]:
        """Seconds of every epoch but the first of the runs and the plain loop."""
        plain, lessons = PlainLoop(runs[SADA]), list[Lesson]()

        def prepare(_: int) -> None:
            lessons.append(runs[SADA].lesson())
            surroundings.say(f"overhead, epoch {lessons[-1].epoch} of {self.cycles * CYCLE}")

        candidates: dict[str, Callable[[int], object]] = {
            PLAIN: lambda _: plain.epoch(lessons[-1]),
            **{name: run.epoch for name, run in runs.items()},
        }
        interleaved(candidates, 1, prepare=prepare)
        return interleaved(candidates, self.cycles * CYCLE, prepare=prepare)


def parts_of(run: EngineRun, name: str) -> list[Figure]:
    """Returns the mean seconds of an epoch, after the first one, of each part that takes a ms or more."""
    means = {each: fmean(part(run, each)) for each in PARTS}
    return [
        Figure(f"{each} of {name}, mean of an epoch", [seconds], "s")
        for each, seconds in means.items()
        if seconds >= NOTHING
    ]
