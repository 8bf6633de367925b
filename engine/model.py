"""The nets: images to logits and features.

Small nets are first-class here, since two CPU cores train them in seconds: a ResNet of eight layers (arXiv
1512.03385) and two nets after KellerJordan/cifar10-airbench. Features are the penultimate activations.
"""

import torch
from torch import Tensor, nn

# Channels of the three stages; 73 and 295 thousand weights at three input channels and ten classes.
AIR_WIDTHS = {"air_xs": (24, 40, 48), "air_s": (32, 96, 96)}
RESNET8_WIDTHS = (16, 32, 64)


class Classifier(nn.Module):
    """A trunk to (B, width) features and a linear head to (B, K) logits."""

    def __init__(self, trunk: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.width = width
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images: (B, C, H, W) normalised. Returns logits (B, K) and features (B, width)."""
        features = self.trunk(images)
        return self.head(features), features


def build(name: str, *, channels: int, classes: int, seed: int) -> Classifier:
    """Returns the named net with weights decided by the seed alone.

    The global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "resnet8":
            return Classifier(_resnet8(channels), RESNET8_WIDTHS[-1], classes)
        widths = AIR_WIDTHS[name]
        return Classifier(_air(channels, widths), widths[-1], classes)


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


def _resnet8(channels: int) -> nn.Sequential:
    first, second, third = RESNET8_WIDTHS
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
