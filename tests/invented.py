"""Invented samples: labels of which some are wrong, how hard each is, and a picture of each.

The same number of samples and the same noise give the same world, so that runs on it can be compared.
"""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont

from engine import scaling

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE = 16


@dataclass(frozen=True)
class World:
    """What is true of N invented samples, whatever a run learns of them."""

    labels: ndarray  # (N,) what training sees
    true_labels: ndarray  # (N,)
    difficulty: ndarray  # (N,) 0 easy to 1 hard
    consistency: ndarray  # (N,) float32
    place: ndarray  # (N, 2) where the sample lies within its cluster

    @property
    def flipped(self) -> ndarray:
        """(N,) whether the label is wrong."""
        return self.labels != self.true_labels


def make_world(samples: int, *, noise: float) -> World:
    """Invents so many samples; the same number and noise give the same ones."""
    rng = np.random.default_rng(samples)
    true_labels = np.arange(samples) % len(CLASSES)
    flipped = np.zeros(samples, bool)
    flipped[rng.permutation(samples)[: round(noise * samples)]] = True
    labels = np.where(
        flipped, (true_labels + rng.integers(1, len(CLASSES), samples)) % len(CLASSES), true_labels
    )
    agreement = np.where(flipped, rng.beta(2, 5, samples), rng.beta(7, 2, samples))
    return World(
        labels=labels,
        true_labels=true_labels,
        difficulty=rng.beta(1.3, 4, samples),
        consistency=scaling.scaled(agreement.astype(np.float32), "minmax"),
        place=rng.standard_t(3, (samples, 2)),
    )


def draw_digits(labels: ndarray) -> ndarray:
    """Draws one small picture a label, (N, SIDE, SIDE, 1) uint8, each a little turned, moved and noisy."""
    rng = np.random.default_rng(7)
    font = ImageFont.load_default(size=15)
    pictures = []
    for label in labels:
        picture = Image.new("L", (SIDE, SIDE), 0)
        corner = (3.5 + rng.normal(0, 0.8), -1.5 + rng.normal(0, 0.8))
        ImageDraw.Draw(picture).text(corner, str(label), fill=int(rng.integers(190, 255)), font=font)
        turned = picture.rotate(rng.normal(0, 12), resample=Image.Resampling.BILINEAR)
        pictures.append(np.clip(np.asarray(turned) + rng.normal(0, 8, (SIDE, SIDE)), 0, 255).astype(np.uint8))
    return np.stack(pictures)[..., None]
