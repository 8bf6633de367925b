"""The compiled loops behind `engine.augment`: one small function a family of operations, one image at a time.

All stand in one file because numba's disk cache notices a change only in the file of the function that Python
calls: a callee elsewhere would go stale unseen. Nothing uses fastmath; a contracted or reordered sum would
round differently from torchvision's. Images are (C, H, W) uint8, planes (H, W), tables the new value of each
of the 256 levels.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
from numpy import float32, ndarray

from engine import operations

Function = TypeVar("Function", bound=Callable[..., object])


def _compiled(function: Function) -> Function:
    return cast(Function, numba.njit(nogil=True, cache=True, error_model="numpy")(function))


@_compiled
def augment_batch(images: ndarray, plan: ndarray, augmented: ndarray) -> None:
    """Writes augmented[row] from images[plan[row]["id"]]: operation, then crop, then flip."""
    scratch = np.empty(images.shape[1:], np.uint8)
    table = np.empty(256, np.uint8)
    for row in range(len(plan)):
        drawn = plan[row]
        source = images[drawn["id"]]
        if drawn["operation"] != operations.IDENTITY:
            _transform(source, scratch, drawn, table)
            source = scratch
        _place(source, augmented[row], drawn["shift_y"], drawn["shift_x"], drawn["flip"])


@_compiled
def normalise_batch(images: ndarray, tables: ndarray, normalised: ndarray) -> None:
    """Writes normalised[b, y, x, c] = tables[c, images[b, c, y, x]]."""
    batch, channels, height, width = images.shape
    for row in range(batch):
        for channel in range(channels):
            for y in range(height):
                for x in range(width):
                    normalised[row, y, x, channel] = tables[channel, images[row, channel, y, x]]


@_compiled
def _transform(source: ndarray, target: ndarray, drawn: np.void, table: ndarray) -> None:
    operation, magnitude = drawn["operation"], drawn["magnitude"]
    if operation == operations.TRANSLATE_X:
        _place(source, target, 0, -int(magnitude), False)
    elif operation == operations.TRANSLATE_Y:
        _place(source, target, -int(magnitude), 0, False)
    elif operation in (operations.SHEAR_X, operations.SHEAR_Y, operations.ROTATE):
        _warp(source, target, drawn["affine"])
    elif operation == operations.COLOR:
        _color(source, target, magnitude)
    elif operation == operations.SHARPNESS:
        _sharpen(source, target, magnitude)
    elif operation in (operations.AUTOCONTRAST, operations.EQUALIZE):
        for channel in range(len(source)):
            if operation == operations.AUTOCONTRAST:
                _stretch(source[channel], table)
            else:
                _equalize(source[channel], table)
            _blend(table, magnitude)
            _look_up(source[channel], target[channel], table)
    else:
        _fill(table, source, operation, magnitude)
        for channel in range(len(source)):
            _look_up(source[channel], target[channel], table)


@_compiled
def _place(source: ndarray, target: ndarray, shift_y: int, shift_x: int, flip: bool) -> None:
    """Writes the window that begins at (shift_y, shift_x), zero outside the source, mirrored where `flip`."""
    if shift_y == 0 and shift_x == 0 and not flip:
        _copy(source, target)
        return
    if shift_y != 0 or shift_x != 0:
        _clear(target)
    if flip:
        _move_mirrored(source, target, shift_y, shift_x)
    else:
        _move(source, target, shift_y, shift_x)


# Unsigned indices below, because numba tests signed ones for being negative and then finds no vector form.
@_compiled
def _move(source: ndarray, target: ndarray, shift_y: int, shift_x: int) -> None:
    channels, height, width = source.shape
    for channel in range(channels):
        for y in range(max(0, -shift_y), min(height, height - shift_y)):
            for x in range(max(0, -shift_x), min(width, width - shift_x)):
                target[channel, y, x] = source[channel, y + shift_y, np.uintp(x + shift_x)]


@_compiled
def _move_mirrored(source: ndarray, target: ndarray, shift_y: int, shift_x: int) -> None:
    channels, height, width = source.shape
    for channel in range(channels):
        for y in range(max(0, -shift_y), min(height, height - shift_y)):
            for x in range(max(0, -shift_x), min(width, width - shift_x)):
                level = source[channel, y + shift_y, np.uintp(x + shift_x)]
                target[channel, y, np.uintp(width - 1 - x)] = level


@_compiled
def _clear(target: ndarray) -> None:
    levels = target.ravel()
    for place in range(levels.size):
        levels[place] = 0


@_compiled
def _copy(source: ndarray, target: ndarray) -> None:
    """Copies in one run over the memory: eight times faster than numba's slice assignment."""
    from_levels, to_levels = source.ravel(), target.ravel()
    for place in range(to_levels.size):
        to_levels[place] = from_levels[place]


@_compiled
def _warp(source: ndarray, target: ndarray, affine: ndarray) -> None:
    """Fetches each pixel from the pixel nearest to its place of origin; zero where that lies outside."""
    channels, height, width = source.shape
    middle_x, middle_y = float32((width - 1) / 2), float32((height - 1) / 2)
    levels = source.ravel()
    origins = np.empty(width, np.int32)
    for y in range(height):
        down = float32(y) - middle_y
        for x in range(width):
            right = float32(x) - middle_x
            column = np.int32(np.rint(affine[0] * right + affine[1] * down + affine[2]))
            row = np.int32(np.rint(affine[3] * right + affine[4] * down + affine[5]))
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            origins[x] = row * np.int32(width) + column if inside else -1
        for channel in range(channels):
            for x in range(width):
                origin = np.uintp(channel * height * width + max(origins[x], 0))
                target[channel, y, x] = levels[origin] if origins[x] >= 0 else 0


@_compiled
def _level(value: float32) -> np.uint8:
    """Clips to 0..255 and drops the fraction, as torchvision does."""
    return np.uint8(min(max(value, float32(0)), float32(255)))


@_compiled
def _grey(source: ndarray, y: int, x: int) -> np.int32:
    """Returns the luma of ITU-R BT.601 as a whole level, with torchvision's coefficients."""
    red, green, blue = float32(source[0, y, x]), float32(source[1, y, x]), float32(source[2, y, x])
    return np.int32(red * float32(0.2989) + green * float32(0.587) + blue * float32(0.114))


@_compiled
def _mean_grey(source: ndarray) -> float32:
    channels, height, width = source.shape
    total = 0
    for y in range(height):
        for x in range(width):
            total += int(_grey(source, y, x) if channels == 3 else source[0, y, x])
    return float32(total) / float32(height * width)


@_compiled
def _color(source: ndarray, target: ndarray, factor: float32) -> None:
    """Moves each pixel from its grey (factor 0) past itself (1); one channel has no colour to change."""
    channels, height, width = source.shape
    if channels == 1:
        _copy(source, target)
        return
    for y in range(height):
        for x in range(width):
            grey = float32(_grey(source, y, x)) * (float32(1) - factor)
            for channel in range(3):
                target[channel, y, x] = _level(float32(source[channel, y, x]) * factor + grey)


@_compiled
def _sharpen(source: ndarray, target: ndarray, factor: float32) -> None:
    """Moves each inner pixel from its 3 x 3 mean, the centre weighing five (factor 0), past itself (1)."""
    channels, height, width = source.shape
    _copy(source, target)
    for channel in range(channels):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                total = 4 * np.int32(source[channel, y, x])
                for row in range(y - 1, y + 2):
                    total += np.int32(source[channel, row, x - 1]) + np.int32(source[channel, row, x])
                    total += np.int32(source[channel, row, x + 1])
                level = float32(source[channel, y, x])
                blurred = np.rint(float32(total) * float32(1 / 13))
                target[channel, y, x] = _level(level + (blurred - level) * (float32(1) - factor))


@_compiled
def _look_up(source: ndarray, target: ndarray, table: ndarray) -> None:
    height, width = source.shape
    for y in range(height):
        for x in range(width):
            target[y, x] = table[source[y, x]]


@_compiled
def _fill(table: ndarray, source: ndarray, operation: int, magnitude: float32) -> None:
    """Fills the table of an operation that treats all channels alike."""
    mean = _mean_grey(source) if operation == operations.CONTRAST else float32(0)
    for level in range(256):
        if operation in (operations.BRIGHTNESS, operations.CONTRAST):
            table[level] = _level(float32(level) * magnitude + mean * (float32(1) - magnitude))
        elif operation == operations.POSTERIZE:
            table[level] = level & (256 - (1 << (8 - int(magnitude))))
        else:
            table[level] = 255 - level if level >= magnitude else level


@_compiled
def _stretch(plane: ndarray, table: ndarray) -> None:
    """Fills the table of autocontrast: the darkest level becomes 0, the brightest 255 (254 by rounding)."""
    low, high = plane.min(), plane.max()
    scale = float32(high - low) * float32(1 / 255)
    for level in range(256):
        table[level] = level if low == high else _level((float32(level) - float32(low)) / scale)


@_compiled
def _equalize(plane: ndarray, table: ndarray) -> None:
    """Fills the table of equalize: pixels spread evenly over the levels, the brightest one not counted."""
    counts = _counts(plane)
    brightest = 255
    while counts[brightest] == 0:
        brightest -= 1
    step = (plane.size - counts[brightest]) // 255
    below = np.int32(step // 2)
    for level in range(256):
        # a vector unit divides floats; whole numbers of this size come out exact
        table[level] = min(np.int32(below / step), np.int32(255)) if step else level
        below += counts[level]


@_compiled
def _counts(plane: ndarray) -> ndarray:
    """Counts the pixels of each level, (256,) int32, in two tables by turns: neighbours are often equal."""
    levels, counts = plane.ravel(), np.zeros((2, 256), np.int32)
    for place in range(levels.size // 2):
        counts[0, levels[np.uintp(2 * place)]] += 1
        counts[1, levels[np.uintp(2 * place + 1)]] += 1
    if levels.size % 2:
        counts[0, levels[levels.size - 1]] += 1
    return counts[0] + counts[1]


@_compiled
def _blend(table: ndarray, weight: float32) -> None:
    """Pulls a table back towards identity: weight 0 is identity, 1 the table itself."""
    for level in range(256):
        kept = (float32(1) - weight) * float32(level)
        table[level] = np.uint8(np.rint(kept + weight * float32(table[level])))
