"""The settings of consistency: which image-text encoder measures it, and how its adapters are trained.

The app shows them as a form, so importing them loads nothing that trains.
"""

from typing import Annotated, Literal

from pydantic import Field

from engine.settings import Settings


class Adapters(Settings):
    """Small layers on both towers, trained with InfoNCE on the data at hand (arXiv 2505.03809).

    The defaults that are ours are the best of a small search on digits and CIFAR-10 with 10 to 40 % wrong
    labels.
    """

    kind: Literal["linear", "residual_mlp", "none"] = Field(
        "linear",
        description="one matrix a tower, a small net added to the embedding (ours), or none: the plain "
        "cosine of the towers, with nothing trained",
    )
    epochs: int = Field(15, ge=1, le=200, description="passes over the data; 15 in the paper")
    folds: int = Field(
        2, ge=2, le=20, description="each sample is scored by adapters trained without its fold (ours)"
    )
    batch_size: int = Field(128, ge=2, le=4096, description="pairs of image and label in a step (ours)")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="at the start of a cosine decay (ours)")
    temperature: float = Field(
        0.2, ge=0.01, le=10, description="divides the cosines; larger trusts a single label less (ours)"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="decides folds, first weights and order")


class Offline(Settings):
    """Two small pretrained towers that come as packages: nothing is downloaded."""

    kind: Literal["offline"] = "offline"
    adapters: Adapters = Field(Adapters(), description="how the towers are fitted to the data")


class OpenClip(Settings):
    """Any encoder that open_clip knows; its weights are fetched on first use or read from a file."""

    kind: Literal["open_clip"] = "open_clip"
    model: str = Field(
        "ViT-B-32",
        min_length=1,
        max_length=300,
        description="name in open_clip, or local-dir:FOLDER with open_clip_config.json and weights",
    )
    pretrained: str = Field(
        "laion2b_s34b_b79k",
        min_length=1,
        max_length=300,
        description="tag in open_clip, or the path of a checkpoint",
    )
    adapters: Adapters = Field(Adapters(), description="how the towers are fitted to the data")


class NoConsistency(Settings):
    """Measures nothing: consistency stays unknown."""

    kind: Literal["none"] = "none"


ConsistencySettings = Annotated[Offline | OpenClip | NoConsistency, Field(discriminator="kind")]
