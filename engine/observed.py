"""What one epoch saw of each sample, gathered on the device without waiting for it.

One buffer as long as the data set for each measurement and one indexed write a step; a copy to the host once
an epoch. A `.item()` in the loop would cost up to a third of a step.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor


class Observations(NamedTuple):
    """What was measured of the V samples visited in an epoch, in the order of their ids."""

    ids: ndarray  # (V,) int64, ascending
    losses: ndarray  # (V,) float32, nats
    confidences: ndarray  # (V,) float32, probability of the label
    margins: ndarray  # (V,) float32, logit of the label minus the best other
    predictions: ndarray  # (V,) int64
    correct: ndarray  # (V,) bool
    features: ndarray  # (V, D) float32


class Observed:
    """Buffers for N samples, empty until add; rows of samples not added are left out of collect."""

    def __init__(self, samples: int, width: int, device: torch.device) -> None:
        self._seen = torch.zeros(samples, dtype=torch.bool, device=device)
        self._losses, self._confidences, self._margins = torch.zeros(3, samples, device=device)
        self._predictions = torch.zeros(samples, dtype=torch.int64, device=device)
        self._correct = torch.zeros(samples, dtype=torch.bool, device=device)
        self._features = torch.zeros(samples, width, device=device)

    @torch.no_grad()
    def add(self, ids: Tensor, losses: Tensor, logits: Tensor, features: Tensor, labels: Tensor) -> None:
        """Notes one batch: ids, losses, labels (B,), logits (B, K), features (B, D)."""
        logits = logits.float()
        own = labels[:, None]
        of_label = logits.gather(1, own).squeeze(1)
        best_other = logits.scatter(1, own, -torch.inf).amax(1)
        predictions = logits.argmax(1)
        self._seen[ids] = True
        self._losses[ids] = losses.detach().float()
        self._confidences[ids] = (of_label - logits.logsumexp(1)).exp()
        self._margins[ids] = of_label - best_other
        self._predictions[ids] = predictions
        self._correct[ids] = predictions == labels
        self._features[ids] = features.detach().float()

    def collect(self) -> Observations:
        """Copies the rows of the visited samples to the host."""
        ids = self._seen.nonzero().squeeze(1)
        buffers = (
            self._losses,
            self._confidences,
            self._margins,
            self._predictions,
            self._correct,
            self._features,
        )
        return Observations(np.asarray(ids.cpu()), *(np.asarray(buffer[ids].cpu()) for buffer in buffers))
