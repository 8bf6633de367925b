"""Any net of the timm library as a classifier that also returns its features.

Nets made for images of 224 pixels shrink small ones to a single point within their first layers, so those get
a first layer that keeps them whole, as is usual for CIFAR.
"""

import difflib
import math
from typing import Any

import torch
from torch import Tensor, nn

from engine.models.classifier import Classifier
from engine.models.settings import Timm

SMALL_SIDE = 64  # pixels: up to here a small stem is meant
TOKENS_A_SIDE = 7  # at least, so that a transformer has something to attend to


class ModelUnavailable(RuntimeError):
    """A net of timm that cannot be trained here; the message says what to do."""


class _Trunk(nn.Module):
    """All of a timm net but its classifier."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net: Any = net

    def forward(self, images: Tensor) -> Tensor:
        return self.net.forward_head(self.net.forward_features(images), pre_logits=True)


def timm_net(settings: Timm, *, shape: tuple[int, int, int], classes: int) -> Classifier:
    """Returns the net for images (C, H, W); new weights are drawn from torch's global generator.

    Raises ModelUnavailable in a sentence.
    """
    _require_known(settings.name)
    small = settings.small_stem and max(shape[1:]) <= SMALL_SIDE
    net = _created(settings, shape=shape, classes=classes, small=small)
    if small:
        _put_small_stem(net, shape[0])
    return _parted(net, settings.name, shape)


def _require_known(name: str) -> None:
    import timm

    if timm.is_model(name):
        return
    close = difflib.get_close_matches(name.split(".")[0], timm.list_models(), n=3, cutoff=0.4)
    known = f"the closest are {', '.join(close)}" if close else "timm.list_models() lists them"
    raise ModelUnavailable(f"model.name must be a net of timm; got {name!r}; {known}")


def _created(settings: Timm, *, shape: tuple[int, int, int], classes: int, small: bool) -> Any:
    """Asks timm for the net, telling it the size of the images where it wants to know."""
    import timm

    side = {"img_size": shape[1:]}
    patch = {"patch_size": _patch(shape)} if small else {}
    refusal: Exception | None = None
    for sizes in ({**side, **patch}, side, {}):
        try:
            return timm.create_model(
                settings.name, pretrained=settings.pretrained, in_chans=shape[0], num_classes=classes, **sizes
            )
        except TypeError as error:  # a net that takes no such size
            refusal = error
    raise ModelUnavailable(f"timm cannot make {settings.name}; {refusal}")


def _patch(shape: tuple[int, int, int]) -> int:
    """The largest patch that parts the side evenly into at least seven, or 1."""
    side = math.gcd(*shape[1:])
    most = max(side // TOKENS_A_SIDE, 1)
    return max(patch for patch in range(1, most + 1) if side % patch == 0)


def _put_small_stem(net: Any, channels: int) -> None:
    """Replaces a first convolution that shrinks the image by 3 x 3 at stride 1, and a max pool after it."""
    name = net.default_cfg.get("first_conv")
    if not isinstance(name, str) or hasattr(net, "pos_embed"):
        return
    first = net.get_submodule(name)
    if not isinstance(first, nn.Conv2d) or max(first.stride) == 1:
        return
    wide = nn.Conv2d(channels, first.out_channels, 3, padding=1, bias=first.bias is not None)
    nn.init.kaiming_normal_(wide.weight, mode="fan_out", nonlinearity="relu")
    net.set_submodule(name, wide)
    if isinstance(getattr(net, "maxpool", None), nn.Module):
        net.maxpool = nn.Identity()


@torch.no_grad()
def _parted(net: Any, name: str, shape: tuple[int, int, int]) -> Classifier:
    """Takes the classifier out of the net, after checking on a blank image that this changes no logit."""
    blank = torch.zeros(1, *shape)
    head, trunk = net.get_classifier(), _Trunk(net)
    net.eval()
    try:
        logits, features = net(blank), trunk(blank)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ModelUnavailable(
            f"{name} cannot take images of {shape[1]} x {shape[2]} pixels ({error}); choose model.kind "
            "resnet8 or the timm net resnet18, which take images from 8 pixels on"
        ) from None
    if features.ndim != 2 or not torch.allclose(head(features), logits, rtol=1e-3, atol=1e-4):
        raise ModelUnavailable(
            f"{name} does not classify by one layer on its features; choose another net, as resnet18"
        )
    places = [path for path, module in net.named_modules() if module is head]
    net.set_submodule(places[0], nn.Identity())
    return Classifier(trunk, head, features.shape[1]).train()
