"""What is fixed of a person's own samples, checked before a run is made of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy import ndarray


class Numbered:
    """A data set that puts each sample's id in front of what it gives: (id, image, label)."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, sample_id: int) -> tuple[Any, ...]:
        """Returns the id and the parts of one sample."""
        given = self._dataset[sample_id]
        return (sample_id, *given) if isinstance(given, tuple | list) else (sample_id, given)


class OwnSamples(NamedTuple):
    """N samples of a person's own."""

    labels: ndarray  # (N,) int64, from 0
    class_names: tuple[str, ...]
    true_labels: ndarray  # (N,) float64, NaN where nobody knows
    consistency: ndarray  # (N,) float32, 0 to 1, NaN unknown

    def columns(self) -> dict[str, ndarray]:
        """Returns the columns of the table samples."""
        return {
            "sample_id": np.arange(len(self.labels)),
            "label": self.labels,
            "true_label": self.true_labels,
            "consistency": self.consistency,
        }


def own_samples(
    labels: Any, class_names: Sequence[str] | None, true_labels: Any | None, consistency: Any | None
) -> OwnSamples:
    """Returns the samples of these labels (N,); classes are called by their numbers where they have no names.

    Raises ValueError naming what does not fit.
    """
    numbers = _numbers("labels", labels)
    samples = len(numbers)
    if samples < 2 or (numbers != np.floor(numbers)).any() or numbers.min() < 0:
        raise ValueError(f"labels must be two or more whole numbers from 0; got {numbers[:5].tolist()}")
    classes = max(int(numbers.max()) + 1, 2)
    names = tuple(map(str, range(classes))) if class_names is None else tuple(map(str, class_names))
    if len(names) < classes:
        raise ValueError(f"class_names must be at least {classes}, one a label; got {len(names)}")
    truth = _numbers("true_labels", true_labels, samples)
    if (truth >= len(names)).any():
        raise ValueError(f"true_labels must be from 0 to {len(names) - 1}; got {int(np.nanmax(truth))}")
    agreement = _numbers("consistency", consistency, samples)
    if ((agreement < 0) | (agreement > 1)).any():
        ends = f"{np.nanmin(agreement):g} to {np.nanmax(agreement):g}"
        raise ValueError(f"consistency must be from 0 to 1; got {ends}")
    return OwnSamples(numbers.astype(np.int64), names, truth, agreement.astype(np.float32))


def _numbers(name: str, values: Any | None, samples: int | None = None) -> ndarray:
    """Returns values as float64, (N,) where so many are due; NaN everywhere where there are none."""
    if values is None:
        return np.full(samples or 0, np.nan)
    array = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values
    numbers = np.asarray(array, np.float64)
    if numbers.ndim != 1 or (samples is not None and len(numbers) != samples):
        due = "(N,)" if samples is None else f"({samples},), one a label"
        raise ValueError(f"{name} must have the shape {due}; got {numbers.shape}")
    return numbers
