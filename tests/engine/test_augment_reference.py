"""Both ways to augment agree with torchvision's own functions on digits and on noise, level by level.

The kernel and the device path share their arithmetic: they must be equal. torchvision fuses multiplication
and addition where the processor can, so one level on 0.12 % of the pixels is allowed. At full strength the
factors are tenths and many levels are whole before their fraction is dropped: there, and only there, more.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from numpy import ndarray
from sklearn.datasets import load_digits
from torch import Tensor
from torchvision.transforms.v2 import functional

from engine import operations
from engine.augment import augment
from engine.augment_device import augment_on_device
from engine.operations import OPERATIONS, Draws, draw

STRENGTHS = [0.0, 0.0713, 0.3137, 0.5391, 0.7719, 0.9973]
CODES = range(len(OPERATIONS))
every_operation = pytest.mark.parametrize("code", CODES, ids=OPERATIONS)


def digits(count: int, channels: int) -> ndarray:
    """Enlarges handwritten digits to 32 x 32 and tints each channel differently."""
    small = torch.from_numpy(load_digits().images[:count]).float()[:, None] / 16
    large = torch.nn.functional.interpolate(small, size=(32, 32), mode="bilinear").numpy()
    tints = np.array([255, 190, 120]).reshape(3, 1, 1)[:channels]
    paper = 20 * (large < 0.2) * np.arange(1, channels + 1).reshape(-1, 1, 1)
    return (large * tints + paper).clip(0, 255).astype(np.uint8)


def noise(count: int, channels: int, height: int = 24, width: int = 40) -> ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, channels, height, width), dtype=np.uint8)


IMAGES = {
    "digits": digits(60, 3),
    "one-channel digits": digits(60, 1),
    "noise, wide": noise(60, 3),
    "one-channel noise, tall": noise(60, 1, 37, 21),
    "tiny": noise(60, 3, 2, 3),
}
all_images = pytest.mark.parametrize("images", IMAGES.values(), ids=IMAGES)


def draws_of(count: int, code: int) -> Draws:
    """Draws one operation for all, with both signs and no crop or flip."""
    sign = np.where(np.arange(count) % 2, -1, 1).astype(np.float32)
    still = np.zeros(count, np.int8)
    return Draws(np.full(count, code, np.uint8), sign, still, still, np.zeros(count, bool))


def blended(image: Tensor, extreme: Tensor, weight: float) -> Tensor:
    return ((1 - weight) * image.double() + weight * extreme.double()).round().to(torch.uint8)


def shear(image: Tensor, size: float, *, axis: int) -> Tensor:
    angles = [0.0, 0.0]
    angles[axis] = math.degrees(math.atan(size))
    return functional.affine(image, angle=0.0, translate=[0, 0], scale=1.0, shear=angles, center=[0, 0])


def translate(image: Tensor, size: float, *, axis: int) -> Tensor:
    pixels = [0, 0]
    pixels[axis] = int(size)
    return functional.affine(image, angle=0.0, translate=pixels, scale=1.0, shear=[0.0, 0.0])


REFERENCES: tuple[Callable[[Tensor, float], Tensor], ...] = (
    lambda image, _: image,
    partial(shear, axis=0),
    partial(shear, axis=1),
    partial(translate, axis=0),
    partial(translate, axis=1),
    functional.rotate,
    functional.adjust_brightness,
    functional.adjust_saturation,
    functional.adjust_contrast,
    functional.adjust_sharpness,
    lambda image, size: functional.posterize(image, int(size)),
    lambda image, size: image if size > 255 else functional.solarize(image, size),
    lambda image, size: blended(image, functional.autocontrast(image), size),
    lambda image, size: blended(image, functional.equalize(image), size),
)


def deviation(ours: ndarray, reference: ndarray) -> tuple[int, float]:
    """Returns the largest difference in levels and the share of pixels that differ."""
    levels = np.abs(ours.astype(int) - reference)
    return int(levels.max()), float((levels > 0).mean())


def reference(images: ndarray, draws: Draws, strengths: ndarray) -> ndarray:
    """Applies torchvision's function at our magnitude to each image."""
    sizes = operations.batch_magnitudes(draws, strengths, *images.shape[2:]).tolist()
    apply = REFERENCES[draws.operation[0]]
    return np.stack([apply(torch.from_numpy(x), size).numpy() for x, size in zip(images, sizes, strict=True)])


@all_images
@every_operation
def test_kernel_equals_torchvision_at_equal_magnitude(code: int, images: ndarray):
    draws = draws_of(len(images), code)
    for strength in STRENGTHS:
        strengths = np.full(len(images), strength)
        kernel = augment(images, np.arange(len(images)), draws, strengths)
        most, share = deviation(kernel, reference(images, draws, strengths))
        assert most <= 1, f"strength {strength}"
        assert share <= 0.0012, f"strength {strength}"


@every_operation
def test_kernel_equals_torchvision_at_full_strength(code: int):
    images, draws, strengths = IMAGES["digits"], draws_of(60, code), np.ones(60)
    kernel = augment(images, np.arange(60), draws, strengths)
    expected = reference(images, draws, strengths)
    most, share = deviation(kernel, expected)
    assert most <= 1
    if code not in (operations.COLOR, operations.CONTRAST):
        assert share <= 0.0012
        return
    red, green, blue = images.astype(float).transpose(1, 0, 2, 3)
    grey = np.floor(0.2989 * red + 0.587 * green + 0.114 * blue)[:, None]
    middle = grey if code == operations.COLOR else grey.mean((1, 2, 3), keepdims=True)
    factor = operations.batch_magnitudes(draws, strengths, 32, 32).reshape(-1, 1, 1, 1).astype(float)
    unrounded = (images * factor + middle * (1 - factor))[kernel != expected]
    assert np.abs(unrounded - np.rint(unrounded)).max() < 1e-4  # the rounding of float32 near 255


@all_images
@every_operation
def test_device_path_equals_the_kernel(code: int, images: ndarray):
    draws = draws_of(len(images), code)
    for strength in STRENGTHS:
        strengths = np.full(len(images), strength)
        kernel = augment(images, np.arange(len(images)), draws, strengths)
        assert np.array_equal(augment_on_device(torch.from_numpy(images), draws, strengths).numpy(), kernel)


@all_images
def test_device_path_equals_the_kernel__mixed_operations_crops_and_flips(images: ndarray):
    ids = np.random.default_rng(1).integers(0, len(images), 500)
    draws, strengths = draw(np.arange(500), seed=2, epoch=3), np.linspace(0, 1, 500, dtype=np.float32)
    on_device = augment_on_device(torch.from_numpy(images[ids]), draws, strengths)
    assert np.array_equal(on_device.numpy(), augment(images, ids, draws, strengths))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
@all_images
def test_accelerator_equals_the_kernel(images: ndarray):
    draws, strengths = draw(np.arange(60), seed=2, epoch=3), np.linspace(0, 1, 60, dtype=np.float32)
    on_device = augment_on_device(torch.from_numpy(images).cuda(), draws, strengths).cpu().numpy()
    most, share = deviation(on_device, augment(images, np.arange(60), draws, strengths))
    assert most <= 1
    assert share <= 0.0012


@pytest.mark.parametrize("count", [0, 1])
def test_device_path__batch_of_none_and_of_one(count: int):
    images = noise(count, 3)
    draws = draw(np.arange(count), seed=0, epoch=0)
    before = images.copy()
    on_device = augment_on_device(torch.from_numpy(images), draws, np.ones(count))
    assert on_device.shape == images.shape
    assert np.array_equal(images, before)


@pytest.mark.parametrize(
    ("images", "strengths", "message"),
    [
        (torch.zeros(1, 3, 4, 4), [0.0], r"images must be uint8 .*; got torch.float32 \(1, 3, 4, 4\)"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), [0.0], "images must have one row a draw, 1; got 2"),
        (
            torch.zeros(1, 3, 4, 4, dtype=torch.uint8),
            [1.5],
            "strengths must be from 0 to 1; got 1.5 in row 0",
        ),
    ],
)
def test_device_path_refuses_what_cannot_be_augmented(images: Tensor, strengths: list[float], message: str):
    with pytest.raises(ValueError, match=message):
        augment_on_device(images, draws_of(1, 0), np.array(strengths))
