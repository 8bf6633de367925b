"""Small nets, first-class here since two processor cores train them in seconds.

A ResNet of eight layers (arXiv 1512.03385), narrow and wide, and two nets after
KellerJordan/cifar10-airbench.
"""

import torch
from torch import Tensor, nn

from engine.models.classifier import Classifier

# Channels of the three stages; 78, 309, 73 and 295 thousand weights at three input channels and ten classes.
RESNET_WIDTHS = {"resnet8": (16, 32, 64), "resnet8_wide": (32, 64, 128)}
AIR_WIDTHS = {"air_xs": (24, 40, 48), "air_s": (32, 96, 96)}


def small_net(kind: str, *, channels: int, classes: int) -> Classifier:
    """Returns the small net of this kind; its weights are drawn from torch's global generator."""
    if kind in RESNET_WIDTHS:
        widths = RESNET_WIDTHS[kind]
        trunk = _resnet8(channels, widths)
    else:
        widths = AIR_WIDTHS[kind]
        trunk = _air(channels, widths)
    return Classifier(trunk, nn.Linear(widths[-1], classes), widths[-1])


class _Residual(nn.Module):
    """Two 3 x 3 convolutions beside a short cut (arXiv 1512.03385, option B)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        self.short_cut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.short_cut = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, images: Tensor) -> Tensor:
        hidden = torch.relu(self.first_norm(self.first(images)))
        return torch.relu(self.second_norm(self.second(hidden)) + self.short_cut(images))


def _resnet8(channels: int, widths: tuple[int, int, int]) -> nn.Sequential:
    first, second, third = widths
    return nn.Sequential(
        nn.Conv2d(channels, first, 3, padding=1, bias=False),
        nn.BatchNorm2d(first),
        nn.ReLU(),
        _Residual(first, first, 1),
        _Residual(first, second, 2),
        _Residual(second, third, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def _air(channels: int, widths: tuple[int, int, int]) -> nn.Sequential:
    stem = 24
    layers: list[nn.Module] = [nn.Conv2d(channels, stem, 2), nn.GELU()]
    before = stem
    for width in widths:
        layers += [
            nn.Conv2d(before, width, 3, padding=1, bias=False),
            nn.MaxPool2d(2, ceil_mode=True),  # images of 8 pixels keep one at the end
            nn.BatchNorm2d(width),
            nn.GELU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.GELU(),
        ]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
