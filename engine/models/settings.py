"""Which net is trained: settings alone, so that the app can show them without loading what trains."""

from typing import Literal

from pydantic import Field

from engine.settings import Settings


class SmallNet(Settings):
    """Trains a small net that two processor cores train in seconds."""

    kind: Literal["resnet8", "resnet8_wide", "air_xs", "air_s"] = Field(
        "resnet8",
        description="a ResNet of eight layers with 64 or, wide, 128 features, or a net after airbench",
    )


class Timm(Settings):
    """Trains any net of the timm library."""

    kind: Literal["timm"] = "timm"
    name: str = Field("resnet18", min_length=1, max_length=200, description="what timm calls the net")
    pretrained: bool = Field(False, description="start from timm's weights, fetched on first use")
    small_stem: bool = Field(
        True,
        description="first layer for images up to 64 pixels: 3 x 3 at stride 1 without max pool, or patches "
        "of an eighth of the side (ours); this layer then starts from random weights",
    )
