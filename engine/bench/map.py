"""The line `map`: our map, which starts from the last one, against UMAP from nothing, as a net learns.

Asked on the features of a net at several epochs of a run, early and late, since a start from the last map is
worth the less the more was learned in between.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy import ndarray

from engine import density, maps
from engine.bench import cifar
from engine.bench.epochs import EngineRun
from engine.bench.line import Figure, Line, Surroundings, at_most
from engine.bench.repeats import interleaved, ratios, versions
from engine.clean import clean_pass
from engine.datasets import Dataset
from engine.density import DensitySettings, Neighbours
from engine.maps import Map, draw_map, threads_as_they_are

NET = "air_xs"
WARM, COLD, GIVEN = "warm", "cold, umap-learn's fit", "cold, umap-learn's fit with our neighbours"
LATE = 3  # last maps whose movement is judged
FEW = 200  # rows on which the loops compile


class Moment(NamedTuple):
    """What a map is drawn from after an epoch."""

    epoch: int
    features: ndarray  # (N, D) at length 1
    graph: Neighbours


class Compared(NamedTuple):
    """One map after an epoch, from the last map and from nothing."""

    epoch: int
    trust: dict[str, float]
    movement: float  # of the warm map since the last one
    floor: float  # of a warm map of the same features as the last one
    cold_movement: float  # of a cold map since the cold map before it; NaN for the first


@dataclass(frozen=True)
class MapCost:
    """Seconds, trustworthiness and movement of warm maps, each beside a cold one of the same features."""

    samples: int = 10_000
    epochs: int = 20
    every: int = 2  # epochs between two maps, as by default
    compared: tuple[int, ...] = (2, 8, 14, 16, 18)  # epochs after which a cold map is drawn too
    judged: bool = True
    name: str = field(default="map", init=False)
    summary: str = field(default="maps that start from the last one against UMAP from nothing", init=False)

    def quick(self) -> Self:
        """Returns the line on 500 images and three epochs, of which one is compared."""
        return replace(self, samples=500, epochs=3, every=1, compared=(2,), judged=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns seconds and ratios, trustworthiness and movement; one repeat a compared epoch."""
        dataset = cifar.loaded(surroundings.cifar(), self.samples)
        settings = DensitySettings(index="hnsw")
        moments = [
            Moment(epoch, features, density.nearest_neighbours(features, settings, seed=0))
            for epoch, features in epoch_features(dataset, self._assignments())
            if epoch % self.every == 0 or epoch == self.epochs - 1
        ]
        surroundings.say(f"{self.name}: trained, drawing maps")
        warm_up(moments[0])
        found, seconds = compare(moments, self.compared)
        width = moments[0].features.shape[1]
        return Line(
            self.name,
            f"warm maps against cold ones of {len(dataset.labels):,} samples: {width} features of {NET} in "
            f"{self.epochs} epochs on CIFAR-10, a map every {self.every} epochs, compared after epochs "
            f"{', '.join(str(one.epoch) for one in found)}; one repeat a compared epoch",
            [*time_figures(seconds), *map_figures(found)],
            versions("umap-learn", "pynndescent", "numba", "hnswlib"),
            NOTES,
            judged=self.judged,
        )

    def _assignments(self) -> list[str]:
        return [f"model.kind={NET}", f"epochs={self.epochs}", "maps.every=0", "density.index=none"]


def epoch_features(dataset: Dataset, assignments: Sequence[str]) -> Iterator[tuple[int, ndarray]]:
    """Trains a net; yields each epoch and the clean features that its net has of all samples, at length 1."""
    with tempfile.TemporaryDirectory() as folder:
        beside = EngineRun(dataset, Path(folder), assignments, precision=None)
        task = beside.task
        for epoch in range(task.config.epochs):
            beside.epoch()
            passed = clean_pass(task, beside.state.model, dataset.images, dataset.labels)
            yield epoch, density.normalised(passed.features)
        beside.progress.end()


def warm_up(moment: Moment) -> None:
    """Has every loop compiled, or read from disk, on few rows; larger sets take loops of their own."""
    few = moment.features[:FEW]
    graph = density.nearest_neighbours(few, DensitySettings(index="exact"), seed=0)
    rows = np.arange(len(few))
    first = draw_map(few, graph, None, sample_ids=rows)
    draw_map(few, graph, first.positions, sample_ids=rows)
    cold_positions(Moment(moment.epoch, few, graph), given=True)
    cold_positions(moment, given=False)


def compare(
    moments: Sequence[Moment], epochs: Sequence[int]
) -> tuple[list[Compared], dict[str, list[float]]]:
    """Draws all warm maps one after another, and cold ones beside those after these epochs.

    Returns what was found at each of them, and the seconds of all candidates there.
    """
    every = np.arange(len(moments[0].features))
    last = draw_map(moments[0].features, moments[0].graph, None, sample_ids=every)
    found, seconds = [], dict[str, list[float]]()
    cold_before: ndarray | None = None
    for before, moment in pairwise(moments):
        start = last
        if moment.epoch not in epochs:
            last = draw_map(moment.features, moment.graph, start.positions, sample_ids=every)
            continue
        made: dict[str, Any] = {}
        spent = interleaved(_candidates(moment, start, made), 1)
        for name, values in spent.items():
            seconds.setdefault(name, []).extend(values)
        last, cold = made[WARM], made[COLD]
        again = draw_map(before.features, before.graph, start.positions, sample_ids=every)
        trust = {name: maps.trustworthiness(moment.features, made[name]) for name in (COLD, GIVEN)}
        cold_moved = np.nan if cold_before is None else maps.movement(cold_before, cold)
        found.append(
            Compared(
                moment.epoch, {WARM: last.trust, **trust}, last.movement, again.movement, float(cold_moved)
            )
        )
        cold_before = cold
    return found, seconds


def _candidates(moment: Moment, start: Map, made: dict[str, Any]) -> dict[str, Callable[[int], object]]:
    """Each keeps what it made under its name."""
    every = np.arange(len(moment.features))

    def warm(_: int) -> None:
        made[WARM] = draw_map(moment.features, moment.graph, start.positions, sample_ids=every)

    def cold(_: int) -> None:
        made[COLD] = cold_positions(moment, given=False)

    def given(_: int) -> None:
        made[GIVEN] = cold_positions(moment, given=True)

    return {COLD: cold, WARM: warm, GIVEN: given}


def cold_positions(moment: Moment, *, given: bool) -> ndarray:
    """Returns umap-learn's map (N, 2) by its public fit, its settings as it has them but for the neighbours.

    As many neighbours as ours has, of which it counts the sample itself as one; given: ours, else its own.
    """
    from umap import UMAP

    k = moment.graph.ids.shape[1] + 1
    own = np.arange(len(moment.features))[:, None]
    ids = np.hstack([own, moment.graph.ids]).astype(np.int32)
    distances = np.hstack([np.zeros_like(own, np.float32), moment.graph.distances]).astype(np.float32)
    neighbours = {"precomputed_knn": (ids, distances)} if given else {}
    with threads_as_they_are(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, which all have, and no transform
        fitted = UMAP(n_neighbors=k, random_state=maps.LAYOUT_SEED, **neighbours).fit(moment.features)
    return np.asarray(fitted.embedding_)


def time_figures(seconds: dict[str, list[float]]) -> list[Figure]:
    """Returns the seconds of each map and what the warm one takes of the cold ones."""
    return [
        *(Figure(f"time, {name}", values, "s") for name, values in seconds.items()),
        Figure("time of warm over cold", ratios(seconds[WARM], seconds[COLD]), "x", at_most(0.07)),
        Figure("time of warm over cold with our neighbours", ratios(seconds[WARM], seconds[GIVEN]), "x"),
    ]


def map_figures(found: Sequence[Compared]) -> list[Figure]:
    """Returns trustworthiness and movement of the maps."""
    late = found[-LATE:]
    known = [one.cold_movement for one in found if np.isfinite(one.cold_movement)]
    cold = [Figure("movement since the last compared map, cold", known)] if known else []
    return [
        *(
            Figure(f"trustworthiness, {name}", [one.trust[name] for one in found])
            for name in (WARM, COLD, GIVEN)
        ),
        Figure(
            "trustworthiness, cold minus warm",
            [one.trust[COLD] - one.trust[WARM] for one in found],
            goal=at_most(0.01),
        ),
        Figure("movement since the last map, warm", [one.movement for one in found]),
        Figure("movement of the same features drawn again, warm", [one.floor for one in found]),
        *cold,
        Figure(
            f"late movement over that of the same features, last {len(late)}",
            [one.movement / one.floor for one in late],
            "x",
            at_most(2),
        ),
    ]


NOTES = (
    "Warm takes the neighbours that the run has from its density, and its seconds hold the measuring of "
    "trustworthiness; cold finds its own. Both ratios stand above, as do all seconds.",
    "Cold has umap-learn's own settings, as many layout epochs as it takes for the size (500 up to 10,000 "
    "samples, 200 above), and our number of neighbours; it is drawn anew after each epoch from one seed.",
    "The noise floor is how far a map moves that is drawn again from the features of the last one: nothing "
    "was learned in between.",
)
