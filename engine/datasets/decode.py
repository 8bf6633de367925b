"""Encoded pictures to one uint8 array: decoded, resized and cropped by threads.

Threads instead of processes: a thread can write where the images belong, and Pillow releases the interpreter
while it decodes, converts and resizes. Measured on photos of 500 x 375 brought to 64: 0.54 of 0.61 ms of an
image are spent there, so eight or so processors can be kept busy.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy import ndarray
from PIL import Image, ImageOps

from engine.progress import Report

LOADING = "loading images"
VERSION = "1"  # of how images are decoded; a new one has kept ones decoded anew
CHUNK = 32  # pictures that a thread takes at once


class Picture(NamedTuple):
    """Something that opens as an image, and the row that it belongs to."""

    row: int
    name: str  # for messages
    open: Callable[[], Image.Image]


def fill(
    images: ndarray, pictures: Iterator[Picture], *, resize: bool, report: Report, workers: int = 0
) -> None:
    """Writes the pictures into images (N, C, H, W) uint8; C = 1 turns them gray, C = 3 into RGB.

    resize: whether pictures of another size are scaled and cropped; else they are refused. workers: threads,
    0 = as many as there are processors. Raises ValueError with the name of a picture that is broken.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[Future[int]] = deque()
    done = 0
    with ExitStack() as ending:
        pool = ending.enter_context(ThreadPoolExecutor(workers, "decode"))
        ending.callback(pool.shutdown, cancel_futures=True)  # a broken picture ends it at once
        report(LOADING, 0.0)
        while chunk := list(islice(pictures, CHUNK)):
            waiting.append(pool.submit(_fill_rows, images, chunk, resize=resize))
            if len(waiting) > 2 * workers:  # no more is read ahead, however many there are
                done += waiting.popleft().result()
                report(LOADING, done / len(images))
        for decoding in waiting:
            done += decoding.result()
            report(LOADING, done / len(images))


def opened(picture: Picture) -> Image.Image:
    """Returns the picture with its pixels loaded; raises ValueError with its name where it is broken."""
    image = None
    try:
        image = picture.open()
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if image is not None:
            image.close()
        raise ValueError(
            f"{picture.name} cannot be read as an image; repair or remove it ({error})"
        ) from error
    return image


def _fill_rows(images: ndarray, pictures: list[Picture], *, resize: bool) -> int:
    channels, height, width = images.shape[1:]
    for picture in pictures:
        image = _toned(_upright(picture, min(height, width) if resize else 0), channels)
        if image.size != (width, height):
            if not resize:
                raise ValueError(
                    f"{picture.name} has {image.width} x {image.height} pixels and the first image has "
                    f"{width} x {height}; set source.side to bring all to one size"
                )
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        images[picture.row] = np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1)
    return len(pictures)


def _upright(picture: Picture, side: int) -> Image.Image:
    """Opens the picture as its camera held it; a JPEG is decoded at no more than it takes for the side."""

    def draft() -> Image.Image:
        image = picture.open()
        if side:
            image.draft(None, (2 * side, 2 * side))  # twice, so that the last step is a proper average
        return image

    return ImageOps.exif_transpose(opened(picture._replace(open=draft)))


def _toned(image: Image.Image, channels: int) -> Image.Image:
    if image.mode == "P":  # a palette may have a transparent colour, which only RGBA keeps
        image = image.convert("RGBA")
    return image.convert("L" if channels == 1 else "RGB")
