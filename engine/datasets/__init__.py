"""What is trained on: the contract of a source, and the images and labels that it loads.

Images are one uint8 array, never changed, so that strength and ids are arguments of the augmentation instead
of state in loader workers.
"""

from dataclasses import dataclass
from typing import Protocol

from numpy import ndarray


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


class Source(Protocol):
    """Loads a data set."""

    def load(self) -> Dataset:
        """Returns the data set; the same settings load the same arrays."""
        ...
