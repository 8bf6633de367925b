"""Augments a batch on an accelerator: samples that drew the same operation are transformed together.

A device wants few large steps, the opposite of `engine.augment_kernel`, but the arithmetic is the same, step
for step in float32, and the two are held to each other level by level. Draws and magnitudes are made on the
host, so that group sizes are known without waiting for the device.
"""

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from engine.operations import (
    AUTOCONTRAST,
    BRIGHTNESS,
    COLOR,
    CONTRAST,
    EQUALIZE,
    MONOTONE,
    POSTERIZE,
    ROTATE,
    SHARPNESS,
    SHEAR_X,
    SOLARIZE,
    Draws,
    Table,
    batch_magnitudes,
    inverse_affines,
)


def augment_on_device(images: Tensor, draws: Draws, strengths: ndarray, *, table: Table = MONOTONE) -> Tensor:
    """Applies to each image its operation at its strength, then crops (zeros outside) and flips.

    images: (B, C, H, W) uint8 on any device, C 1 or 3, not changed. strengths: (B,) in [0, 1] on the host,
    NaN refused. table: how strength becomes magnitude. Returns (B, C, H, W) uint8 on the same device. Nothing
    waits for the device.
    """
    _check_images(images, len(draws.operation))
    height, width = images.shape[2:]
    order = np.argsort(draws.operation, kind="stable")
    operations = draws.operation[order]
    sizes = batch_magnitudes(draws, strengths, height, width, table)[order]
    affines = inverse_affines(operations, sizes, height, width)
    whole = np.stack((order, draws.shift_y[order], draws.shift_x[order], draws.flip[order])).astype(np.int64)
    rows, shift_y, shift_x, flip = _upload(whole, images.device)
    numbers = _upload(np.column_stack((sizes, affines.reshape(-1, 6))), images.device)
    transformed = images[rows]
    edges = np.searchsorted(operations, np.arange(EQUALIZE + 2)).tolist()
    warped = slice(edges[SHEAR_X], edges[ROTATE + 1])
    transformed[warped] = _warp(transformed[warped], numbers[warped, 1:].reshape(-1, 2, 3))
    for operation, transform in _TRANSFORMS.items():
        group = slice(edges[operation], edges[operation + 1])
        if group.start < group.stop:
            transformed[group] = transform(transformed[group], numbers[group, :1].reshape(-1, 1, 1, 1))
    augmented = torch.empty_like(transformed)
    augmented[rows] = _place(transformed, shift_y, shift_x, flip)
    return augmented


def _check_images(images: Tensor, count: int) -> None:
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images must be uint8 (B, 1 or 3, H, W); got {images.dtype} {tuple(images.shape)}")
    if len(images) != count:
        raise ValueError(f"images must have one row a draw, {count}; got {len(images)}")


def _upload(values: ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(values).to(device, non_blocking=True)


def _pick(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Fetches images[b, :, rows[b], columns[b]], zero outside; both broadcast to (B, H, W), int64."""
    batch, channels, height, width = images.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    origins = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    origins = origins.view(batch, 1, height * width).expand(-1, channels, -1)
    return images.flatten(2).gather(2, origins).view_as(images).masked_fill_(~inside[:, None], 0)


def _place(images: Tensor, shift_y: Tensor, shift_x: Tensor, flip: Tensor) -> Tensor:
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) + shift_y[:, None]
    columns = torch.arange(width, device=images.device).expand(len(images), -1)
    columns = torch.where(flip[:, None] > 0, width - 1 - columns, columns) + shift_x[:, None]
    return _pick(images, rows[:, :, None], columns[:, None, :])


def _warp(images: Tensor, affines: Tensor) -> Tensor:
    height, width = images.shape[2:]
    y = torch.arange(height, device=images.device, dtype=torch.float32)[:, None] - (height - 1) / 2
    x = torch.arange(width, device=images.device, dtype=torch.float32) - (width - 1) / 2
    terms = affines[:, :, :, None, None]
    # products and sums apart: fused they would round differently from the kernel
    origins = (terms[:, :, 0] * x + terms[:, :, 1] * y).add_(terms[:, :, 2]).round_().long()
    return _pick(images, origins[:, 1], origins[:, 0])


def _levels(values: Tensor) -> Tensor:
    return values.clamp_(0, 255).to(torch.uint8)


def _grey(images: Tensor) -> Tensor:
    """Returns (B, 1, H, W) whole levels as float32: BT.601 luma with torchvision's coefficients."""
    levels = images.float()
    if images.shape[1] == 1:
        return levels
    red, green, blue = (levels[:, channel : channel + 1] for channel in range(3))
    return (red * 0.2989 + green * 0.587 + blue * 0.114).floor_()


def _brightness(images: Tensor, factor: Tensor) -> Tensor:
    return _levels(images * factor)


def _color(images: Tensor, factor: Tensor) -> Tensor:
    return images if images.shape[1] == 1 else _levels(images * factor + _grey(images) * (1 - factor))


def _contrast(images: Tensor, factor: Tensor) -> Tensor:
    height, width = images.shape[2:]
    # whole numbers are summed without error in any order
    total = _grey(images).to(torch.int32).sum((1, 2, 3), keepdim=True)
    return _levels(images * factor + (total / (height * width)).float() * (1 - factor))


def _sharpness(images: Tensor, factor: Tensor) -> Tensor:
    levels = images.float()
    inner = levels[..., 1:-1, 1:-1]
    beside = levels[..., :-2] + levels[..., 1:-1] + levels[..., 2:]
    total = beside[..., :-2, :] + beside[..., 1:-1, :] + beside[..., 2:, :] + inner * 4
    inner += ((total * (1 / 13)).round_() - inner) * (1 - factor)
    return _levels(levels)


def _posterize(images: Tensor, bits: Tensor) -> Tensor:
    return images & (256 - torch.exp2(8 - bits)).to(torch.uint8)


def _solarize(images: Tensor, lowest: Tensor) -> Tensor:
    return torch.where(images >= lowest, 255 - images, images)


def _blend(images: Tensor, extreme: Tensor, weight: Tensor) -> Tensor:
    return (images * (1 - weight) + extreme * weight).round_().to(torch.uint8)


def _autocontrast(images: Tensor, weight: Tensor) -> Tensor:
    low, high = images.amin((2, 3), keepdim=True).float(), images.amax((2, 3), keepdim=True).float()
    scale = (high - low) * (1 / 255)
    flat = scale == 0
    stretched = _levels((images - low) / scale.masked_fill(flat, 1))
    return _blend(images, torch.where(flat, images, stretched), weight)


def _equalize(images: Tensor, weight: Tensor) -> Tensor:
    pixels = images.flatten(0, 1).flatten(1).long()
    counts = torch.zeros(len(pixels), 256, dtype=torch.int64, device=images.device)
    counts.scatter_add_(1, pixels, torch.ones_like(pixels))
    brightest = counts.gather(1, pixels.amax(1, keepdim=True))
    step = (pixels.shape[1] - brightest).div_(255, rounding_mode="floor")
    below = counts.cumsum(1) - counts + step // 2
    table = below.div_(step.clamp(min=1), rounding_mode="floor").clamp_(max=255)
    equalized = torch.where(step > 0, table.gather(1, pixels), pixels).view_as(images)
    return _blend(images, equalized, weight)


_TRANSFORMS = {
    BRIGHTNESS: _brightness,
    COLOR: _color,
    CONTRAST: _contrast,
    SHARPNESS: _sharpness,
    POSTERIZE: _posterize,
    SOLARIZE: _solarize,
    AUTOCONTRAST: _autocontrast,
    EQUALIZE: _equalize,
}
