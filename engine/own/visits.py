"""Visits: what a person's own loop showed of the samples in one epoch, checked as it comes.

Such a loop may hand over anything, so shapes are compared at once. Ids that lie on an accelerator are judged
only when the epoch ends, since to look at them would make every step wait for it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import cross_entropy

from engine.distributed import World
from engine.influence import InfluenceSettings
from engine.observed import Observations, Observed

NAMED = 5  # wrong ids that a message names
USED = ("strengths", "weights")  # what an epoch used on a sample, where the loop says it


class Visits:
    """One epoch of N samples with labels (N,), on their device; width: of the features, 0 = none."""

    def __init__(self, labels: Tensor, *, classes: int, width: int, settings: InfluenceSettings) -> None:
        samples, device = len(labels), labels.device
        self.width = width
        self.rows = 0  # sample visits so far, repeated ones included
        self._labels, self._classes = labels, classes
        self._observed = Observed(samples, width=width, classes=classes, settings=settings, device=device)
        self._places = torch.zeros(samples, dtype=torch.int64, device=device)
        self._ends = torch.tensor([0, samples - 1], device=device)
        self._used = {name: torch.full((samples,), torch.nan, device=device) for name in USED}

    @torch.no_grad()
    def add(
        self, ids: Any, logits: Any, *, features: Any, losses: Any, used: Mapping[str, Any | None]
    ) -> None:
        """Notes one batch; of a sample that it holds twice, or that came before, the last visit counts.

        ids (B,), logits (B, K); features (B, D), losses (B,) and the values of used (B,), or None. Raises
        ValueError naming what does not fit.
        """
        unknown = [name for name in used if name not in USED]
        if unknown:
            raise ValueError(f"add takes {' and '.join(USED)} besides the measurements; got {unknown[0]}")
        ids = self._in_range(_ids(ids, self._labels.device))
        count = len(ids)
        logits = self._fitting("logits", logits, (count, self._classes))
        features = self._fitting("features", np.empty((count, 0)) if features is None else features,
                                 (count, self.width))  # fmt: skip
        labels = self._labels[ids]
        if losses is None:
            losses = cross_entropy(logits.float(), labels, reduction="none")
        losses = self._fitting("losses", losses, (count,))
        last = self._last_visit(ids)
        self._observed.add(ids, losses[last], logits[last], features[last], labels)
        for name, values in used.items():
            if values is not None:
                self._used[name][ids] = self._fitting(name, values, (count,)).float()[last]
        self.rows += count

    def collect(self) -> tuple[Observations, dict[str, ndarray]]:
        """Returns what was seen of the visited samples, and what was used, (N,) each and NaN where unknown.

        Raises ValueError where an id was none of a sample.
        """
        low, high = self._ends.tolist()
        if low < 0 or high >= len(self._labels):
            raise ValueError(f"{self._rule()}; got {low} to {high}")
        return self._observed.collect(World()), {
            name: np.asarray(values.cpu()) for name, values in self._used.items()
        }

    def _in_range(self, ids: Tensor) -> Tensor:
        """Returns the ids on the device; wrong ones are refused here, or noted and met at the end."""
        if not ids.is_cpu:
            self._ends[0].clamp_(max=ids.amin())
            self._ends[1].clamp_(min=ids.amax())
            return ids.clamp(0, len(self._labels) - 1)
        wrong = ids[(ids < 0) | (ids >= len(self._labels))].unique().tolist()
        if wrong:
            more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
            raise ValueError(f"{self._rule()}; got {', '.join(map(str, wrong[:NAMED]))}{more}")
        return ids.to(self._labels.device)

    def _last_visit(self, ids: Tensor) -> Tensor:
        """(B,) for each row the last row of the same sample, so that all columns keep the same visit."""
        order = torch.arange(len(ids), device=ids.device)
        self._places.scatter_reduce_(0, ids, order, "amax", include_self=False)
        return self._places[ids]

    def _fitting(self, name: str, values: Any, shape: tuple[int, ...]) -> Tensor:
        tensor = torch.as_tensor(values).detach().to(self._labels.device)
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} must have the shape {shape}; got {tuple(tensor.shape)}")
        return tensor

    def _rule(self) -> str:
        return f"ids must be rows of labels, from 0 to {len(self._labels) - 1}"


def _ids(ids: Any, device: torch.device) -> Tensor:
    """Returns ids (B,) as int64; those of the processor stay there, the others go to the device."""
    tensor = torch.as_tensor(ids)
    if tensor.ndim != 1 or not len(tensor):
        raise ValueError(f"ids must have the shape (B,), one a row of the batch; got {tuple(tensor.shape)}")
    if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool:
        raise ValueError(f"ids must be whole numbers; got {str(tensor.dtype).removeprefix('torch.')}")
    return tensor.long() if tensor.is_cpu else tensor.to(device, torch.int64)
