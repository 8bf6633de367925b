"""A run of the engine that trains one epoch at a time, and a plain loop that trains on the same batches.

Two loops are compared epoch by epoch, since a machine's mood outlasts an epoch but seldom a run. The engine's
own loop is run, not parts of it: it is asked to stop once an epoch is over, as a person may ask it to.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from numpy import ndarray
from torch.nn.functional import cross_entropy

from engine import __main__ as entry
from engine import checkpoint, feature_space, optimization, recorder, train
from engine.batches import Images, shuffled
from engine.config import parse
from engine.datasets import Dataset
from engine.observed import Observed
from engine.precision import Precision
from engine.progress import Progress, Stopped
from engine.task import Task
from store.run import Run

EPOCH, TRAINING = "whole epoch", "training"
# Which part of an epoch a function of the engine is; training is all that none of them is.
TIMED: tuple[tuple[str, object, str], ...] = (
    ("signals", Observed, "add"),
    ("signals", Observed, "collect"),
    ("signals", train, "learn"),
    ("features", train, "probe"),
    ("neighbours", feature_space, "locate"),
    ("check", feature_space, "kept_agreement"),
    ("map", feature_space, "draw_map"),
    ("record", recorder, "metrics"),
    ("record", recorder, "record"),
    ("checkpoint", checkpoint, "save"),
)
PARTS = (TRAINING, *dict.fromkeys(part for part, _, _ in TIMED))

CPU = torch.device("cpu")


class Lesson(NamedTuple):
    """What an epoch trains on, in which batches, and how strongly it is augmented."""

    epoch: int
    steps: list[ndarray]  # ids (B,) of each batch
    strengths: ndarray  # (N,)


class EngineRun:
    """The engine's loop, recorder and checkpoints at work in a folder of its own, an epoch at a time.

    Without a test set, and nothing is folded. The consistency is drawn, since a run measures it once, before
    its first epoch.
    """

    def __init__(
        self, dataset: Dataset, folder: Path, assignments: Sequence[str], *, precision: Precision | None
    ) -> None:
        config = parse({}, assignments)
        dataset = _without_test(dataset)
        consistency = np.random.default_rng(config.seed).random(len(dataset.labels), np.float32)
        self.state = entry.fresh_state(config, dataset, consistency, CPU)
        chosen = precision or entry.choose_precision(config, self.state, dataset, CPU)
        self.state.model.arrange(chosen.layout)
        self.run = Run.create(folder, config.model_dump(mode="json"))
        self.run.write_samples(entry.sample_columns(dataset, consistency), dataset.class_names)
        self._until = config.epochs
        self.progress = Progress(self.run.write_status, self._is_over)
        images = Images(dataset, config.seed, CPU, table=config.augmentation.table)
        self.task = Task(config, dataset, images, CPU, chosen, self.run, self.progress)
        self.spent: list[dict[str, float]] = []  # seconds of each epoch's parts, and of the whole

    def epoch(self, _repeat: int = 0) -> None:
        """Trains, records and checkpoints the next epoch.

        The loop has chosen samples and strengths of the one after it by the time it stops, which counts.
        """
        self._until, spent = self.state.epoch, defaultdict[str, float](float)
        started = perf_counter()
        with _timed(spent), suppress(Stopped):
            train.train(self.task, self.state)
        whole = perf_counter() - started
        self._until = self.task.config.epochs
        self.spent.append({**spent, EPOCH: whole, TRAINING: whole - sum(spent.values())})

    def lesson(self) -> Lesson:
        """Returns what the next epoch will train on."""
        config, known, epoch = self.task.config, self.state.signals, self.state.epoch
        rng = np.random.default_rng((config.seed, epoch))
        selection = config.strategy.select(known, epoch, epochs=config.epochs, rng=rng)
        strengths = config.policy.strength(known, epoch, rng=rng)
        return Lesson(epoch, [ids for ids, _ in shuffled(selection, config.batch_size, rng)], strengths)

    def _is_over(self) -> bool:
        return self.run.stop_requested() or self.state.epoch > self._until


class PlainLoop:
    """The loop that anybody writes: the same net, batches, images and updates as a run, and nothing else."""

    def __init__(self, beside: EngineRun) -> None:
        self._task = task = beside.task
        state = entry.fresh_state(task.config, task.dataset, beside.state.signals.consistency, CPU)
        self.model, self._optimizer = state.model.arrange(task.precision.layout), state.optimizer
        self._labels = torch.from_numpy(task.dataset.labels)

    def epoch(self, lesson: Lesson) -> None:
        """Trains on the lesson."""
        config, images = self._task.config, self._task.images
        self.model.train()
        for step, ids in enumerate(lesson.steps):
            share = (lesson.epoch + (step + 0.5) / len(lesson.steps)) / config.epochs
            rate = optimization.learning_rate(config.schedule, config.optimizer.learning_rate, share)
            optimization.set_learning_rate(self._optimizer, rate)
            batch = images.augmented(ids, lesson.epoch, lesson.strengths[ids])
            with self._task.precision.autocast(CPU):
                logits, _ = self.model(batch)
            loss = cross_entropy(logits.float(), self._labels[torch.from_numpy(ids)])
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()


@contextmanager
def side_by_side(
    runs: Mapping[str, tuple[Dataset, Sequence[str]]], *, precision: Precision | None = None
) -> Iterator[dict[str, EngineRun]]:
    """Yields runs by their names, each of a data set and settings, in the number format of the first one."""
    made: dict[str, EngineRun] = {}
    with TemporaryDirectory() as folder, ExitStack() as ending:
        for name, (dataset, assignments) in runs.items():
            made[name] = EngineRun(dataset, Path(folder), assignments, precision=precision)
            ending.callback(made[name].progress.end)
            precision = made[name].task.precision
        yield made


def part(run: EngineRun, name: str, *, after: int = 1) -> list[float]:
    """Returns the seconds that each epoch spent on a part; after: so many epochs that warm up."""
    return [spent.get(name, 0.0) for spent in run.spent[after:]]


def by_cycle(seconds: Sequence[float], length: int) -> list[float]:
    """Returns the mean of each whole cycle of so many epochs; what is left over is not counted."""
    whole = len(seconds) // length * length
    return [float(np.mean(seconds[begin : begin + length])) for begin in range(0, whole, length)]


def _without_test(dataset: Dataset) -> Dataset:
    return replace(dataset, test_images=dataset.test_images[:0], test_labels=dataset.test_labels[:0])


@contextmanager
def _timed(spent: defaultdict[str, float]) -> Iterator[None]:
    """Adds up the seconds of the engine's functions by the part that they are."""
    with ExitStack() as patches:
        for name, owner, function in TIMED:
            timed = _adding(getattr(owner, function), name, spent)
            patches.enter_context(patch.object(owner, function, timed))
        yield


def _adding(function: Callable[..., Any], name: str, spent: defaultdict[str, float]) -> Callable[..., Any]:
    @wraps(function)
    def timed(*given: Any, **named: Any) -> Any:
        started = perf_counter()
        result = function(*given, **named)
        spent[name] += perf_counter() - started
        return result

    return timed
