"""The line `augment`: the compiled kernel against torchvision an image at a time, and kornia on batches.

Images are tiles of the two photographs that come with scikit-learn, so the line needs no data set. Pixels are
compared at torchvision's own magnitudes, read from torchvision itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import util
from typing import Any, Self

import numpy as np
import torch
from numpy import ndarray
from torchvision.transforms import v2

from engine import operations
from engine.augment import augment
from engine.bench.augment_peers import ARRAYS, BATCH, KERNEL, KORNIA, PICTURES, TENSORS, contenders
from engine.bench.line import Figure, Goal, Line, Surroundings, at_least, at_most
from engine.bench.repeats import absent, interleaved, ratios, versions
from engine.operations import OPERATIONS, TORCHVISION, Draws

SIDE, LARGE_SIDE = 32, 224
GOALS = {TENSORS: at_least(30), PICTURES: at_least(30), ARRAYS: at_least(30), KORNIA: at_least(5)}
LARGE_GOALS = {TENSORS: at_least(3), PICTURES: at_least(3)}
BINS = 31  # of TrivialAugmentWide
COMPARED = 256  # tiles whose pixels are compared


@dataclass(frozen=True)
class Augment:
    """Images a second with crop and flip, and how many pixels differ from torchvision's."""

    samples: int = 1280  # of a repeat of each transform
    large_samples: int = 64
    repeats: int = 7
    kernel_rounds: int = 20  # times that the kernel sees them all, as it is too fast to be timed once
    judged: bool = True
    name: str = field(default="augment", init=False)
    summary: str = field(
        default="the compiled kernel against torchvision's TrivialAugmentWide and kornia's", init=False
    )

    def quick(self) -> Self:
        """Returns the line on 256 small images, 16 large ones and two repeats."""
        small = replace(self, samples=256, large_samples=16, repeats=2, judged=False)
        return replace(small, kernel_rounds=2)

    def measure(self, _surroundings: Surroundings) -> Line:
        """Returns rates, gains and the share of pixels that differ."""
        small, large = tiles(self.samples), tiles(self.large_samples, side=LARGE_SIDE)
        share, levels = differing(tiles(min(self.samples, COMPARED)))
        return Line(
            self.name,
            f"the compiled kernel, batches of {BATCH}, against torchvision's TrivialAugmentWide, RandomCrop "
            f"and RandomHorizontalFlip, an image at a time, and kornia's on the same batches: "
            f"{self.samples:,} tiles of photographs, {SIDE} x {SIDE} x 3, and {self.large_samples:,} of "
            f"{LARGE_SIDE} x {LARGE_SIDE} x 3, uniform strength; {self.repeats} interleaved repeats",
            [
                *self._timed(small, GOALS),
                *self._timed(large, LARGE_GOALS),
                Figure("pixels that differ from torchvision's", [100 * share], "%", at_most(0.12)),
                Figure("largest difference", [levels], "levels", at_most(1)),
            ],
            versions("numba", "torchvision", "pillow", "kornia"),
            [*NOTES, KORNIA_NOTE if util.find_spec("kornia") else absent("kornia")],
            judged=self.judged,
        )

    def _timed(self, images: ndarray, goals: Mapping[str, Goal]) -> list[Figure]:
        """Returns the rate of each contender, and the kernel's over each of the others."""
        found = contenders(images, kernel_rounds=self.kernel_rounds)
        seconds = interleaved({name: one.run for name, one in found.items()}, self.repeats)
        rates = {
            name: [one.rounds * len(images) / spent for spent in seconds[name]] for name, one in found.items()
        }
        side = images.shape[-1]
        own = rates[KERNEL]
        return [
            *(Figure(f"rate at {side}, {name}", rate, "images/s") for name, rate in rates.items()),
            *(
                Figure(f"gain at {side} over {name}", ratios(own, rate), "x", goals.get(name))
                for name, rate in rates.items()
                if name != KERNEL
            ),
        ]


def tiles(samples: int, *, side: int = SIDE) -> ndarray:
    """Returns squares cut from two photographs, (N, 3, S, S) uint8; after all of them, the same again."""
    from sklearn.datasets import load_sample_images

    cut = []
    for photograph in load_sample_images().images:
        rows, columns = (length // side for length in photograph.shape[:2])
        whole = photograph[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
        cut.append(whole.transpose(0, 2, 4, 1, 3).reshape(-1, 3, side, side))
    every = np.concatenate(cut)
    return np.ascontiguousarray(every[np.arange(samples) % len(every)])


def differing(images: ndarray) -> tuple[float, float]:
    """Returns the share of values that differ from torchvision's and by how many levels at most.

    images: (N, 3, 32, 32) uint8. Over all operations, bins and signs, each as often as TrivialAugment draws
    it, which takes a bin and a sign for every operation alike.
    """
    shares, largest = [], 0
    for code in range(len(OPERATIONS)):
        sizes, is_signed = _magnitudes(code)
        for place, (strength, size) in enumerate(zip(_strengths(code), sizes, strict=True)):
            sign = -1 if is_signed and place % 2 else 1
            kernel = augment(
                images, np.arange(len(images)), _draws(len(images), code, sign),
                np.full(len(images), strength), table=TORCHVISION,
            )  # fmt: skip
            levels = np.abs(kernel.astype(int) - _by_torchvision(images, code, sign * size))
            shares.append(float((levels > 0).mean()))
            largest = max(largest, int(levels.max()))
    return float(np.mean(shares)), float(largest)


def _strengths(code: int) -> ndarray:
    """(31,) as torchvision makes its bins: up from 0, but solarize's threshold down from 1."""
    if code == operations.SOLARIZE:
        return 1 - torch.linspace(1, 0, BINS).double().numpy()
    return torch.linspace(0, 1, BINS).double().numpy()


def _magnitudes(code: int) -> tuple[list[float], bool]:
    make, is_signed = v2.TrivialAugmentWide._AUGMENTATION_SPACE[_torchvision_name(code)]
    made: Any = make(BINS, SIDE, SIDE)
    return ([0.0] * BINS if made is None else [float(size) for size in made]), is_signed


def _by_torchvision(images: ndarray, code: int, size: float) -> ndarray:
    """TrivialAugmentWide's own operation at a magnitude, without its draw."""
    transform = v2.TrivialAugmentWide()
    augmented = transform._apply_image_or_video_transform(
        torch.from_numpy(images),
        _torchvision_name(code),
        size,
        interpolation=transform.interpolation,
        fill=transform._fill,
    )
    return np.asarray(augmented.numpy())


def _torchvision_name(code: int) -> str:
    """torchvision lists the operations in the same order."""
    return list(v2.TrivialAugmentWide._AUGMENTATION_SPACE)[code]


def _draws(count: int, code: int, sign: int) -> Draws:
    still = np.zeros(count, np.int8)
    operation = np.full(count, code, np.uint8)
    return Draws(operation, np.full(count, sign, np.float32), still, still, np.zeros(count, bool))


NOTES = (
    "Pixels are compared once, against torchvision's transform of uint8 tensors at all bins and signs of all "
    f"operations on {COMPARED} tiles of {SIDE} x {SIDE}: they do not vary. Crop and flip only move them.",
    "Every peer has the images before the clock starts as it likes them best, but for the one from and to "
    "arrays, which also pays what a training loop would.",
)
KORNIA_NOTE = (
    "kornia draws one operation a batch rather than one an image, which is less work, has floats before the "
    "clock starts and returns floats; its list lacks identity and colour."
)
