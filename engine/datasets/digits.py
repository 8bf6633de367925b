"""Handwritten digits: scikit-learn's 1,797 real images, the data set that needs no download."""

from typing import Literal

import numpy as np
from pydantic import Field

from engine.datasets import Dataset
from engine.datasets.strata import SPLIT_SEED
from engine.progress import Report
from engine.settings import Settings


class Digits(Settings):
    """scikit-learn's handwritten digits, 8 x 8 enlarged, four fifths for training."""

    kind: Literal["digits"] = "digits"
    side: int = Field(16, ge=8, le=64, description="pixels a side; the originals have 8")

    def load(self, report: Report) -> Dataset:  # noqa: ARG002 it takes no time
        """Returns 1,437 training and 360 test images, split at a fixed seed with equal class shares."""
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        originals, labels = load_digits(return_X_y=True)
        images = _enlarged(originals.reshape(-1, 8, 8).astype(np.float32) * (255 / 16), self.side)
        train, test = train_test_split(
            np.arange(len(labels)), test_size=0.2, random_state=SPLIT_SEED, stratify=labels
        )
        return Dataset(
            images=images[train],
            labels=labels[train].astype(np.int64),
            test_images=images[test],
            test_labels=labels[test].astype(np.int64),
            class_names=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            prompts=('a photo of the number "{}"', "a handwritten digit {}"),
            flip=False,
        )


def _enlarged(images: np.ndarray, side: int) -> np.ndarray:
    """(N, 8, 8) float32 in 0..255 → (N, 1, side, side) uint8, bilinear."""
    import torch
    from torch.nn.functional import interpolate

    enlarged = interpolate(torch.from_numpy(images)[:, None], size=side, mode="bilinear", align_corners=False)
    return enlarged.round().clamp(0, 255).to(torch.uint8).numpy()
