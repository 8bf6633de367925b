"""In torchvision's ranges all 14 operations are TrivialAugmentWide's own, at every one of its 31 bins.

The magnitudes and the operations of the reference are read from torchvision itself. Its bins are float32, so
a strength is in a bin when it is made as torchvision makes the bin: a bin a rounding below 16 pixels moves
15, and one a rounding above level 119 leaves 119 as it is. Geometry and whole tables of levels come out
equal; factors may differ by one level on 0.12 % of the values, and where the value is whole before its
fraction is dropped, since there the last bit of a factor decides.
"""

import numpy as np
import pytest
import torch
from numpy import ndarray
from sklearn.datasets import load_digits
from torchvision.transforms import v2

from engine import operations
from engine.augment import augment
from engine.augment_device import augment_on_device
from engine.operations import MONOTONE, OPERATIONS, TORCHVISION, Augmentation, Draws, Table, draw

BINS = 31
NAMES = dict(zip(OPERATIONS, v2.TrivialAugmentWide._AUGMENTATION_SPACE, strict=True))
ENHANCERS = (operations.BRIGHTNESS, operations.COLOR, operations.CONTRAST, operations.SHARPNESS)
every_operation = pytest.mark.parametrize("code", range(len(OPERATIONS)), ids=OPERATIONS)
both_tables = pytest.mark.parametrize("table", [MONOTONE, TORCHVISION], ids=["monotone", "torchvision"])


def digits(channels: int, side: int) -> ndarray:
    small = torch.from_numpy(load_digits().images[:40]).float()[:, None] / 16
    large = torch.nn.functional.interpolate(small, size=(side, side), mode="bilinear").numpy()
    tints = np.array([255, 190, 120]).reshape(3, 1, 1)[:channels]
    return (large * tints + 20 * (large < 0.2)).clip(0, 255).astype(np.uint8)


def noise(*shape: int) -> ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, *shape), dtype=np.uint8)


IMAGES = {
    "digits": digits(3, 32),
    "one-channel digits": digits(1, 28),
    "small digits": digits(3, 16),
    "noise, wide": noise(3, 24, 40),
    "one-channel noise, tall": noise(1, 37, 21),
}
all_images = pytest.mark.parametrize("images", IMAGES.values(), ids=IMAGES)


def draws_of(count: int, code: int, sign: float) -> Draws:
    still = np.zeros(count, np.int8)
    return Draws(
        np.full(count, code, np.uint8), np.full(count, sign, np.float32), still, still, np.zeros(count, bool)
    )


def strengths_of_bins(code: int) -> ndarray:
    """(31,) as torchvision makes them: up from 0, but solarize's threshold down from 1."""
    if code == operations.SOLARIZE:
        return 1 - torch.linspace(1, 0, BINS).double().numpy()
    return torch.linspace(0, 1, BINS).double().numpy()


def torchvision_magnitudes(code: int, height: int, width: int) -> tuple[list[float], bool]:
    """TrivialAugmentWide's own magnitudes, one a bin, and whether their sign is drawn."""
    make, signed = v2.TrivialAugmentWide._AUGMENTATION_SPACE[NAMES[OPERATIONS[code]]]
    made = make(BINS, height, width)
    return ([0.0] * BINS if made is None else [float(size) for size in made]), signed


def torchvision_augmented(images: ndarray, code: int, magnitude: float) -> ndarray:
    """TrivialAugmentWide's own operation at a magnitude, without its draw."""
    transform = v2.TrivialAugmentWide()
    augmented = transform._apply_image_or_video_transform(
        torch.from_numpy(images),
        NAMES[OPERATIONS[code]],
        magnitude,
        interpolation=transform.interpolation,
        fill=transform._fill,
    )
    return augmented.numpy()


def is_whole(images: ndarray, code: int, change: float) -> ndarray:
    """Marks where the value at factor 1 + change is whole before its fraction is dropped."""
    if code == operations.CONTRAST:
        return np.zeros(images.shape, bool)
    at_factor_zero = torchvision_augmented(images, code, -1.0).astype(float)
    value = images * (1 + change) - at_factor_zero * change
    return np.abs(value - np.rint(value)) < 1e-4  # float32 near 500


def test_operations_stand_in_torchvisions_order():
    names = [name.lower() for name in v2.TrivialAugmentWide._AUGMENTATION_SPACE]
    assert [name.replace("_", "") for name in OPERATIONS] == names


@every_operation
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_magnitudes_are_torchvisions(code: int, sign: float):
    sizes, signed = torchvision_magnitudes(code, 32, 32)
    ours = operations.magnitudes(
        np.full(BINS, code), strengths_of_bins(code), np.full(BINS, sign), 16, TORCHVISION
    )
    expected = np.array(sizes) * (sign if signed else 1)
    if code in ENHANCERS:
        expected = 1 + expected
    elif code == operations.SOLARIZE:
        expected = 255 * expected
    elif code in (operations.TRANSLATE_X, operations.TRANSLATE_Y):
        expected = np.trunc(expected)
    elif code in (operations.AUTOCONTRAST, operations.EQUALIZE):
        expected = np.ones(BINS)  # in full at every bin
    assert ours == pytest.approx(expected, rel=1e-6, abs=1e-6)


@all_images
@every_operation
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_pixels_are_torchvisions_at_every_bin(code: int, images: ndarray, sign: float):
    count = len(images)
    sizes, signed = torchvision_magnitudes(code, *images.shape[2:])
    for size, strength in zip(sizes, strengths_of_bins(code), strict=True):
        draws, strengths = draws_of(count, code, sign), np.full(count, strength)
        kernel = augment(images, np.arange(count), draws, strengths, table=TORCHVISION)
        on_device = augment_on_device(torch.from_numpy(images), draws, strengths, table=TORCHVISION)
        assert np.array_equal(on_device.numpy(), kernel), f"strength {strength}"
        size *= sign if signed else 1
        levels = np.abs(kernel.astype(int) - torchvision_augmented(images, code, size))
        if code not in ENHANCERS:
            assert levels.max() == 0, f"strength {strength}"
            continue
        assert levels.max() <= 1, f"strength {strength}"
        differs = (levels > 0) & ~is_whole(images, code, size)
        assert differs.mean() <= 0.0012, f"strength {strength}"


@all_images
@both_tables
def test_device_path_equals_the_kernel_in_both_ranges(table: Table, images: ndarray):
    rng = np.random.default_rng(1)
    ids, strengths = rng.integers(0, len(images), 1000), rng.random(1000, np.float32)
    strengths[:2] = 0, 1
    draws = draw(np.arange(1000), seed=2, epoch=3)
    kernel = augment(images, ids, draws, strengths, table=table)
    on_device = augment_on_device(torch.from_numpy(images[ids]), draws, strengths, table=table)
    assert np.array_equal(on_device.numpy(), kernel)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
@all_images
@both_tables
def test_accelerator_equals_the_kernel_in_both_ranges(table: Table, images: ndarray):
    rng = np.random.default_rng(1)
    ids, strengths = rng.integers(0, len(images), 1000), rng.random(1000, np.float32)
    draws = draw(np.arange(1000), seed=2, epoch=3)
    kernel = augment(images, ids, draws, strengths, table=table)
    on_device = augment_on_device(torch.from_numpy(images[ids]).cuda(), draws, strengths, table=table)
    levels = np.abs(on_device.cpu().numpy().astype(int) - kernel)
    assert levels.max() <= 1
    assert (levels > 0).mean() <= 0.0012


@pytest.mark.parametrize("code", [operations.TRANSLATE_X, operations.TRANSLATE_Y])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_move_of_32_pixels__small_image_is_empty(code: int, sign: float):
    images, draws = np.full((40, 3, 16, 16), 9, np.uint8), draws_of(40, code, sign)
    assert not augment(images, np.arange(40), draws, np.ones(40), table=TORCHVISION).any()
    assert not augment_on_device(torch.from_numpy(images), draws, np.ones(40), table=TORCHVISION).any()


def test_strength_zero_is_the_identity_of_all_but_three_operations():
    images = IMAGES["noise, wide"]
    changed = [
        name
        for code, name in enumerate(OPERATIONS)
        if (
            augment(images, np.arange(40), draws_of(40, code, 1), np.zeros(40), table=TORCHVISION) != images
        ).any()
    ]
    assert changed == ["solarize", "autocontrast", "equalize"]


def test_the_setting_names_the_table_and_monotone_is_the_default():
    assert Augmentation().table is MONOTONE
    assert Augmentation(ranges="torchvision").table is TORCHVISION
