"""The line `loader`: images a second of a run against per-sample training of the same net, loader and all.

The peer is written as those who use InfoBatch write it: a data set that hands out one transformed picture
with its index, torch's DataLoader, losses by sample. It gets the number format and memory layout that the run
chose, which few of its users set, so that what differs is how images reach the net.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from numpy import ndarray
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from engine import __main__ as entry
from engine import optimization
from engine.bench import cifar
from engine.bench.epochs import CPU, EngineRun, side_by_side
from engine.bench.line import Figure, Line, Surroundings, at_least
from engine.bench.repeats import interleaved, ratios, versions
from engine.datasets.blocks import channel_statistics

OWN = "the engine"
BATCH = 128


@dataclass(frozen=True)
class Loader:
    """Images a second of training, whole epochs."""

    samples: int = 10_000
    repeats: int = 5
    workers: tuple[int, ...] = (0, 1)
    net: str = "air_xs"
    precision: str = "auto"
    judged: bool = True
    name: str = field(default="loader", init=False)
    summary: str = field(default="a run against per-sample training with torch's DataLoader", init=False)

    def quick(self) -> Self:
        """Returns the line on 500 images and two repeats."""
        return replace(self, samples=500, repeats=2, judged=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns rates and gains."""
        dataset = cifar.loaded(surroundings.cifar(), self.samples)
        with side_by_side({OWN: (dataset, self.settings())}) as runs:
            run = runs[OWN]
            turns: dict[str, Callable[[int], object]] = {OWN: run.epoch}
            for workers in self.workers:
                turns[peer_name(workers)] = PerSample(run, workers).epoch
            interleaved(turns, 1)  # compiles, and starts the workers
            seconds = interleaved(turns, self.repeats, prepare=lambda _: surroundings.say("loader, epochs"))
            precision = run.task.precision
        rates = {name: [self.samples / value for value in spent] for name, spent in seconds.items()}
        return Line(
            self.name,
            f"whole epochs of a run with SADA, signals, record and checkpoint against per-sample training as "
            f"with InfoBatch, none of which drops samples: torch's DataLoader over PIL images, torchvision's "
            f"crop, flip, TrivialAugmentWide and normalisation an image at a time; {self.samples:,} images "
            f"of CIFAR-10, {self.net}, batches of {BATCH}, {precision.name} and {precision.layout} in all, "
            f"no test pass; {self.repeats} epochs by turns after one that warms up",
            [
                *(Figure(f"rate, {name}", rate, "images/s") for name, rate in rates.items()),
                *(
                    Figure(f"gain over {name}", ratios(spent, seconds[OWN]), "x", at_least(1.0))
                    for name, spent in seconds.items()
                    if name != OWN
                ),
            ],
            versions("torch", "torchvision", "pillow", "numba"),
            ["A worker process takes a core of its own beside the one that trains; the engine takes none."],
            judged=self.judged,
        )

    def settings(self) -> list[str]:
        """Returns the settings of the run."""
        return [
            f"model.kind={self.net}", f"batch_size={BATCH}", f"epochs={self.repeats + 2}", "maps.every=0",
            "policy.kind=sada", "density.index=none", f"precision={self.precision}",
        ]  # fmt: skip


class Pictures(torch.utils.data.Dataset[tuple[int, Tensor, int]]):
    """One transformed picture at a time, with its index, which tells whose loss it was."""

    def __init__(self, images: ndarray, labels: ndarray) -> None:
        mean, std = channel_statistics(images)
        self._rows = images.transpose(0, 2, 3, 1)
        self._labels = labels.tolist()
        self._transform = v2.Compose(
            [
                v2.RandomCrop(images.shape[-1], padding=4),
                v2.RandomHorizontalFlip(),
                v2.TrivialAugmentWide(),
                v2.PILToTensor(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(mean.tolist(), std.tolist()),
            ]
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[int, Tensor, int]:
        return index, self._transform(Image.fromarray(self._rows[index])), self._labels[index]


class PerSample:
    """Training over a DataLoader that scores every sample by its loss and weighs the losses."""

    def __init__(self, beside: EngineRun, workers: int) -> None:
        task = beside.task
        state = entry.fresh_state(task.config, task.dataset, beside.state.signals.consistency, CPU)
        self._task, self._epoch = task, 0
        self.model, self._optimizer = state.model.arrange(task.precision.layout), state.optimizer
        self.scores, self._weights = torch.ones(2, len(task.dataset.labels))
        self.seen = 0
        self._loader = DataLoader(
            Pictures(task.dataset.images, task.dataset.labels),
            task.config.batch_size,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,
        )

    def epoch(self, _repeat: int = 0) -> None:
        """Trains on all samples."""
        config, steps = self._task.config, len(self._loader)
        self.model.train()
        for step, (ids, images, labels) in enumerate(self._loader):
            share = min(1.0, (self._epoch + (step + 0.5) / steps) / config.epochs)
            rate = optimization.learning_rate(config.schedule, config.optimizer.learning_rate, share)
            optimization.set_learning_rate(self._optimizer, rate)
            with self._task.precision.autocast(CPU):
                logits, _ = self.model(images)
            losses = cross_entropy(logits.float(), labels, reduction="none")
            self.scores[ids] = losses.detach()
            self._optimizer.zero_grad()
            (losses * self._weights[ids]).mean().backward()
            self._optimizer.step()
            self.seen += len(ids)
        self._epoch += 1


def peer_name(workers: int) -> str:
    """Returns what the peer with so many worker processes is called."""
    return f"per sample, {workers} workers" if workers != 1 else "per sample, 1 worker"
