"""Label noise: wrong labels at a known rate, so that what finds them can be held to account.

The true labels are kept apart and never shown to training.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from engine.datasets import Dataset
from engine.settings import Settings


class NoNoise(Settings):
    """Leaves the labels as they are."""

    kind: Literal["none"] = "none"

    def corrupt(self, dataset: Dataset) -> Dataset:
        """Returns the data set unchanged."""
        return dataset


class SymmetricNoise(Settings):
    """Gives a share of the training samples a wrong label, every other class equally likely."""

    kind: Literal["symmetric"] = "symmetric"
    share: float = Field(0.1, ge=0, lt=1, description="share of the training labels that are made wrong")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="which ones: fixed apart from the run's seed")

    def corrupt(self, dataset: Dataset) -> Dataset:
        """Returns the data set with exactly round(share * N) wrong labels and the true ones beside them."""
        rng = np.random.default_rng(self.seed)
        samples, classes = len(dataset.labels), len(dataset.class_names)
        flipped = rng.permutation(samples)[: round(self.share * samples)]
        labels = dataset.labels.copy()
        labels[flipped] = (labels[flipped] + rng.integers(1, classes, len(flipped))) % classes
        return replace(dataset, labels=labels, true_labels=dataset.labels)
