"""Synthetic runs with a failure planted: some of their columns replaced before they are written.

The runs are those of tests/synthetic, so that all that is not planted hangs together as it does without.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store.run import Run
from tests.synthetic import JOINT, make_run

SAMPLES = 60
EPOCHS = 12
IDS = np.arange(SAMPLES)
UNKNOWN = np.full(SAMPLES, np.nan)

Columns = Mapping[str, Any]


@dataclass(frozen=True)
class Plant:
    """What replaces a synthetic run's own columns: values, or functions of the epoch."""

    samples: Columns = field(default_factory=dict)
    history: Columns = field(default_factory=dict)
    metrics: Columns = field(default_factory=dict)
    settings: tuple[str, ...] = JOINT

    def run(self, root: Path, *, epochs: int = EPOCHS) -> Run:
        """Writes the run and returns it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", lambda _descriptor: None)  # nothing here must outlive a power cut
            patch.setattr(Run, "write_samples", self._writing_samples(Run.write_samples))
            patch.setattr(Run, "write_epoch", self._writing_epochs(Run.write_epoch))
            return make_run(root, samples=SAMPLES, epochs=epochs, settings=self.settings)

    def _writing_samples(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def write_samples(run: Run, columns: Columns, class_names: Any) -> Any:
            return write(run, {**columns, **self.samples}, class_names)

        return write_samples

    def _writing_epochs(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def write_epoch(run: Run, epoch: int, columns: Columns, metrics: Columns) -> Any:
            history = {name: _at(value, epoch) for name, value in self.history.items()}
            numbers = {name: _at(value, epoch) for name, value in self.metrics.items()}
            return write(run, epoch, {**columns, **history}, {**metrics, **numbers})

        return write_epoch


def kept(chosen: Any) -> Callable[[int], np.ndarray]:
    """Keeps all samples in epoch 0, then the chosen ones: (N,) booleans, or a function of the epoch."""
    return lambda epoch: np.ones(SAMPLES, bool) if epoch == 0 else np.asarray(_at(chosen, epoch))


def _at(value: Any, epoch: int) -> Any:
    return value(epoch) if callable(value) else value
