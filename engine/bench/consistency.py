"""The line `consistency`: how well the packaged encoder tells wrong labels from right ones, and how fast.

Each repeat embeds anew into an empty cache and flips other labels. Only the encoder itself is reused: it is
built once on a machine, whatever it is asked.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, Self

import numpy as np
from numpy import ndarray

from engine.bench import cifar
from engine.bench.line import Figure, Line, Missing, Surroundings, at_least
from engine.bench.repeats import versions
from engine.consistency import packaged
from engine.consistency.measure import consistency
from engine.consistency.settings import Offline, OpenClip
from engine.datasets import Dataset
from engine.describe import detection
from engine.progress import silent

FEWEST = 10  # wrong labels of a class, below which its AUROC says nothing


class Found(NamedTuple):
    """What one repeat measured."""

    auroc: float
    worst: float  # the lowest of the classes
    seconds: float  # with nothing kept but the encoder
    seconds_adapting: float  # where the images are embedded already


@dataclass(frozen=True)
class Consistency:
    """AUROC of low consistency as a sign of a flipped label on CIFAR-10."""

    samples: int = 10_000
    seeds: tuple[int, ...] = (0, 1)  # of the flipped labels
    judged: bool = True
    name: str = field(default="consistency", init=False)
    summary: str = field(default="low consistency against labels that are known to be wrong", init=False)

    def quick(self) -> Self:
        """Returns the line on 500 images and one set of flipped labels."""
        return replace(self, samples=500, seeds=(0,), judged=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns AUROC overall and of the worst class, and seconds; one repeat a set of flipped labels."""
        dataset = cifar.loaded(surroundings.cifar(), self.samples)
        encoder = encoder_of(surroundings.cache)
        found = [_measured(cifar.flipped(dataset, seed), encoder) for seed in self.seeds]
        return Line(
            self.name,
            f"low consistency against flipped labels: {len(dataset.labels):,} images of CIFAR-10, "
            f"{cifar.FLIPPED:.0%} of the labels flipped, {packaged.NAME}, adapters as by default; "
            f"{len(self.seeds)} repeats with other labels flipped",
            [
                Figure("AUROC, all classes", [each.auroc for each in found], goal=at_least(0.9)),
                Figure("AUROC, worst class", [each.worst for each in found]),
                Figure("time, embedding and adapters", [each.seconds for each in found], "s"),
                Figure("time, adapters alone", [each.seconds_adapting for each in found], "s"),
            ],
            versions("torch", "timm", "open_clip_torch", "transformers"),
            notes=["The encoder was built before; images are embedded anew in every repeat."],
            judged=self.judged,
        )


def encoder_of(cache: Path) -> OpenClip:
    """Returns the settings that load the packaged encoder, built in this cache at first use.

    Raises Missing where its packages are not installed.
    """
    try:
        return packaged.checkpoint(cache, silent)
    except RuntimeError as missing:
        raise Missing(str(missing)) from None


def values(dataset: Dataset, encoder: Offline | OpenClip, cache: Path) -> ndarray:
    """Returns the consistency (N,) of the training labels."""
    with packaged.no_hub():
        return consistency(
            dataset.images,
            dataset.labels,
            dataset.class_names,
            settings=encoder,
            prompts=dataset.prompts,
            cache=cache,
            report=silent,
        ).values


def _measured(dataset: Dataset, encoder: OpenClip) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        cache, started = Path(folder), perf_counter()
        agreement = values(dataset, encoder, cache)
        embedded = perf_counter()
        for path in cache.glob("consistency-*"):
            path.unlink()
        values(dataset, encoder, cache)
        adapted = perf_counter()
    is_wrong = dataset.labels != dataset.true_labels
    overall = detection(agreement, is_wrong)
    return Found(
        float("nan") if overall is None else overall,
        min(_by_class(agreement, is_wrong, dataset.labels), default=float("nan")),
        embedded - started,
        adapted - embedded,
    )


def _by_class(agreement: ndarray, is_wrong: ndarray, labels: ndarray) -> Iterator[float]:
    """Yields the AUROC within each label that has enough right and wrong samples."""
    for label in np.unique(labels):
        rows = labels == label
        found = detection(agreement[rows], is_wrong[rows])
        if found is not None and FEWEST <= is_wrong[rows].sum() <= rows.sum() - FEWEST:
            yield found
