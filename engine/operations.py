"""The 14 operations of TrivialAugment, how strength becomes magnitude, and which one each sample draws.

The common level tables put identity in the middle or reach an empty image at the end, so that "stronger"
has no direction. In the table MONOTONE strength 0 is identity and strength 1 the full magnitude of every
operation, which is what an adaptive strength needs (arXiv 2510.00434; the table is ours); TORCHVISION is an
option. Draws come from a counter hash of (seed, epoch, sample id) instead of a stream, so that any
augmentation can be replayed, however batched.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.settings import Settings


class Operation(NamedTuple):
    """How one operation grows: its magnitude is `at_zero` plus `span` times the strength."""

    name: str
    at_zero: float = 0.0
    span: float = 0.0
    signed: bool = False  # the span points up or down at random
    whole: Literal["", "nearest", "down"] = ""  # how the change is rounded: bits and pixels are counted
    relative: bool = False  # the span is a share of the image's side


Table = tuple[Operation, ...]

# Ours: monotone forms of the ranges in TrivialAugment (arXiv 2103.10158) and RandAugment (arXiv 1909.13719).
MONOTONE: Table = (
    Operation("identity"),
    Operation("shear_x", span=0.3, signed=True),  # tangent
    Operation("shear_y", span=0.3, signed=True),
    Operation("translate_x", span=10 / 32, signed=True, whole="nearest", relative=True),  # pixels
    Operation("translate_y", span=10 / 32, signed=True, whole="nearest", relative=True),
    Operation("rotate", span=30.0, signed=True),  # degrees, anticlockwise
    Operation("brightness", at_zero=1.0, span=0.9, signed=True),  # factor
    Operation("color", at_zero=1.0, span=0.9, signed=True),
    Operation("contrast", at_zero=1.0, span=0.9, signed=True),
    Operation("sharpness", at_zero=1.0, span=0.9, signed=True),
    Operation("posterize", at_zero=8.0, span=-4.0, whole="nearest"),  # bits kept
    Operation("solarize", at_zero=256.0, span=-256.0),  # lowest level inverted
    Operation("autocontrast", span=1.0),  # weight of the blend
    Operation("equalize", span=1.0),
)
# torchvision's TrivialAugmentWide, the strength in the place of its magnitude bin.
TORCHVISION: Table = (
    Operation("identity"),
    Operation("shear_x", span=0.99, signed=True),
    Operation("shear_y", span=0.99, signed=True),
    Operation("translate_x", span=32.0, signed=True, whole="down"),
    Operation("translate_y", span=32.0, signed=True, whole="down"),
    Operation("rotate", span=135.0, signed=True),
    Operation("brightness", at_zero=1.0, span=0.99, signed=True),
    Operation("color", at_zero=1.0, span=0.99, signed=True),
    Operation("contrast", at_zero=1.0, span=0.99, signed=True),
    Operation("sharpness", at_zero=1.0, span=0.99, signed=True),
    Operation("posterize", at_zero=8.0, span=-6.0, whole="nearest"),
    Operation("solarize", at_zero=255.0, span=-255.0),
    Operation("autocontrast", at_zero=1.0),
    Operation("equalize", at_zero=1.0),
)
OPERATIONS: tuple[str, ...] = tuple(operation.name for operation in MONOTONE)
(IDENTITY, SHEAR_X, SHEAR_Y, TRANSLATE_X, TRANSLATE_Y, ROTATE, BRIGHTNESS, COLOR, CONTRAST, SHARPNESS,
 POSTERIZE, SOLARIZE, AUTOCONTRAST, EQUALIZE) = range(len(OPERATIONS))  # fmt: skip

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Augmentation(Settings):
    """How far each operation goes at strength 1, and what it does at strength 0.

    `monotone`: strength 0 changes nothing and more strength never changes less. `torchvision`: the same
    operations in the ranges of torchvision's TrivialAugmentWide, equal to it where the strength is one of its
    31 bins, that is uniform strengths train as it does but for the continuous draw. It moves a fixed 32
    pixels whatever the image's side, and at strength 0 it still applies autocontrast and equalize in full
    and turns levels of 255 to 0 (solarize): no strength leaves every image alone, hence not the default.
    """

    ranges: Literal["monotone", "torchvision"] = Field(
        "monotone",
        description="how far operations go: monotone from identity (ours), or as torchvision's "
        "TrivialAugmentWide, where strength 0 still changes images",
    )

    @property
    def table(self) -> Table:
        """The table of these ranges."""
        return TORCHVISION if self.ranges == "torchvision" else MONOTONE


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
    key = _key(seed, epoch)
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


def magnitudes(
    operations: ndarray, strengths: ndarray, signs: ndarray, side: int | ndarray, table: Table = MONOTONE
) -> ndarray:
    """Turns strength into the magnitude of each sample's operation; in MONOTONE, 0 is identity, exactly.

    operations, strengths, signs: (B,). side: pixels along which a translation moves, one or (B,).
    Returns (B,) float32 in the unit of the operation, see MONOTONE. Refuses strengths that are NaN or not in
    [0, 1].
    """
    strengths = np.asarray(strengths, np.float64)
    refused = np.flatnonzero(~((strengths >= 0) & (strengths <= 1)))
    if len(refused):
        raise ValueError(f"strengths must be from 0 to 1; got {strengths[refused[0]]} in row {refused[0]}")
    rows = _columns(table)[operations]
    change = rows["span"] * strengths * np.where(rows["relative"], side, 1)
    change = np.where(rows["nearest"], np.rint(change), np.where(rows["down"], np.trunc(change), change))
    signs = np.where(rows["signed"], signs, 1)
    return np.asarray(rows["at_zero"] + signs * change, np.float32)


def batch_magnitudes(
    draws: Draws, strengths: ndarray, height: int, width: int, table: Table = MONOTONE
) -> ndarray:
    """Returns (B,) magnitudes for images of height x width; refuses strengths of another length."""
    if np.shape(strengths) != draws.operation.shape:
        raise ValueError(f"strengths must have shape {draws.operation.shape}; got {np.shape(strengths)}")
    side = np.where(draws.operation == TRANSLATE_Y, height, width)
    return magnitudes(draws.operation, strengths, draws.sign, side, table)


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
    sines, affines = np.sin(angles), np.empty((len(sizes), 2, 3))
    affines[:, 0, 0] = affines[:, 1, 1] = np.cos(angles)
    affines[:, 0, 1] = shear_x - sines
    affines[:, 1, 0] = shear_y + sines
    # TrivialAugment shears about the top left corner, which lies half an image away from the centre
    affines[:, 0, 2] = shear_x * height / 2 - move_x + (width - 1) / 2
    affines[:, 1, 2] = shear_y * width / 2 - move_y + (height - 1) / 2
    return affines.astype(np.float32)


@lru_cache
def _columns(table: Table) -> ndarray:
    """Returns the table as a structured array, so that a batch picks its rows at once."""
    fields = [("at_zero", float), ("span", float), ("signed", bool), ("relative", bool)]
    rows = [
        (row.at_zero, row.span, row.signed, row.relative, row.whole == "nearest", row.whole == "down")
        for row in table
    ]
    columns = np.array(rows, [*fields, ("nearest", bool), ("down", bool)])
    columns.flags.writeable = False
    return columns


@lru_cache(maxsize=64)  # every batch of an epoch asks for the same
def _key(seed: int, epoch: int) -> ndarray:
    """Returns (1,) uint64, what the counters of an epoch start from."""
    return _mix(_mix(np.array([seed % 2**64], np.uint64)) + np.uint64(epoch))


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
