"""What measures the agreement of image and label, and how its adapters are trained.

Importable without torch: the app shows and checks these settings.
"""

from typing import Annotated, Literal

from pydantic import Field

from engine.settings import Settings


class Adapters(Settings):
    """Small layers on both towers, trained on the run's own labels, each sample scored by others' (arXiv 2505.03809)."""

    kind: Literal["linear", "residual_mlp"] = Field("linear", description="shape of an adapter (ours)")
    epochs: int = Field(15, ge=1, le=200, description="passes over the embeddings (15 in the paper)")
    folds: int = Field(2, ge=2, le=20, description="parts of the data; each is scored by adapters of the others (ours)")


class Offline(Settings):
    """The two small pretrained towers that come as packages, for machines without weights."""

    kind: Literal["offline"] = "offline"
    adapters: Adapters = Field(Adapters(), description="what fits the towers to the data")


class OpenClip(Settings):
    """Any model of open_clip, by name and pretrained tag or local checkpoint."""

    kind: Literal["open_clip"] = "open_clip"
    model: str = Field("ViT-B-32", max_length=200, description="name of the model in open_clip")
    pretrained: str = Field(
        "laion2b_s34b_b79k", max_length=1000, description="tag of the weights, or the path of a local checkpoint"
    )
    adapters: Adapters = Field(Adapters(), description="what fits the towers to the data")


class NoConsistency(Settings):
    """Measures nothing; consistency stays empty."""

    kind: Literal["none"] = "none"


ConsistencySettings = Annotated[Offline | OpenClip | NoConsistency, Field(discriminator="kind")]
