"""What one epoch saw of each sample, gathered on the device without waiting for it.

One buffer as long as the data set for each measurement and one indexed write a step; a copy to the host once
an epoch. A `.item()` in the loop would cost up to a third of a step.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from engine.distributed import World
from engine.influence import Answers, InfluenceSettings


class Observations(NamedTuple):
    """What was measured of the V samples visited in an epoch, in the order of their ids."""

    ids: ndarray  # (V,) int64, ascending
    losses: ndarray  # (V,) float32, nats
    confidences: ndarray  # (V,) float32, probability of the label
    margins: ndarray  # (V,) float32, logit of the label minus the best other; NaN where there is none
    predictions: ndarray  # (V,) int64
    correct: ndarray  # (V,) bool
    entropies: ndarray  # (V,) float32, of the probabilities, 0 certain to 1 uniform
    features: ndarray  # (V, D) float32
    probabilities: ndarray  # (V, K) float16; (V, 0) where the proxy needs none
    losses_after: ndarray  # (V,) float32, of the same view after the update; NaN without the step probe
    probabilities_after: ndarray  # (V, K) or (V, 0) float16

    @property
    def answers(self) -> Answers:
        """What the model answered when it was trained on the samples."""
        return Answers(self.losses, self.probabilities)

    @property
    def answers_after(self) -> Answers:
        """What it answered right after that update."""
        return Answers(self.losses_after, self.probabilities_after)


class Observed:
    """Buffers for N samples, empty until add; rows of samples not added are left out of collect."""

    def __init__(
        self, samples: int, *, width: int, classes: int, settings: InfluenceSettings, device: torch.device
    ) -> None:
        columns = 0 if settings.proxy == "loss" else classes
        after = columns if settings.probe == "step" else 0

        def empty(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(samples, *shape, dtype=dtype, device=device)

        self._seen = empty(dtype=torch.int32)
        self._losses, self._confidences, self._margins, self._entropies = empty(), empty(), empty(), empty()
        self._losses_after = empty().fill_(0 if settings.probe == "step" else torch.nan)
        self._predictions = empty(dtype=torch.int64)
        self._correct = empty(dtype=torch.int32)
        self._features = empty(width)
        self._probabilities, self._probabilities_after = empty(columns), empty(after)

    @torch.no_grad()
    def add(self, ids: Tensor, losses: Tensor, logits: Tensor, features: Tensor, labels: Tensor) -> None:
        """Notes one batch: ids, losses, labels (B,), logits (B, K), features (B, D)."""
        logs = logits.float().log_softmax(1)
        own = labels[:, None]
        of_label = logs.gather(1, own).squeeze(1)
        best_other = logs.scatter(1, own, -torch.inf if logs.shape[1] > 1 else torch.nan).amax(1)
        predictions = logs.argmax(1)
        probabilities = logs.exp()
        self._seen[ids] = 1
        self._losses[ids] = losses.detach().float()
        self._confidences[ids] = of_label.exp()
        self._margins[ids] = of_label - best_other
        self._entropies[ids] = -(probabilities * logs).nansum(1) / math.log(max(logs.shape[1], 2))
        self._predictions[ids] = predictions
        self._correct[ids] = (predictions == labels).int()
        self._features[ids] = features.detach().float()
        if self._probabilities.shape[1]:
            self._probabilities[ids] = probabilities

    @torch.no_grad()
    def add_after(self, ids: Tensor, losses: Tensor, logits: Tensor) -> None:
        """Notes the answers to the same views after the update: ids, losses (B,), logits (B, K)."""
        self._losses_after[ids] = losses.float()
        if self._probabilities_after.shape[1]:
            self._probabilities_after[ids] = logits.float().softmax(1)

    def collect(self, world: World) -> Observations:
        """Puts together what all processes saw, and copies the rows of the visited samples to the host."""
        ids = world.total(self._seen).nonzero().squeeze(1)

        def rows(buffer: Tensor) -> ndarray:
            return np.asarray(world.total(buffer)[ids].cpu())

        return Observations(
            ids=np.asarray(ids.cpu()),
            losses=rows(self._losses),
            confidences=rows(self._confidences),
            margins=rows(self._margins),
            predictions=rows(self._predictions),
            correct=rows(self._correct).astype(bool),
            entropies=rows(self._entropies),
            features=rows(self._features),
            probabilities=rows(self._probabilities).astype(np.float16),
            losses_after=rows(self._losses_after),
            probabilities_after=rows(self._probabilities_after).astype(np.float16),
        )
