"""Classifier: what the loop knows of any net, and where the chance inside a net comes from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor, nn

CHANNELS_LAST = "channels_last"
# Where the channels of images and weights lie in memory; the first is the plain choice.
LAYOUTS = {CHANNELS_LAST: torch.channels_last, "contiguous": torch.contiguous_format}


class Classifier(nn.Module):
    """A trunk to (B, width) features and a head from them to (B, K) logits."""

    def __init__(self, trunk: nn.Module, head: nn.Module, width: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.width = width
        self.layout = CHANNELS_LAST

    def arrange(self, layout: str) -> Self:
        """Lays weights, and from now on images, out in memory so: channels_last or contiguous."""
        self.layout = layout
        return self.to(memory_format=LAYOUTS[layout])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images: (B, C, H, W) normalised. Returns logits (B, K) and features (B, width)."""
        features = self.trunk(images.contiguous(memory_format=LAYOUTS[self.layout]))
        return self.head(features), features


@contextmanager
def chance_from(seed: int, *, device: torch.device) -> Iterator[None]:
    """Lets torch's global generator follow from the seed within the block, and puts it back afterwards.

    Initial weights, dropout and stochastic depth draw from it and accept no generator of their own.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
