"""The line `scale`: what a sample costs in each part of an epoch, as the samples become more.

A curve of cost per sample shows what a ratio at one size hides: a part that grows faster than its samples.
Of the store at 1.28 million samples tells the line `store-1.28M`.
"""

from dataclasses import dataclass, field, replace
from statistics import median
from typing import Self

from engine.bench import cifar
from engine.bench.epochs import EPOCH, PARTS, EngineRun, part, side_by_side
from engine.bench.line import Figure, Line, Surroundings, at_most
from engine.bench.repeats import interleaved, versions

WITHOUT_MAP, MAP = "an epoch without its map", "map"


@dataclass(frozen=True)
class Scale:
    """Microseconds a sample of an epoch of joint selection, SADA and maps, by the size of the data."""

    sizes: tuple[int, ...] = (2000, 10_000, 50_000)
    repeats: int = 3
    net: str = "air_xs"
    precision: str = "auto"
    judged: bool = True
    name: str = field(default="scale", init=False)
    summary: str = field(default="cost per sample of an epoch at 2,000, 10,000 and 50,000 images", init=False)

    def quick(self) -> Self:
        """Returns the line on 300 and 900 images and two repeats."""
        return replace(self, sizes=(300, 900), repeats=2, judged=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns the curve and how far it is from flat."""
        wanted = {
            f"{size:,}": (cifar.loaded(surroundings.cifar(), size), self.settings()) for size in self.sizes
        }
        with side_by_side(wanted) as runs:
            turns = {name: run.epoch for name, run in runs.items()}
            interleaved(turns, 1 + self.repeats, prepare=lambda epoch: surroundings.say(f"scale, {epoch}"))
            costs = {name: per_sample(run) for name, run in runs.items()}
            precision = next(iter(runs.values())).task.precision
        return Line(
            self.name,
            f"cost per sample of the same run at {', '.join(wanted)} images of CIFAR-10: joint selection "
            f"at keep 0.5 and SADA, features refreshed, neighbours sought and a map drawn in every epoch; "
            f"{self.net}, batches of 128, {precision.name}, no test pass; {self.repeats} "
            f"{'epoch' if self.repeats == 1 else 'epochs'} by turns after one that warms up",
            [*curve(costs), *spread(costs)],
            versions("torch", "numba", "hnswlib", "umap-learn"),
            [
                "A map shows at most 10,000 samples of more than 20,000, so its cost per sample falls, as "
                "those of record and checkpoint do, which are mostly the same for any number. An HNSW graph "
                "of more samples has longer ways through more memory. The store at 1.28 million samples is "
                "the line store-1.28M."
            ],
            judged=self.judged,
        )

    def settings(self) -> list[str]:
        """Returns the settings of every run."""
        return [
            f"model.kind={self.net}", "batch_size=128", f"epochs={self.repeats + 2}", "maps.every=1",
            "policy.kind=sada", "strategy.kind=joint", "strategy.keep=0.5", "density.refresh_every=1",
            f"precision={self.precision}",
        ]  # fmt: skip


def per_sample(run: EngineRun) -> dict[str, list[float]]:
    """Returns the microseconds of each epoch a sample of the data set, by part."""
    each = 1e6 / len(run.state.signals)
    parts = {name: [each * seconds for seconds in part(run, name)] for name in (EPOCH, *PARTS)}
    whole = [all_of_it - drawn for all_of_it, drawn in zip(parts.pop(EPOCH), parts[MAP], strict=True)]
    return {WITHOUT_MAP: whole, **parts}


def curve(costs: dict[str, dict[str, list[float]]]) -> list[Figure]:
    """Returns one figure a part and size, sizes of a part side by side."""
    parts = next(iter(costs.values()))
    return [Figure(f"{name}, {size}", costs[size][name], "µs/sample") for name in parts for size in costs]


def spread(costs: dict[str, dict[str, list[float]]]) -> list[Figure]:
    """Returns the largest over the smallest of the sizes' medians, by part."""
    figures = []
    for name in next(iter(costs.values())):
        medians = [median(of_size[name]) for of_size in costs.values()]
        goal = at_most(1.5) if name == WITHOUT_MAP else None
        figures.append(
            Figure(f"largest over smallest, {name}", [max(medians) / max(min(medians), 1e-9)], "x", goal)
        )
    return figures
