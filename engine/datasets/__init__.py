"""What is trained on: the contract of a source, and the images and labels that it loads.

Images are one uint8 array, never changed, so that strength and ids are arguments of the augmentation instead
of state in loader workers. The array may be a file mapped into memory that is larger than the memory: nobody
copies or converts all of it, who needs all of it walks it in blocks.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy import ndarray

from engine.progress import Report


@dataclass(frozen=True)
class Dataset:
    """Training and test images with their labels; true_labels is set where label noise was added."""

    images: ndarray  # (N, C, H, W) uint8
    labels: ndarray  # (N,) int64, what training sees
    test_images: ndarray  # (M, C, H, W) uint8
    test_labels: ndarray  # (M,) int64
    class_names: tuple[str, ...]
    prompts: tuple[str, ...]  # templates with {} for the class name
    flip: bool  # a mirrored image keeps its class
    true_labels: ndarray | None = None  # (N,) int64, kept apart from training
    # Held out of the training set, (V, C, H, W) uint8 and (V,) int64; V = 0 where nothing is held out.
    validation_images: ndarray = field(default_factory=lambda: np.empty((0, 1, 1, 1), np.uint8))
    validation_labels: ndarray = field(default_factory=lambda: np.empty(0, np.int64))


class Source(Protocol):
    """Loads a data set."""

    def load(self, report: Report) -> Dataset:
        """Returns the data set; the same settings load the same arrays.

        report is called with the phase and the share done. Raises ValueError with a remedy where something
        is missing or broken.
        """
        ...


class Tail(Protocol):
    """Thins out classes."""

    def kept(self, labels: ndarray, classes: int) -> ndarray:
        """Returns the rows of labels (N,) 0..classes-1 that stay, in rising order."""
        ...


class Noise(Protocol):
    """Changes labels of the training set."""

    def corrupt(self, dataset: Dataset) -> Dataset:
        """Returns the data set with other labels; true_labels are set where they are known."""
        ...
