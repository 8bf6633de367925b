"""The 14 operations of TrivialAugment, how strength becomes magnitude, and which one each sample draws.

The common level tables put identity in the middle or reach an empty image at the end, so that "stronger"
has no direction. Here strength 0 is identity and strength 1 the full magnitude of every operation, which
is what an adaptive strength needs (arXiv 2510.00434; the table is ours). Draws come from a counter hash of
(seed, epoch, sample id) instead of a stream, so that any augmentation can be replayed, however batched.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy import ndarray


class Operation(NamedTuple):
    """How one operation grows: `at_zero`, which changes nothing, plus `span` times the strength."""

    name: str
    at_zero: float = 0.0
    span: float = 0.0
    signed: bool = False  # the span points up or down at random
    whole: bool = False  # the change is rounded: bits and pixels are counted
    relative: bool = False  # the span is a share of the image's side


# Ours: monotone forms of the ranges in TrivialAugment (arXiv 2103.10158) and RandAugment (arXiv 1909.13719).
TABLE = (
    Operation("identity"),
    Operation("shear_x", span=0.3, signed=True),  # tangent
    Operation("shear_y", span=0.3, signed=True),
    Operation("translate_x", span=10 / 32, signed=True, whole=True, relative=True),  # pixels
    Operation("translate_y", span=10 / 32, signed=True, whole=True, relative=True),
    Operation("rotate", span=30.0, signed=True),  # degrees, anticlockwise
    Operation("brightness", at_zero=1.0, span=0.9, signed=True),  # factor
    Operation("color", at_zero=1.0, span=0.9, signed=True),
    Operation("contrast", at_zero=1.0, span=0.9, signed=True),
    Operation("sharpness", at_zero=1.0, span=0.9, signed=True),
    Operation("posterize", at_zero=8.0, span=-4.0, whole=True),  # bits kept
    Operation("solarize", at_zero=256.0, span=-256.0),  # lowest level inverted
    Operation("autocontrast", span=1.0),  # weight of the blend
    Operation("equalize", span=1.0),
)
OPERATIONS: tuple[str, ...] = tuple(operation.name for operation in TABLE)
(IDENTITY, SHEAR_X, SHEAR_Y, TRANSLATE_X, TRANSLATE_Y, ROTATE, BRIGHTNESS, COLOR, CONTRAST, SHARPNESS,
 POSTERIZE, SOLARIZE, AUTOCONTRAST, EQUALIZE) = range(len(OPERATIONS))  # fmt: skip

_AT_ZERO = np.array([operation.at_zero for operation in TABLE])
_SPAN = np.array([operation.span for operation in TABLE])
_SIGNED, _WHOLE, _RELATIVE = np.array([operation[3:] for operation in TABLE], dtype=bool).T
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Draws:
    """What chance decides for the B samples of a batch; the strength is not part of it.

    operation: (B,) uint8, index in OPERATIONS. sign: (B,) float32, -1 or +1.
    shift_y, shift_x: (B,) int8, pixels in [-pad, pad], where the crop begins. flip: (B,) booleans, mirrored.
    """

    operation: ndarray
    sign: ndarray
    shift_y: ndarray
    shift_x: ndarray
    flip: ndarray


def draw(ids: ndarray, *, seed: int, epoch: int, pad: int = 4, flip: bool = True) -> Draws:
    """Draws operation, sign, crop and flip of each sample from (seed, epoch, sample id) alone.

    ids: (B,) integers. `pad` (0 to 127 pixels) and `flip` change neither operation nor sign.
    """
    if not 0 <= pad <= 127:
        raise ValueError(f"pad must be from 0 to 127; got {pad}")
    key = _mix(_mix(np.array([seed % 2**64], np.uint64)) + np.uint64(epoch))
    counter = 2 * np.asarray(ids).astype(np.uint64)
    first = _mix(key + counter * _GOLDEN)
    second = _mix(key + (counter + np.uint64(1)) * _GOLDEN)
    return Draws(
        operation=_below(len(OPERATIONS), first).astype(np.uint8),
        sign=np.where(_top_bit(first), 1, -1).astype(np.float32),
        shift_y=(_below(2 * pad + 1, second) - pad).astype(np.int8),
        shift_x=(_below(2 * pad + 1, second >> np.uint64(24)) - pad).astype(np.int8),
        flip=_top_bit(second) & flip,
    )


def magnitudes(operations: ndarray, strengths: ndarray, signs: ndarray, side: int | ndarray) -> ndarray:
    """Turns strength into the magnitude of each sample's operation; strength 0 is identity, exactly.

    operations, strengths, signs: (B,). side: pixels along which a translation moves, one or (B,).
    Returns (B,) float32 in the unit of the operation (see TABLE). Refuses strengths that are NaN or outside
    [0, 1].
    """
    strengths = np.asarray(strengths, np.float64)
    refused = np.flatnonzero(~((strengths >= 0) & (strengths <= 1)))
    if len(refused):
        raise ValueError(f"strengths must be from 0 to 1; got {strengths[refused[0]]} in row {refused[0]}")
    change = _SPAN[operations] * strengths * np.where(_RELATIVE[operations], side, 1)
    change = np.where(_WHOLE[operations], np.rint(change), change)
    signs = np.where(_SIGNED[operations], signs, 1)
    return np.asarray(_AT_ZERO[operations] + signs * change, np.float32)


def batch_magnitudes(draws: Draws, strengths: ndarray, height: int, width: int) -> ndarray:
    """Returns (B,) magnitudes for images of height x width; refuses strengths of another length."""
    if np.shape(strengths) != draws.operation.shape:
        raise ValueError(f"strengths must have shape {draws.operation.shape}; got {np.shape(strengths)}")
    side = np.where(draws.operation == TRANSLATE_Y, height, width)
    return magnitudes(draws.operation, strengths, draws.sign, side)


def inverse_affines(operations: ndarray, sizes: ndarray, height: int, width: int) -> ndarray:
    """Returns where each pixel of the warped image comes from, for the five geometric operations.

    operations, sizes: (B,) codes and magnitudes. Returns (B, 2, 3) float32 that takes (x, y, 1), with x and y
    measured from the image's centre, to (column, row) in the source; other operations get the identity.
    """
    sizes = np.asarray(sizes, np.float64)
    shear_x, shear_y, move_x, move_y = (
        np.where(operations == code, sizes, 0) for code in (SHEAR_X, SHEAR_Y, TRANSLATE_X, TRANSLATE_Y)
    )
    angles = np.deg2rad(np.where(operations == ROTATE, sizes, 0))
    affines = np.empty((len(sizes), 2, 3))
    affines[:, 0, 0] = affines[:, 1, 1] = np.cos(angles)
    affines[:, 0, 1] = shear_x - np.sin(angles)
    affines[:, 1, 0] = shear_y + np.sin(angles)
    # TrivialAugment shears about the top left corner, which lies half an image away from the centre
    affines[:, 0, 2] = shear_x * height / 2 - move_x + (width - 1) / 2
    affines[:, 1, 2] = shear_y * width / 2 - move_y + (height - 1) / 2
    return affines.astype(np.float32)


def _mix(words: ndarray) -> ndarray:
    """Returns SplitMix64's finaliser (Steele, Lea and Flood 2014): each bit in reaches each bit out."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(words ^ (words >> np.uint64(31)))


def _below(count: int, words: ndarray) -> ndarray:
    """Returns whole numbers in [0, count) from the lowest 24 bits, uneven by less than 2e-5 up to 255."""
    return ((words & np.uint64(0xFFFFFF)) * np.uint64(count) >> np.uint64(24)).astype(np.int64)


def _top_bit(words: ndarray) -> ndarray:
    return np.asarray(words >> np.uint64(63) == 1)
