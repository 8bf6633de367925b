"""Runs of any size for the store's bench: the engine's own arithmetic on invented losses, no training.

Selection, influence, variance, strength, rarity and score are the engine's, and every epoch goes through its
recorder, so that which cells are known, which stay equal from epoch to epoch and how numbers spread are those
of a run. In a run of joint selection and SADA on digits (1,437 samples, 16 epochs) the same cells were known:
strength to prediction of all samples in the first epoch and of the kept half afterwards, clean losses of all
samples in every fifth epoch, influence from the second and variance from the sixth epoch on; distance,
density, rarity and score of all samples in all epochs, equal between two refreshes, and with them the kept
half. All digits of a number are random, as in a net at full precision; at bfloat16 a third of its margins
differed, so that bytes a row are not flattered here. Maps and checkpoints are no part of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from engine import config, density, signals
from engine.clean import CleanPass
from engine.density import Neighbours
from engine.influence import InfluenceSettings
from engine.learning import learned
from engine.observed import Observations
from engine.recorder import Epoch, Probed
from engine.selection import Selection, Strategy
from engine.selection.everything import Everything
from engine.selection.joint import Joint
from engine.signals import Signals
from engine.strength.sada import Sada
from store.run import Run

WRONG = 0.1  # share of the labels that are wrong
TESTED = 1000  # test images
LEARNED = np.float32(6)  # visits after which losses no longer fall, or all of them would end at 0
SECONDS = {"train": 10.0, "features": 1.0, "neighbours": 1.0, "test": 0.5}


class Size(NamedTuple):
    """How large a run is."""

    samples: int
    epochs: int
    classes: int = 10

    @property
    def rows(self) -> int:
        """Rows of its history."""
        return self.samples * self.epochs


class Method(NamedTuple):
    """What decides which cells of a run are known."""

    strategy: Strategy
    refresh_every: int  # epochs
    influence: InfluenceSettings = InfluenceSettings()


HALF = Method(Joint(keep=0.5), refresh_every=5)
WHOLE = Method(Everything(), refresh_every=1)  # every cell is known, once the windows are full


@dataclass(frozen=True)
class World:
    """What the invented samples are like; (N,) each."""

    labels: ndarray
    true_labels: ndarray
    confused: ndarray  # the class that a sample is taken for where its label is not
    difficulty: ndarray  # float32, 0 to 1
    place: ndarray  # float32, how far its surroundings are in every epoch, standard normal
    consistency: ndarray  # float32, 0 to 1

    @property
    def is_wrong(self) -> ndarray:
        """(N,) whether the label is wrong."""
        return self.labels != self.true_labels


def invent(size: Size, seed: int) -> World:
    """Returns samples of which a tenth have a wrong label, which fewer wrong than right ones agree with."""
    rng = np.random.default_rng(seed)
    true_labels = rng.integers(0, size.classes, size.samples)
    others = (true_labels + rng.integers(1, size.classes, size.samples)) % size.classes
    is_wrong = rng.random(size.samples) < WRONG
    agreement = rng.normal(np.where(is_wrong, 0.35, 0.65), 0.12)
    return World(
        labels=np.where(is_wrong, others, true_labels),
        true_labels=true_labels,
        confused=np.where(is_wrong, true_labels, others),
        difficulty=rng.beta(2, 4, size.samples).astype(np.float32),
        place=rng.standard_normal(size.samples, np.float32),
        consistency=np.clip(agreement, 0, 1).astype(np.float32),
    )


def begin(root: Path, size: Size, world: World) -> Run:
    """Returns a new run in the folder root that has its samples and no epoch."""
    settings = ["strategy.kind=joint", "policy.kind=sada", "noise.kind=symmetric", f"epochs={size.epochs}"]
    run = Run.create(root, config.parse({}, settings).model_dump(mode="json"), state="done")
    columns = {
        "sample_id": np.arange(size.samples),
        "label": world.labels,
        "true_label": world.true_labels,
        "consistency": world.consistency,
    }
    run.write_samples(columns, [f"class {label}" for label in range(size.classes)])
    return run


def invented_epochs(size: Size, world: World, *, seed: int, method: Method = HALF) -> Iterator[Epoch]:
    """Yields what the recorder is given after each epoch; the same seed gives the same epochs."""
    settings = method.influence
    known = signals.unknown(world.consistency, width=0, classes=size.classes, settings=settings)
    practice = np.zeros(size.samples, np.float32)  # how often each was trained on
    for epoch in range(size.epochs):
        rng = np.random.default_rng((seed, epoch))
        selection = method.strategy.select(known, epoch, epochs=size.epochs, rng=rng)
        strengths = Sada().strength(known, epoch, rng=rng)
        practice[selection.ids] += 1
        seen = _seen(world, selection, _progress(practice, epoch), rng)
        known = learned(known, seen, settings)
        refreshes, passed = epoch % method.refresh_every == 0, None
        if refreshes:
            passed = _passed(world, _progress(practice, epoch), rng)
            known = _refreshed(known, passed, world=world, method=method, epoch=epoch, rng=rng)
        yield _epoch(epoch, selection, strengths, seen, known, Probed(passed, refreshes, np.nan), rng)


def _progress(practice: ndarray, epoch: int) -> ndarray:
    """How far each sample is learned, (N,) float32: others help, visits of its own more."""
    return np.log1p(np.minimum(practice + np.float32(0.5 * epoch), LEARNED))


def _margins(world: World, progress: ndarray, ids: ndarray, rng: np.random.Generator) -> ndarray:
    """Easy labels are learned at once, wrong ones are only memorised after many visits."""
    difficulty, gain = world.difficulty[ids], progress[ids]
    told_apart = (7 - 6 * difficulty) * gain / 2 - 1
    memorised = 1.1 * gain - 3
    noise = rng.standard_normal(len(ids), np.float32) * (1 + 2 * difficulty)
    return np.where(world.is_wrong[ids], memorised, told_apart) + noise


def _losses(margins: ndarray, rng: np.random.Generator) -> ndarray:
    """-log p, (V,) float32, where the best other class has the margin and the rest up to as much again."""
    return np.log1p(np.exp(-margins) * (1 + rng.random(len(margins), np.float32)))


def _seen(world: World, selection: Selection, progress: ndarray, rng: np.random.Generator) -> Observations:
    ids = selection.ids
    margins = _margins(world, progress, ids, rng)
    losses, correct = _losses(margins, rng), margins > 0
    confidences = np.exp(-losses)
    nothing = np.empty((len(ids), 0), np.float16)
    return Observations(
        ids=ids,
        losses=losses,
        confidences=confidences,
        margins=margins,
        predictions=np.where(correct, world.labels[ids], world.confused[ids]),
        correct=correct,
        entropies=1 - confidences,
        features=nothing,
        probabilities=nothing,
        losses_after=np.full(len(ids), np.nan, np.float32),
        probabilities_after=nothing,
    )


def _passed(world: World, progress: ndarray, rng: np.random.Generator) -> CleanPass:
    """Without augmentation a sample is easier."""
    margins = _margins(world, progress, np.arange(len(progress)), rng) + np.float32(0.5)
    nothing = np.empty((len(progress), 0), np.float16)
    return CleanPass(_losses(margins, rng), margins > 0, nothing, nothing)


def _refreshed(
    known: Signals, passed: CleanPass, *, world: World, method: Method, epoch: int, rng: np.random.Generator
) -> Signals:
    """Features themselves are not invented, only how far their neighbours are."""
    samples = len(known)
    moved = world.place + rng.standard_normal(samples, np.float32)
    distance = (np.float32(0.16) + np.float32(0.1) * world.difficulty) * np.exp(np.float32(0.15) * moved)
    rarity = density.rarity(distance)
    score = method.strategy.score(rarity, known.consistency)
    known = signals.cleaned(known, passed.losses)
    nowhere = np.empty((samples, 0), np.float32)
    known = signals.refreshed(known, np.arange(samples), nowhere, epoch=epoch, clean=True)
    return replace(known, neighbour_distance=distance, rarity=rarity, score=score)


def _epoch(
    epoch: int,
    selection: Selection,
    strengths: ndarray,
    seen: Observations,
    known: Signals,
    probed: Probed,
    rng: np.random.Generator,
) -> Epoch:
    nobody, nothing = np.empty((0, 10)), np.empty((TESTED, 0))
    test_losses = rng.exponential(1 / (1 + epoch), TESTED)
    return Epoch(
        epoch=epoch,
        selection=selection,
        strengths=strengths,
        operations=rng.integers(0, 14, len(selection.ids), np.uint8),
        seen=seen,
        signals=known,
        probed=probed,
        neighbours=Neighbours(nobody, nobody, 0.99, 0.6, 0.3, 2.0),
        jaccard=0.995 if probed.refreshes else np.nan,
        drawn=None,
        learning_rate=0.01,
        test=CleanPass(test_losses, test_losses < 1, nothing, nothing),
        validation=None,
        seconds=SECONDS,
        seconds_total=sum(SECONDS.values()),
    )
