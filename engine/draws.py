"""python -m engine.draws RUN SAMPLE EPOCH: draws one sample as training augments it, as JSON on stdout.

A process of its own, since the compiled kernel and a data set have no place in the app. What chance decides
follows from seed, epoch and sample alone, so the view that an epoch trained on is drawn again level by level.
"""

import argparse
import base64
import json
import sys
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy import ndarray
from PIL import Image

from engine.augment import augment
from engine.config import RunConfig, parse
from engine.datasets.prepare import prepared
from engine.operations import OPERATIONS, Draws, draw
from store.run import Run, RunIsForeign

COUNT = 12  # views at each strength
STRENGTHS = tuple(step / 10 for step in range(11))
LARGEST = 96  # pixels a side of a view on screen; larger ones are made smaller

# Sources without a setting for it: whether a mirrored image keeps its class.
_MIRRORED = {"digits": False, "cifar10": True, "cifar100": True, "fashion_mnist": True}


@dataclass(frozen=True, eq=False)
class Views:
    """Views of one sample: images (S, COUNT, C, H, W) uint8, a row a strength; draws: what chance decided."""

    images: ndarray
    draws: Draws


def views(
    image: ndarray, sample_id: int, epoch: int, *, config: RunConfig, flip: bool, strengths: tuple[float, ...]
) -> Views:
    """Augments an image (C, H, W) uint8 at each of the strengths, [0, 1], with the settings of a run.

    The first view of each row is decided by the chance of the epoch: at the strength of that epoch it is what
    training saw. The others are new: their chance is of epochs that the run never has.
    """
    chances = [epoch, *range(config.epochs, config.epochs + COUNT - 1)]
    pad = image.shape[-1] // 8  # as in engine.batches, which would load torch
    drawn = [draw(np.array([sample_id]), seed=config.seed, epoch=at, pad=pad, flip=flip) for at in chances]
    joined = {part.name: np.concatenate([getattr(one, part.name) for one in drawn]) for part in fields(Draws)}
    draws, rows = Draws(**joined), np.zeros(COUNT, np.int64)
    images = np.ascontiguousarray(image[None])
    table = config.augmentation.table
    augmented = [augment(images, rows, draws, np.full(COUNT, at), table=table) for at in strengths]
    return Views(np.stack(augmented), draws)


def training_image(run: Run, config: RunConfig, sample_id: int) -> tuple[ndarray, bool]:
    """Returns a sample's image (C, H, W) uint8 as training reads it, and whether views are mirrored.

    Thumbnails of small images are the images themselves, named after their content; larger ones are loaded
    from the data set. Raises ValueError, with a remedy, where the data set is missing or has changed.
    """
    about = run.about()
    if not 0 <= sample_id < about.get("n", 0):
        raise ValueError(f"sample must be from 0 to {about.get('n', 0) - 1}; got {sample_id}")
    thumbnails, flip = run.thumbnails(), getattr(config.source, "flip", _MIRRORED.get(config.source.kind))
    channels, height, width = about.get("shape", (0, 0, 0))
    if thumbnails is not None and thumbnails.shape[1:] == (height, width, channels) and flip is not None:
        return np.array(thumbnails[sample_id]).transpose(2, 0, 1), flip
    dataset = prepared(
        config.source,
        subset=config.subset,
        tail=config.tail,
        validation=config.validation,
        noise=config.noise,
    )
    found = [len(dataset.images), *dataset.images.shape[1:]]
    if found != [about.get("n"), channels, height, width]:
        raise ValueError(f"the data set has changed since run {run.id} trained on it; restore its files")
    return np.array(dataset.images[sample_id]), dataset.flip


def strip(images: ndarray) -> str:
    """Returns images (B, C, H, W) uint8 side by side as WebP in base64; small ones keep every level."""
    batch, channels, height, width = images.shape
    side_by_side = images.transpose(2, 0, 3, 1).reshape(height, batch * width, channels)
    picture = Image.fromarray(side_by_side[..., 0] if channels == 1 else side_by_side).convert("RGB")
    is_large = max(height, width) > LARGEST
    if is_large:
        share = LARGEST / max(height, width)
        picture = picture.resize((batch * round(width * share), round(height * share)), Image.Resampling.BOX)
    written = BytesIO()
    picture.save(written, "WEBP", lossless=not is_large, quality=90, method=2)
    return base64.b64encode(written.getvalue()).decode()


def main() -> None:
    """Writes the views of one sample: strengths, a strip each, and the operation of each place in a strip."""
    parser = argparse.ArgumentParser(prog="python -m engine.draws", description="Draws views of one sample.")
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("sample", type=int)
    parser.add_argument("epoch", type=int, help="its chance decides the first view")
    parser.add_argument("--strength", type=float, help="another strength beside 0, 0.1 … 1")
    given = parser.parse_args()
    try:
        run = Run.open(given.run)
        config = parse(run.config())
        image, flip = training_image(run, config, given.sample)
    except (ValueError, OSError, RunIsForeign) as failure:
        sys.exit(str(failure))
    strengths = STRENGTHS if given.strength is None else (*STRENGTHS, given.strength)
    drawn = views(image, given.sample, given.epoch, config=config, flip=flip, strengths=strengths)
    answer = {
        "strengths": strengths,
        "strips": [strip(images) for images in drawn.images],
        "operations": [OPERATIONS[operation] for operation in drawn.draws.operation],
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
