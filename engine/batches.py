"""Batches: which samples a step trains on, and their images as the model sees them.

Augmentation happens here, in the training process: a strength written into a data set never reaches loader
workers that already run, and one compiled kernel outruns them.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from engine.augment import augment, normalise
from engine.augment_device import augment_on_device
from engine.datasets import Dataset
from engine.datasets.blocks import blocks, channel_statistics
from engine.distributed import World
from engine.operations import MONOTONE, Draws, Table, draw
from engine.selection import Selection

EVALUATION_BATCH = 256


def shuffled(
    selection: Selection, batch_size: int, rng: np.random.Generator
) -> list[tuple[ndarray, ndarray]]:
    """Splits the selection in random order into batches of ids and weights, (B,) each.

    The batches differ by at most one sample: a last batch of one would have no variance to normalise by. For
    the same reason batches of two hold three once where the selection is odd.
    """
    order = rng.permutation(len(selection.ids))
    count = min(-(-len(order) // batch_size), max(len(order) // 2, 1))
    parts = np.array_split(order, count)
    return [(selection.ids[part], selection.weights[part]) for part in parts]


class Images:
    """The images of a data set as the model sees them: normalised, augmented or clean, on the device."""

    def __init__(self, dataset: Dataset, seed: int, device: torch.device, *, table: Table = MONOTONE) -> None:
        self._dataset, self._seed, self._device = dataset, seed, device
        self._table = table
        self._pad = dataset.images.shape[-1] // 8  # 4 pixels of 32, as is common for CIFAR
        self._mean, std = channel_statistics(dataset.images)
        self._std = np.maximum(std, 1e-3)
        self._on_device = _on_accelerator(dataset.images, device)

    def draws(self, ids: ndarray, epoch: int) -> Draws:
        """What chance decides for samples ids (B,) in this epoch; the same whenever it is asked."""
        return draw(ids, seed=self._seed, epoch=epoch, pad=self._pad, flip=self._dataset.flip)

    def augmented(self, ids: ndarray, epoch: int, strengths: ndarray) -> Tensor:
        """Training images of samples ids (B,) at these strengths (B,). Returns (B, C, H, W) float32."""
        draws = self.draws(ids, epoch)
        if self._on_device is None:
            return self._seen(augment(self._dataset.images, ids, draws, strengths, table=self._table))
        rows = torch.from_numpy(ids).to(self._device)
        images = augment_on_device(self._on_device[rows], draws, strengths, table=self._table)
        return self._normalised(images)

    def clean(self, images: ndarray, world: World) -> Iterator[tuple[slice, Tensor]]:
        """Images (M, C, H, W) uint8 in batches, not augmented: the rows and (B, C, H, W) float32.

        The processes of the world take turns.
        """
        for begin in range(world.rank * EVALUATION_BATCH, len(images), world.size * EVALUATION_BATCH):
            rows = slice(begin, min(begin + EVALUATION_BATCH, len(images)))
            yield rows, self._seen(images[rows])

    def _normalised(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) uint8 on the device as float32, as `normalise` has them on the processor."""
        mean, std = (
            torch.as_tensor(values, dtype=torch.float32, device=self._device).view(-1, 1, 1)
            for values in (self._mean, self._std)
        )
        return ((images.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)

    def _seen(self, images: ndarray) -> Tensor:
        return torch.from_numpy(normalise(images, self._mean, self._std)).to(self._device)


def _on_accelerator(images: ndarray, device: torch.device) -> Tensor | None:
    """Copies images (N, C, H, W) to an accelerator; None where there is none or they take half its memory.

    The processor then augments each batch, which goes over the bus instead.
    """
    if device.type == "cpu" or images.nbytes > torch.cuda.mem_get_info(device)[0] / 2:
        return None
    held = torch.empty(images.shape, dtype=torch.uint8, device=device)
    for rows in blocks(images):
        held[rows] = torch.from_numpy(np.array(images[rows])).to(device)
    return held
