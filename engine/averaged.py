"""Averaged weights: an exponential moving average of the net in training, which is what gets tested.

torch's AveragedModel counts its updates on the device and cannot let the decay grow with them without waiting
for it, and it averages counters of batches as if they were weights; hence these few lines.
"""

import copy
from typing import Any

import torch
from torch import Tensor

from engine.models.classifier import Classifier


class Averaged:
    """The net with averaged weights and averaged statistics of its norms.

    decay: share of the average that a step keeps, reached by (1 + steps) / (10 + steps) from below, lest the
    first weights, which are random, stay in it (as in TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, model: Classifier, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, model: Classifier) -> None:
        """Moves the average towards the weights of the net; counters are copied."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        pairs = list(zip(_tensors(self.model), _tensors(model), strict=True))
        weights = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([own for own, _ in weights], [new for _, new in weights], 1 - decay)
        for own, new in pairs:
            if not own.is_floating_point():
                own.copy_(new)
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Returns what a resumed run needs."""
        return {"model": self.model.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what state_dict returned."""
        self.model.load_state_dict(state["model"])
        self.steps = state["steps"]


def _tensors(model: Classifier) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
