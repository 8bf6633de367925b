"""What an epoch of a person's own loop teaches of every sample: the engine's arithmetic without its loop."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from engine import density, maps, signals
from engine.density import NO_NEIGHBOURS, DensitySettings, Neighbours
from engine.influence import InfluenceSettings
from engine.learning import learned
from engine.maps import Map, MapSettings
from engine.observed import Observations
from engine.own.samples import OwnSamples
from engine.recorder import Epoch, Probed
from engine.selection import Selection, Strategy, joint_score
from engine.signals import Signals
from engine.stopwatch import Stopwatch

UNKNOWN = float("nan")


class Used(NamedTuple):
    """What an epoch used on each of N samples; NaN where nobody said it."""

    strengths: ndarray  # (N,)
    weights: ndarray  # (N,)


class Found(NamedTuple):
    """What an epoch measured, and what is known after it."""

    seen: Observations
    known: Signals
    neighbours: Neighbours
    drawn: Map | None


class Learner:
    """All that is known of a person's samples, and the last map of them."""

    def __init__(
        self, own: OwnSamples, *, influence: InfluenceSettings, density: DensitySettings, maps: MapSettings
    ) -> None:
        self._own, self._influence, self._density, self._maps = own, influence, density, maps
        classes = len(own.class_names)
        self.known = signals.unknown(own.consistency, width=0, classes=classes, settings=influence)
        self._last_map: Map | None = None

    def learn(self, seen: Observations, epoch: int) -> None:
        """Takes up losses, influences and features of the visited samples."""
        known = learned(self.known, seen, self._influence)
        width = seen.features.shape[1]
        if width and not known.features.shape[1]:
            known = replace(known, features=np.zeros((len(known), width), np.float32))
        if width:
            rows = density.normalised(seen.features)
            known = signals.refreshed(known, seen.ids, rows, epoch=epoch, clean=False)
        self.known = known

    def locate(self, strategy: Strategy | None, *, device: str) -> Neighbours:
        """Finds neighbours among the samples that have features, and from them rarity and score."""
        placed, score = self._placed(), joint_score if strategy is None else strategy.score
        if not self._density.seeks or len(placed) < 2:
            known = self.known
            self.known = replace(known, score=score(known.rarity, known.consistency))
            return NO_NEIGHBOURS
        labels = self._own.labels[placed] if self._density.per_class else None
        found = density.nearest_neighbours(
            self.known.features[placed], self._density, seed=0, labels=labels, device=device
        )
        near = density.neighbour_distance(found)
        distance, rarity = np.full((2, len(self.known)), np.nan, np.float32)
        distance[placed], rarity[placed] = near, density.rarity(near, labels, clip=self._density.clip)
        self.known = replace(
            self.known,
            neighbour_distance=distance,
            rarity=rarity,
            score=score(rarity, self.known.consistency),
        )
        return found

    def draw_map(self, epoch: int, neighbours: Neighbours, *, is_last: bool) -> Map | None:
        """Draws the map where one is due and there are features, starting from the last one."""
        every, placed = self._maps.every, self._placed()
        is_due = every and (epoch % every == 0 or is_last)
        if not is_due or self.known.features.shape[1] < 2 or len(placed) <= self._density.k:
            return None
        shown = maps.shown_samples(len(placed), self._maps.samples)
        ids = placed[shown]
        features = self.known.features[ids]
        if len(shown) < len(placed) or self._density.per_class or not self._density.seeks:
            neighbours = density.nearest_neighbours(features, self._density, seed=0)
        last = self._last_map
        start = last.positions if last is not None and np.array_equal(last.sample_ids, ids) else None
        self._last_map = maps.draw_map(features, neighbours, start, sample_ids=ids)
        return self._last_map

    def _placed(self) -> ndarray:
        """The samples that have features."""
        return np.flatnonzero(self.known.feature_epoch >= 0)


def completed(
    said: Mapping[str, ndarray], ids: ndarray, *, strengths: ndarray | None, selection: Selection | None
) -> Used:
    """Returns what the loop said it used, (N,) each; where it said nothing, what was chosen for it.

    ids (V,): the visited samples. A chosen strength or weight counts as used on each of them.
    """
    chosen = {name: np.full(len(values), np.nan, np.float32) for name, values in said.items()}
    if strengths is not None:
        chosen["strengths"][ids] = strengths[ids]
    if selection is not None:
        chosen["weights"][selection.ids] = selection.weights
    return Used(**{name: np.where(np.isnan(said[name]), chosen[name], said[name]) for name in Used._fields})


def finished(epoch: int, found: Found, used: Used, watch: Stopwatch) -> Epoch:
    """Returns an epoch as the recorder takes it: kept is what was visited, and no pass was a probe."""
    ids = found.seen.ids
    return Epoch(
        epoch=epoch,
        selection=Selection(ids, used.weights[ids]),
        strengths=used.strengths,
        operations=np.full(len(ids), np.nan),
        seen=found.seen,
        signals=found.known,
        probed=Probed(None, False, UNKNOWN),
        neighbours=found.neighbours,
        jaccard=UNKNOWN,
        drawn=found.drawn,
        learning_rate=UNKNOWN,
        test=None,
        validation=None,
        seconds=watch.seconds,
        seconds_total=watch.total,
    )
