"""Label noise: wrong labels at a known rate, so that what finds them can be held to account.

The true labels are kept apart and never shown to training.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from numpy import ndarray
from pydantic import BeforeValidator, Field

from engine.datasets import Dataset, strata
from engine.settings import Settings

# The confusions of CIFAR-10 that the literature uses since Patrini et al. 2017 (arXiv 1609.03683).
CIFAR10_PAIRS = {
    "truck": "automobile",
    "bird": "airplane",
    "deer": "horse",
    "cat": "dog",
    "dog": "cat",
}


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
        _require_two(classes)
        flipped = rng.permutation(samples)[: round(self.share * samples)]
        labels = dataset.labels.copy()
        labels[flipped] = (labels[flipped] + rng.integers(1, classes, len(flipped))) % classes
        return replace(dataset, labels=labels, true_labels=dataset.labels)


def _parted(pairs: object) -> object:
    """Text is "cat=dog, dog=cat", as a form and a command line give it."""
    if isinstance(pairs, str):
        parts = (pair.partition("=") for pair in pairs.split(",") if pair.strip())
        return {name.strip(): other.strip() for name, _, other in parts}
    return pairs


class AsymmetricNoise(Settings):
    """Mistakes classes for those they are alike: a share of each gets the label of its partner."""

    kind: Literal["asymmetric"] = "asymmetric"
    share: float = Field(
        0.1, ge=0, lt=1, description="share of the labels of the classes that have a partner, made wrong"
    )
    pairs: Annotated[dict[str, str], BeforeValidator(_parted)] = Field(
        {},
        description="class=class it is taken for, with commas between; empty: CIFAR-10's usual pairs, "
        "else the next class",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="which ones: fixed apart from the run's seed")

    def corrupt(self, dataset: Dataset) -> Dataset:
        """Returns the data set with exactly round(share * M) wrong labels, M samples having a partner."""
        partners = partners_of(dataset.class_names, self.pairs)
        paired = np.flatnonzero(partners[dataset.labels] != dataset.labels)
        sizes = np.bincount(dataset.labels[paired], minlength=len(partners))
        counts = strata.apportioned(sizes, round(self.share * len(paired)))
        flipped = strata.drawn(dataset.labels, counts, np.random.default_rng(self.seed))
        labels = dataset.labels.copy()
        labels[flipped] = partners[labels[flipped]]
        return replace(dataset, labels=labels, true_labels=dataset.labels)


def partners_of(names: tuple[str, ...], pairs: Mapping[str, str]) -> ndarray:
    """Returns (K,) int64: the class that each class is taken for, itself where it has no partner.

    Raises ValueError for a name that is no class, and for a single class.
    """
    _require_two(len(names))
    if not pairs and set(CIFAR10_PAIRS) | set(CIFAR10_PAIRS.values()) <= set(names):
        pairs = CIFAR10_PAIRS
    if not pairs:
        return (np.arange(len(names)) + 1) % len(names)
    partners = np.arange(len(names))
    numbers = {name: label for label, name in enumerate(names)}
    for name, other in pairs.items():
        if name not in numbers or other not in numbers or name == other:
            known = ", ".join(names)
            raise ValueError(
                f"noise.pairs must map a class to another class ({known}); got {name!r} to {other!r}"
            )
        partners[numbers[name]] = numbers[other]
    return partners


def _require_two(classes: int) -> None:
    if classes < 2:
        raise ValueError("noise must have two classes or more to confuse; set noise.kind=none")
