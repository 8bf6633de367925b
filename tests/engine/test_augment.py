"""The compiled augmentation: strength 0 is identity, stronger changes more, the batch does not matter."""

from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray
from sklearn.datasets import load_digits

from engine import operations
from engine.augment import augment, normalise
from engine.operations import OPERATIONS, Draws, draw

CODES = range(len(OPERATIONS))
every_operation = pytest.mark.parametrize("code", CODES, ids=OPERATIONS)
every_sign = pytest.mark.parametrize("sign", [-1.0, 1.0])


def smooth_images(count: int, channels: int = 3, height: int = 32, width: int = 32) -> ndarray:
    """Sums three random waves a plane, so that small moves change little and large ones more."""
    rng = np.random.default_rng(0)
    y, x = np.arange(height)[:, None] / height, np.arange(width) / width
    waves = rng.uniform(-1.5, 1.5, (4, 3, count, channels, 1, 1))
    levels = 128 + 50 * np.cos(2 * np.pi * (waves[0] * y + waves[1] * x + waves[2])).sum(0) * waves[3, 0]
    return np.clip(levels, 0, 255).astype(np.uint8)


def real_digits() -> ndarray:
    """Handwritten digits on dark paper, enlarged to 32 x 32 in steps of 4, each channel of another tint."""
    large = load_digits().images[:200].repeat(4, axis=1).repeat(4, axis=2)[:, None]
    return (20 + large * np.array([14, 11, 7]).reshape(3, 1, 1)).astype(np.uint8)


def noise_images() -> ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 3, 32, 32), dtype=np.uint8)


def bare_draws(count: int, code: int = 0, sign: float = 1.0) -> Draws:
    still = np.zeros(count, np.int8)
    return Draws(
        np.full(count, code, np.uint8), np.full(count, sign, np.float32), still, still, np.zeros(count, bool)
    )


def one_operation(images: ndarray, code: int, strength: float, sign: float = 1.0) -> ndarray:
    count = len(images)
    return augment(images, np.arange(count), bare_draws(count, code, sign), np.full(count, strength))


@every_sign
@every_operation
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 32, 32), (3, 5, 9), (1, 1, 2)])
def test_strength_zero_is_the_identity(code: int, sign: float, shape: tuple[int, int, int]):
    images = smooth_images(20, *shape)
    assert np.array_equal(one_operation(images, code, 0.0, sign), images)


@every_sign
@every_operation
@pytest.mark.parametrize("channels", [1, 3])
def test_stronger_never_changes_less(code: int, sign: float, channels: int):
    images = smooth_images(400, channels)
    strengths = np.linspace(0, 1, 11)
    changed = [np.abs(one_operation(images, code, s, sign).astype(float) - images).mean() for s in strengths]
    assert (np.diff(changed) >= 0).all()
    is_identity = code == operations.IDENTITY or (code == operations.COLOR and channels == 1)
    assert (changed[-1] == 0) == is_identity


@pytest.mark.parametrize("pixels", ["digits", "noise"])
@every_sign
@every_operation
def test_stronger_never_changes_less__digits_and_noise(code: int, sign: float, pixels: str):
    images = real_digits() if pixels == "digits" else noise_images()
    steps = [one_operation(images, code, s, sign).astype(int) for s in np.linspace(0, 1, 11)]
    changes = np.abs(np.stack(steps) - images)
    assert not changes[0].any()
    assert (np.diff(changes.mean((1, 2, 3, 4))) >= 0).all()
    if code > operations.ROTATE:  # pixels that stay where they are: each by itself, to one rounding
        assert np.diff(changes, axis=0).min() >= -1


def test_crop_reads_at_the_shift_and_fills_with_zeros():
    images = np.arange(1, 7, dtype=np.uint8).reshape(1, 1, 2, 3)  # rows 1 2 3 and 4 5 6
    draws = replace(bare_draws(1), shift_y=np.array([1], np.int8), shift_x=np.array([-1], np.int8))
    assert augment(images, [0], draws, [0.0]).tolist() == [[[[0, 4, 5], [0, 0, 0]]]]


def test_flip_mirrors_what_the_crop_left():
    images = np.arange(1, 7, dtype=np.uint8).reshape(1, 1, 2, 3)
    draws = replace(bare_draws(1), shift_x=np.array([1], np.int8), flip=np.array([True]))
    assert augment(images, [0], draws, [0.0]).tolist() == [[[[0, 3, 2], [0, 6, 5]]]]


@pytest.mark.parametrize("shift", [(3, 0), (-3, 0), (0, 4), (0, -4), (100, -100)])
def test_crop__beyond_the_image_is_all_zeros(shift: tuple[int, int]):
    draws = replace(bare_draws(1), shift_y=np.array(shift[:1], np.int8), shift_x=np.array(shift[1:], np.int8))
    assert not augment(np.full((1, 3, 3, 4), 9, np.uint8), [0], draws, [0.0]).any()


def test_translation_then_crop_loses_what_left_the_image():
    images = np.arange(1, 7, dtype=np.uint8).reshape(1, 1, 1, 6)
    draws = replace(bare_draws(1, operations.TRANSLATE_X), shift_x=np.array([2], np.int8))
    augmented = augment(
        images, [0], draws, [1.0]
    )  # two pixels to the right (10/32 of 6), then two to the left
    assert augmented.tolist() == [[[[1, 2, 3, 4, 0, 0]]]]


def test_rotation_turns_anticlockwise():
    images = np.zeros((1, 1, 33, 33), np.uint8)
    images[0, 0, 16, 30] = 200  # 14 pixels to the right of the centre
    augmented = one_operation(images, operations.ROTATE, 1.0)
    assert (
        augmented[0, 0, 16 - 7, 16 + 12] == 200
    )  # 14 sin 30 degrees up, 14 cos 30 degrees = 12.1 to the right


def test_brightness_scales_and_clips():
    images = np.array([0, 100, 200], np.uint8).reshape(1, 1, 1, 3)
    assert one_operation(images, operations.BRIGHTNESS, 0.5).ravel().tolist() == [0, 145, 255]  # 1.45 times
    assert one_operation(images, operations.BRIGHTNESS, 0.5, -1).ravel().tolist() == [
        0,
        55,
        110,
    ]  # 0.55 times


def test_posterize_keeps_the_upper_bits():
    images = np.array([255, 130, 15], np.uint8).reshape(1, 1, 1, 3)
    assert one_operation(images, operations.POSTERIZE, 1.0).ravel().tolist() == [240, 128, 0]  # 4 of 8 bits


def test_solarize_inverts_from_the_threshold_up():
    images = np.array([255, 128, 127], np.uint8).reshape(1, 1, 1, 3)
    assert one_operation(images, operations.SOLARIZE, 0.5).ravel().tolist() == [0, 127, 127]  # from 128 up


def test_autocontrast_blends_with_the_stretched_image():
    images = np.array([50, 93, 136], np.uint8).reshape(1, 1, 1, 3)
    full = one_operation(images, operations.AUTOCONTRAST, 1.0).ravel().tolist()
    assert full == [0, 127, 255]  # (level - 50) * 255 / 86, without its fraction
    half = one_operation(images, operations.AUTOCONTRAST, 0.5).ravel().tolist()
    assert half == [25, 110, 196]  # (50 + 0) / 2, (93 + 127) / 2, (136 + 255) / 2 = 195.5 to even


def test_equalize__image_of_one_level_stays():
    images = np.full((1, 3, 32, 32), 77, np.uint8)
    assert np.array_equal(one_operation(images, operations.EQUALIZE, 1.0), images)


def test_a_sample_is_augmented_alike_whatever_the_batch():
    images = smooth_images(300, 3, 20, 28)
    ids, strengths = np.random.default_rng(1).permutation(300), np.linspace(0, 1, 300, dtype=np.float32)
    whole = augment(images, ids, draw(ids, seed=0, epoch=4), strengths[ids])
    alone = [
        augment(images, ids[[i]], draw(ids[[i]], seed=0, epoch=4), strengths[ids[[i]]])[0] for i in range(300)
    ]
    assert np.array_equal(whole, alone)
    assert whole.shape == (300, 3, 20, 28)


def test_images_are_not_changed():
    images = smooth_images(200)
    before = images.copy()
    augmented = augment(images, np.arange(200), draw(np.arange(200), seed=0, epoch=0), np.ones(200))
    assert np.array_equal(images, before)
    assert not np.shares_memory(augmented, images)


def test_ids_may_repeat_and_be_any_integers():
    images = smooth_images(9, 1)
    ids = np.array([8, 0, 8], np.int32)[::-1]
    assert np.array_equal(augment(images, ids, bare_draws(3), np.zeros(3)), images[ids])


def test_read_only_images_are_accepted():
    images = smooth_images(2)
    images.flags.writeable = False
    assert np.array_equal(one_operation(images, operations.IDENTITY, 1.0), images)


def test_no_ids__no_images():
    assert augment(smooth_images(2), np.zeros(0, int), bare_draws(0), np.zeros(0)).shape == (0, 3, 32, 32)


@pytest.mark.parametrize(
    ("images", "ids", "strengths", "message"),
    [
        (
            np.zeros((2, 2, 4, 4), np.uint8),
            [0],
            [0.0],
            r"uint8 \(N, 1 or 3, H, W\); got uint8 \(2, 2, 4, 4\)",
        ),
        (np.zeros((2, 3, 4, 4)), [0], [0.0], r"images must be uint8 .*; got float64"),
        (
            np.zeros((2, 4, 4, 3), np.uint8).transpose(0, 3, 1, 2),
            [0],
            [0.0],
            "images are not contiguous; store",
        ),
        (np.zeros((2, 1, 4, 4), np.uint8), [2], [0.0], "ids must be from 0 to 1; got 2 to 2"),
        (np.zeros((2, 1, 4, 4), np.uint8), [-1], [0.0], "ids must be from 0 to 1; got -1 to -1"),
        (np.zeros((2, 1, 4, 4), np.uint8), [0, 1], [0.0], r"one row a draw, \(1,\); got \(2,\)"),
        (np.zeros((2, 1, 4, 4), np.uint8), [0], [0.0, 1.0], r"strengths must have shape \(1,\); got \(2,\)"),
        (np.zeros((2, 1, 4, 4), np.uint8), [0], [np.nan], "strengths must be from 0 to 1; got nan in row 0"),
    ],
)
def test_what_cannot_be_augmented_is_refused(
    images: ndarray, ids: list[int], strengths: list[float], message: str
):
    with pytest.raises(ValueError, match=message):
        augment(images, ids, bare_draws(1), strengths)


@pytest.mark.parametrize("channels", [1, 3])
def test_normalise_centres_and_scales_each_channel(channels: int):
    images = smooth_images(5, channels, 6, 7)
    mean, std = np.array([0.5, 0.4, 0.3])[:channels], np.array([0.25, 0.2, 0.1])[:channels]
    expected = (images / 255 - mean[:, None, None]) / std[:, None, None]
    normalised = normalise(images, mean, std)
    assert normalised.dtype == np.float32
    assert normalised == pytest.approx(expected, abs=1e-5)


def test_normalise_lays_memory_out_channels_last():
    torch = pytest.importorskip("torch")
    normalised = torch.from_numpy(normalise(smooth_images(2), np.zeros(3), np.ones(3)))
    assert normalised.is_contiguous(memory_format=torch.channels_last)


def test_normalise__without_spread_or_with_a_missing_channel_is_refused():
    with pytest.raises(ValueError, match=r"std must be above 0; got \[0.2, 0.0, 0.2\]"):
        normalise(smooth_images(1), np.zeros(3), np.array([0.2, 0.0, 0.2]))
    with pytest.raises(ValueError, match="mean and std must have 3 values; got 1 and 3"):
        normalise(smooth_images(1), np.zeros(1), np.ones(3))
