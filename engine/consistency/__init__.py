"""Agreement of image and label: the contract of an image-text encoder, and all that can be chosen.

Importing this loads nothing that trains, so that the app can offer the choice.
"""

from typing import Protocol

from numpy import ndarray

from engine.consistency.settings import NoConsistency, Offline, OpenClip
from engine.progress import Report
from engine.settings import Settings

ENCODERS: tuple[type[Settings], ...] = (Offline, OpenClip, NoConsistency)  # in the order on screen


class Encoder(Protocol):
    """Embeds images and texts in one space, where the cosine says how well they agree."""

    name: str  # for people, with the checkpoint

    def embed_images(self, images: ndarray, report: Report) -> ndarray:
        """Returns (N, D) float32, each row of length 1, of (N, C, H, W) uint8 with 1 or 3 channels."""
        ...

    def embed_texts(self, texts: list[str]) -> ndarray:
        """Returns (K, D) float32, each row of length 1."""
        ...
