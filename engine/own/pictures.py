"""Pictures: the images of a person's own data as thumbnails, whatever form the person has them in."""

from typing import Any, cast

import numpy as np
import torch
from numpy import ndarray
from PIL import Image, ImageOps
from torch import Tensor

from engine.datasets.blocks import blocks
from engine.describe import content_key
from store.run import Run

SIDE = 64  # pixels, at most, of what a data set gives image by image
CHANNELS = (1, 3)


def pictures(images: Any, samples: int) -> ndarray:
    """Returns the images of so many samples as (N, H, W, C) uint8, C 1 or 3.

    images: an array or tensor (N, C, H, W), (N, H, W, C) or (N, H, W), scaled from its lowest to its highest
    value where it is not uint8; or anything with a length that gives a PIL image, a tensor, or a tuple that
    begins with one, which is asked only when the thumbnails are written. Raises ValueError.
    """
    if len(images) != samples:
        raise ValueError(f"images must be {samples:,}, one a label; got {len(images):,}")
    if isinstance(images, Tensor):
        images = images.detach().cpu().numpy()
    if isinstance(images, ndarray):
        return _in_bytes(_channels_last(images))
    return cast(ndarray, Opened(images))


def write_pictures(run: Run, shown: ndarray) -> str:
    """Writes the thumbnails of a run and returns the key they are found by.

    Arrays are kept by content and shared with every run on the same pixels.
    """
    key = content_key(shown.transpose(0, 3, 1, 2)) if isinstance(shown, ndarray) else run.id
    run.write_thumbnails(key, shown)
    return key


class Opened:
    """A data set as far as an array of RGB thumbnails must go: shape, type and slices of rows.

    Nothing is kept, so a data set larger than the memory is read once, block by block.
    """

    ndim = 4
    dtype = np.dtype(np.uint8)

    def __init__(self, dataset: Any) -> None:
        side = min(max(_opened(dataset[0]).size), SIDE)
        self._dataset = dataset
        self.shape = (len(dataset), side, side, 3)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> ndarray:
        """Returns the thumbnails (n, H, W, 3) uint8 of a slice of samples."""
        size = self.shape[1:3]
        places = range(*rows.indices(len(self)))
        return np.stack([np.asarray(ImageOps.pad(_opened(self._dataset[place]), size)) for place in places])


def _opened(item: Any) -> Image.Image:
    """Returns what a data set gives as an RGB picture; of a tuple, its first part."""
    if isinstance(item, tuple | list):
        item = item[0]
    if isinstance(item, Image.Image):
        return item.convert("RGB")
    array = np.asarray(item.detach().cpu()) if isinstance(item, torch.Tensor) else np.asarray(item)
    picture = _in_bytes(_channels_last(array[None]))[0]
    return Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).convert("RGB")


def _channels_last(images: ndarray) -> ndarray:
    if images.ndim == 3:
        return images[..., None]
    if images.ndim == 4 and images.shape[1] in CHANNELS:
        return images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[3] in CHANNELS:
        return images
    raise ValueError(
        "images must be (N, C, H, W), (N, H, W, C) or (N, H, W) with 1 or 3 channels; got the shape "
        f"{images.shape}"
    )


def _in_bytes(images: ndarray) -> ndarray:
    if images.dtype == np.uint8:
        return images
    low, high = float(images.min()), float(images.max())
    if not np.isfinite([low, high]).all():
        raise ValueError(f"images must be finite to be shown; got values from {low} to {high}")
    scaled, factor = np.empty(images.shape, np.uint8), 255 / (high - low or 1)
    for rows in blocks(images):
        scaled[rows] = np.rint((images[rows].astype(np.float32) - low) * factor)
    return scaled
