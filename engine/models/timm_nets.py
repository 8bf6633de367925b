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
MAX_POOLS = ("maxpool", "stem.pool")  # where resnets keep the one after their first layer
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

    Raises ModelUnavailable in a sentence; never trains random weights where pretrained ones were asked for.
    """
    _require_known(settings)
    small = settings.small_stem and max(shape[1:]) <= SMALL_SIDE
    net = _created(settings, shape=shape, classes=classes, small=small)
    if small and not _has_patches(net):
        _put_small_stem(net, shape[0])
    return _parted(net, settings.name, shape)


def _require_known(settings: Timm) -> None:
    import timm  # takes seconds, and small nets do without

    name = settings.name
    if ":" in name:  # hf-hub:… and local-dir:… name a place
        return
    if not timm.is_model(name):
        close = difflib.get_close_matches(name.split(".")[0], timm.list_models(), n=3, cutoff=0.4)
        known = f"the closest are {', '.join(close)}" if close else "timm.list_models() lists them"
        raise ModelUnavailable(f"model.name must be a net of timm; got {name!r}; {known}")
    if settings.pretrained and not timm.models.is_model_pretrained(name):
        tags = ", ".join(timm.list_pretrained(f"{name.split('.')[0]}.*")) or "none"
        raise ModelUnavailable(
            f"timm has no weights for {name}; set model.pretrained=false or take a net that has some (of its "
            f"kind: {tags})"
        )


def _created(settings: Timm, *, shape: tuple[int, int, int], classes: int, small: bool) -> Any:
    """Asks timm for the net, telling it the size of images and patches where it wants to know."""
    import timm

    wanted: dict[str, Any] = {"pretrained": settings.pretrained, "in_chans": shape[0], "num_classes": classes}
    side: dict[str, Any] = {"img_size": shape[1:]}
    patch: dict[str, Any] = {"patch_size": _patch(shape)} if small else {}
    for sizes in ({**side, **patch}, side, {}):
        try:
            return timm.create_model(settings.name, **wanted, **sizes)
        except Exception as error:  # a download, a file and a net each fail in types of their own
            if not sizes or not isinstance(error, TypeError):  # of that type where a net takes no such size
                raise ModelUnavailable(_way_to_the_net(settings, error)) from error
    raise AssertionError("the last attempt returns or raises")


def _way_to_the_net(settings: Timm, error: Exception) -> str:
    if not settings.pretrained or ":" in settings.name:
        return f"timm cannot make {settings.name}; {_first_line(error)}"
    command = f"python -c \"import timm; timm.create_model('{settings.name}', pretrained=True)\""
    return (
        f"the weights of {settings.name} could not be fetched; on a machine with a network run {command} and "
        "bring the folder it fills (HF_HOME, else ~/.cache/huggingface) here, or set model.pretrained=false "
        f"(the reason was: {_first_line(error)})"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _patch(shape: tuple[int, int, int]) -> int:
    """The largest patch that parts the side evenly into at least seven, or 1."""
    side = math.gcd(*shape[1:])
    most = max(side // TOKENS_A_SIDE, 1)
    return max(patch for patch in range(1, most + 1) if side % patch == 0)


def _has_patches(net: Any) -> bool:
    """Whether timm made the net for a given grid of patches, which another first layer would not fit."""
    embedding = next((getattr(net, name) for name in ("patch_embed", "stem") if hasattr(net, name)), None)
    return hasattr(embedding, "grid_size")


def _put_small_stem(net: Any, channels: int) -> None:
    """Replaces a first convolution that shrinks the image by 3 x 3 at stride 1; drops a max pool after it."""
    name = net.default_cfg.get("first_conv")
    first = net.get_submodule(name) if isinstance(name, str) else None
    if not isinstance(first, nn.Conv2d) or max(first.stride) == 1:
        return
    wide = nn.Conv2d(channels, first.out_channels, 3, padding=1, bias=first.bias is not None)
    nn.init.kaiming_normal_(wide.weight, mode="fan_out", nonlinearity="relu")
    net.set_submodule(name, wide)
    for path, _ in [*net.named_modules()]:
        if path in MAX_POOLS:
            net.set_submodule(path, nn.Identity())


@torch.no_grad()
def _parted(net: Any, name: str, shape: tuple[int, int, int]) -> Classifier:
    """Takes the classifier out of the net, after checking on a blank image that this changes no logit."""
    blank = torch.zeros(1, *shape)
    layer, trunk = net.get_classifier(), _Trunk(net)
    net.eval()
    try:
        logits, features = net(blank), trunk(blank)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ModelUnavailable(
            f"{name} cannot take images of {shape[1]} x {shape[2]} pixels ({_first_line(error)}); try "
            "model.small_stem=false, or choose model.kind=resnet8 or the timm net resnet18, which take "
            "images from 8 pixels on"
        ) from error
    head = _head(layer, features)
    if head is None or not torch.allclose(head(features), logits, rtol=1e-3, atol=1e-4):
        raise ModelUnavailable(
            f"{name} does not classify by one layer on its features; choose another net, such as resnet18"
        )
    places = [path for path, module in net.named_modules() if module is layer]
    net.set_submodule(places[0], nn.Identity())
    return Classifier(trunk, head, features.shape[1]).train()


def _head(layer: Any, features: Tensor) -> nn.Module | None:
    """The layer as a head of features (B, D); some nets keep a 1 x 1 convolution. None where it is none."""
    if features.ndim != 2 or not isinstance(layer, nn.Module):
        return None
    if isinstance(layer, nn.Conv2d):
        return nn.Sequential(nn.Unflatten(1, (features.shape[1], 1, 1)), layer, nn.Flatten())
    return layer if isinstance(layer, nn.Linear) else None
