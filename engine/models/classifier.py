"""Classifier: what the loop knows of any net, and where the chance inside a net comes from."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """A trunk to (B, width) features and a head from them to (B, K) logits."""

    def __init__(self, trunk: nn.Module, head: nn.Module, width: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.width = width

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images: (B, C, H, W) normalised. Returns logits (B, K) and features (B, width)."""
        features = self.trunk(images)
        return self.head(features), features


@contextmanager
def chance_from(seed: int, *, device: torch.device) -> Iterator[None]:
    """Lets torch's global generator follow from the seed within the block, and puts it back afterwards.

    Initial weights, dropout and stochastic depth draw from it and accept no generator of their own.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
