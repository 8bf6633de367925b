"""The line `augment`: the compiled kernel against torchvision's transforms, an image at a time as loaders do.

Images are tiles of the two photographs that come with scikit-learn, so the line needs no data set. Pixels are
compared at torchvision's own magnitudes, read from torchvision itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy import ndarray
from PIL import Image
from torchvision.transforms import v2

from engine import operations
from engine.augment import augment
from engine.bench.line import Figure, Line, Surroundings, at_least, at_most
from engine.bench.repeats import interleaved, versions
from engine.operations import OPERATIONS, TORCHVISION, Draws, draw

SIDE, PAD, BATCH = 32, 4, 128
BINS = 31  # of TrivialAugmentWide


@dataclass(frozen=True)
class Augment:
    """Images a second with crop and flip, and how many pixels differ from torchvision's."""

    samples: int = 1280  # of a repeat of each transform
    repeats: int = 7
    kernel_rounds: int = 20  # times that the kernel sees them all, as it is too fast to be timed once
    judged: bool = True
    name: str = field(default="augment", init=False)
    summary: str = field(default="the compiled kernel against torchvision's TrivialAugmentWide", init=False)

    def quick(self) -> Self:
        """Returns the line on 256 images and two repeats."""
        return replace(self, samples=256, repeats=2, kernel_rounds=2, judged=False)

    def measure(self, _surroundings: Surroundings) -> Line:
        """Returns rates, gains and the share of pixels that differ."""
        images = tiles(self.samples)
        seconds = interleaved(self._candidates(images), self.repeats)
        rates = {name: [self.samples / value for value in spent] for name, spent in seconds.items()}
        rates["kernel"] = [self.kernel_rounds * rate for rate in rates["kernel"]]
        gains = {
            name: [own / rate for own, rate in zip(rates["kernel"], of_peer, strict=True)]
            for name, of_peer in rates.items()
            if name != "kernel"
        }
        share, levels = differing(tiles(min(self.samples, 256)))
        return Line(
            self.name,
            f"the compiled kernel, batches of {BATCH}, against torchvision's TrivialAugmentWide, RandomCrop "
            f"and RandomHorizontalFlip, an image at a time: {self.samples:,} tiles of photographs, {SIDE} x "
            f"{SIDE} x 3, uniform strength; {self.repeats} interleaved repeats",
            [
                *(Figure(f"rate, {name}", rate, "images/s") for name, rate in rates.items()),
                *(Figure(f"gain over {name}", gain, "x", at_least(30)) for name, gain in gains.items()),
                Figure("pixels that differ from torchvision's", [100 * share], "%", at_most(0.12)),
                Figure("largest difference", [levels], "levels", at_most(1)),
            ],
            versions("numba", "torchvision", "pillow"),
            ["Pixels are compared once, at all bins and signs of all operations: they do not vary."],
            judged=self.judged,
        )

    def _candidates(self, images: ndarray) -> dict[str, Callable[[int], object]]:
        tensors = [torch.from_numpy(image) for image in images]
        rows = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        pictures = [Image.fromarray(image) for image in rows]
        transform = v2.Compose(
            [v2.TrivialAugmentWide(), v2.RandomCrop(SIDE, padding=PAD), v2.RandomHorizontalFlip()]
        )

        def by_kernel(repeat: int) -> None:
            for number in range(self.kernel_rounds):
                augment_all(images, epoch=repeat * self.kernel_rounds + number)

        candidates: dict[str, Callable[[int], object]] = {
            "kernel": by_kernel,
            "torchvision on tensors": lambda _: [transform(tensor) for tensor in tensors],
            "torchvision on PIL images": lambda _: [transform(picture) for picture in pictures],
            "the same from and to arrays": lambda _: [
                v2.functional.pil_to_tensor(transform(Image.fromarray(row))) for row in rows
            ],
        }
        augment_all(images, epoch=0)  # compiles, or reads what was compiled
        transform(tensors[0]), transform(pictures[0])
        return candidates


def tiles(samples: int) -> ndarray:
    """Returns squares cut from two photographs, (N, 3, 32, 32) uint8; the same again after some 520."""
    from sklearn.datasets import load_sample_images

    cut = []
    for photograph in load_sample_images().images:
        rows, columns = (length // SIDE for length in photograph.shape[:2])
        whole = photograph[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, 3)
        cut.append(whole.transpose(0, 2, 4, 1, 3).reshape(-1, 3, SIDE, SIDE))
    every = np.concatenate(cut)
    return np.ascontiguousarray(every[np.arange(samples) % len(every)])


def augment_all(images: ndarray, *, epoch: int) -> None:
    """Augments all images in batches with fresh draws and strengths."""
    strengths = np.random.default_rng(epoch).random(len(images), np.float32)
    for begin in range(0, len(images), BATCH):
        ids = np.arange(begin, min(begin + BATCH, len(images)))
        augment(images, ids, draw(ids, seed=0, epoch=epoch, pad=PAD), strengths[ids])


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
