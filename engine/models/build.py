"""The net of a run: images to logits and features, with weights decided by the seed alone."""

import torch

from engine.models.classifier import Classifier, chance_from
from engine.models.settings import SmallNet, Timm
from engine.models.small import small_net
from engine.models.timm_nets import timm_net


def build(settings: SmallNet | Timm, *, shape: tuple[int, int, int], classes: int, seed: int) -> Classifier:
    """Returns the net for images of this shape (C, H, W); the global generator is left as it was.

    Raises ModelUnavailable where timm knows no such net, has no weights of it, or it takes no such images.
    """
    with chance_from(seed, device=torch.device("cpu")):
        if isinstance(settings, SmallNet):
            return small_net(settings.kind, channels=shape[0], classes=classes)
        return timm_net(settings, shape=shape, classes=classes)
