"""Augments a batch on the processor: gather, operation, crop and flip in one compiled pass.

One loop over samples, each with its own operation and strength, needs no grouping and no copies: it is some
forty times faster than per-image transforms, and training in the same process can give every sample the
strength that was learned a moment ago. Nothing here draws: the draws are an argument. The arithmetic follows
torchvision's uint8 tensors; `engine.augment_device` does the same on an accelerator.
"""

import numpy as np
from numpy import ndarray

from engine.augment_kernel import augment_batch, normalise_batch
from engine.operations import MONOTONE, Draws, Table, batch_magnitudes, inverse_affines

# What the loop must know of one sample; `affine` is the flattened (2, 3) matrix.
_PLAN = np.dtype(
    [
        ("id", np.int64),
        ("affine", np.float32, 6),
        ("magnitude", np.float32),
        ("operation", np.uint8),
        ("shift_y", np.int8),
        ("shift_x", np.int8),
        ("flip", np.bool_),
    ],
    align=True,
)


def augment(
    images: ndarray, ids: ndarray, draws: Draws, strengths: ndarray, *, table: Table = MONOTONE
) -> ndarray:
    """Gathers samples, applies to each its operation at its strength, crops (zeros outside) and flips.

    images: (N, C, H, W) uint8, all samples, C 1 or 3, not changed. ids: (B,) rows of it. strengths: (B,) in
    [0, 1], NaN refused. table: how strength becomes magnitude. Returns (B, C, H, W) uint8, a new array.
    """
    ids = np.asarray(ids)
    _check_images(images)
    if ids.shape != draws.operation.shape:
        raise ValueError(f"ids must have one row a draw, {draws.operation.shape}; got {ids.shape}")
    if len(ids) and not 0 <= ids.min() <= ids.max() < len(images):
        raise ValueError(f"ids must be from 0 to {len(images) - 1}; got {ids.min()} to {ids.max()}")
    height, width = images.shape[2:]
    plan = np.empty(len(ids), _PLAN)
    plan["id"], plan["operation"] = ids, draws.operation
    plan["magnitude"] = batch_magnitudes(draws, strengths, height, width, table)
    plan["affine"] = inverse_affines(draws.operation, plan["magnitude"], height, width).reshape(-1, 6)
    plan["shift_y"], plan["shift_x"], plan["flip"] = draws.shift_y, draws.shift_x, draws.flip
    augmented = np.empty((len(ids), *images.shape[1:]), np.uint8)
    augment_batch(images, plan, augmented)
    return augmented


def normalise(images: ndarray, mean: ndarray, std: ndarray) -> ndarray:
    """Returns (level / 255 - mean) / std per channel, laid out for convolutions in channels_last.

    images: (B, C, H, W) uint8. mean, std: (C,) of images scaled to [0, 1]; std above 0.
    Returns (B, C, H, W) float32, a view whose memory is (B, H, W, C).
    """
    mean, std = (np.asarray(values, np.float64).reshape(-1, 1) for values in (mean, std))
    if not (std > 0).all():
        raise ValueError(f"std must be above 0; got {std.ravel().tolist()}")
    batch, channels, height, width = images.shape
    if not len(mean) == len(std) == channels:
        raise ValueError(f"mean and std must have {channels} values; got {len(mean)} and {len(std)}")
    tables = ((np.arange(256) / 255 - mean) / std).astype(np.float32)
    normalised = np.empty((batch, height, width, channels), np.float32)
    normalise_batch(np.ascontiguousarray(images), tables, normalised)
    return normalised.transpose(0, 3, 1, 2)


def _check_images(images: ndarray) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images must be uint8 (N, 1 or 3, H, W); got {images.dtype} {images.shape}")
    if not images.flags.c_contiguous:
        raise ValueError("images are not contiguous; store them once with np.ascontiguousarray")
