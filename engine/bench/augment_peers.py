"""Who augments the same images in the line `augment`: the kernel, torchvision an image at a time, kornia.

Each repeat of each takes every image at least once through one operation at a drawn strength, a crop and a
flip, and returns as many of the same shape. What is fast is shown the images several times, or it could not
be timed.
"""

from collections.abc import Callable, Iterator
from importlib import util
from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from engine.augment import augment
from engine.operations import draw

BATCH = 128
PADDING = 1 / 8  # of the side, as 4 of 32
KERNEL, TENSORS, PICTURES = "kernel", "torchvision on tensors", "torchvision on PIL images"
ARRAYS, KORNIA = "the same from and to arrays", "kornia on batches"
KORNIA_ROUNDS = 4


class Contender(NamedTuple):
    """Someone who augments."""

    run: Callable[[int], list[object]]  # the repeat to all that it made, images or batches of them
    rounds: int = 1  # times that a repeat shows it every image


def contenders(images: ndarray, *, kernel_rounds: int) -> dict[str, Contender]:
    """Returns the kernel and its peers by name, each warmed up, without kornia where it is not installed.

    images: (N, 3, S, S) uint8. Each peer has the images before the clock starts as it likes them best.
    """
    side, tensors = images.shape[-1], [torch.from_numpy(image) for image in images]
    rows = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    pictures = [Image.fromarray(image) for image in rows]
    transform = v2.Compose(
        [v2.TrivialAugmentWide(), v2.RandomCrop(side, padding=padding(side)), v2.RandomHorizontalFlip()]
    )

    def by_kernel(repeat: int) -> list[object]:
        first = repeat * kernel_rounds
        return [batch for number in range(kernel_rounds) for batch in augmented(images, first + number)]

    found = {
        KERNEL: Contender(by_kernel, kernel_rounds),
        TENSORS: Contender(lambda _: [transform(tensor) for tensor in tensors]),
        PICTURES: Contender(lambda _: [transform(picture) for picture in pictures]),
        ARRAYS: Contender(
            lambda _: [v2.functional.pil_to_tensor(transform(Image.fromarray(row))) for row in rows]
        ),
    }
    next(augmented(images, 0))  # compiles, or reads what was compiled
    transform(tensors[0]), transform(pictures[0])
    if util.find_spec("kornia"):
        found[KORNIA] = _by_kornia(images)
    return found


def augmented(images: ndarray, epoch: int) -> Iterator[ndarray]:
    """Yields all images (N, 3, S, S) in batches, augmented with the draws of an epoch at fresh strengths."""
    strengths = np.random.default_rng(epoch).random(len(images), np.float32)
    for begin in range(0, len(images), BATCH):
        ids = np.arange(begin, min(begin + BATCH, len(images)))
        draws = draw(ids, seed=0, epoch=epoch, pad=padding(images.shape[-1]))
        yield augment(images, ids, draws, strengths[ids])


def padding(side: int) -> int:
    """Returns the pixels around an image of this side from which crops are taken."""
    return round(side * PADDING)


def _by_kornia(images: ndarray) -> Contender:
    """One operation a batch, as its TrivialAugment has it; crop, flip and magnitude are each image's own."""
    import kornia.augmentation as modules
    from kornia.augmentation.auto import TrivialAugment

    side = images.shape[-1]
    transform = torch.nn.Sequential(
        TrivialAugment(),
        modules.RandomCrop((side, side), padding=padding(side)),
        modules.RandomHorizontalFlip(),
    )
    batches: list[Tensor] = list((torch.from_numpy(images).float() / 255).split(BATCH))

    def run(_repeat: int) -> list[object]:
        return [transform(batch) for _ in range(KORNIA_ROUNDS) for batch in batches]

    run(0)
    return Contender(run, KORNIA_ROUNDS)
