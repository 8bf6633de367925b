"""Optimizer and learning rate: how a step changes the weights, and how far it goes.

The learning rate is a function of the share of the run that is done, so a resumed run needs no scheduler's
memory.
"""

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from engine.optimizers import AdamW, Sgd

WARMUP_SHARE = {"one_cycle": 0.25, "cosine": 0.05}  # of the run, in which the rate climbs to its peak


def build(settings: Sgd | AdamW, parameters: Iterable[Parameter]) -> Optimizer:
    """Returns the optimizer of these parameters.

    Under SGD all of them decay; under AdamW those of one dimension, the norms' and the biases, do not.
    """
    if isinstance(settings, Sgd):
        return torch.optim.SGD(
            parameters,
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            nesterov=settings.momentum > 0,
        )
    every = list(parameters)
    groups = [
        {"params": [each for each in every if each.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [each for each in every if each.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.beta1, settings.beta2))


def learning_rate(schedule: Literal["one_cycle", "cosine"], peak: float, share: float) -> float:
    """Returns the learning rate at this share of the run, 0 to 1.

    Both schedules climb in a straight line and fall along a half cosine to 0: one_cycle climbs for the first
    quarter of the run, cosine for its first twentieth.
    """
    warmup = WARMUP_SHARE[schedule]
    if share < warmup:
        return peak * share / warmup
    return peak * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup))) / 2


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Sets the learning rate of the next step, in all groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def objective(losses: Tensor, logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Returns what training makes small for each sample, (B,) in nats.

    losses: (B,) the plain cross-entropy of logits (B, K) against labels (B,), which is also the answer
    without smoothing. With it a share of the target is spread over all classes (arXiv 1512.00567).
    """
    if smoothing == 0:
        return losses
    return cross_entropy(logits.float(), labels, reduction="none", label_smoothing=smoothing)
