"""Small runs with random rows, made through the store alone; every cell that can be unknown sometimes is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import reader
from store.run import Run
from store.schema import EPOCH_COLUMNS, METRIC_COLUMNS


class Rows:
    """Invents rows; the same epoch gives the same ones."""

    samples = 40
    classes = ("cat", "dog", "owl")

    def fixed(self, samples: int = samples) -> dict[str, Any]:
        """Labels in turn, every fifth of them wrong, every seventh truth unknown."""
        ids = np.arange(samples)
        label = ids % len(self.classes)
        true_label = np.where(ids % 5 == 0, (label + 1) % len(self.classes), label)
        consistency = np.random.default_rng(99).random(samples).astype(np.float32)
        return {
            "sample_id": ids,
            "label": label,
            "true_label": np.where(ids % 7 == 3, -1, true_label),
            "consistency": consistency,
        }

    def epoch(self, epoch: int, samples: int = samples, **given: Any) -> dict[str, Any]:
        """Random history of one epoch, three in ten cells unknown; given: columns to put in their place."""
        rng = np.random.default_rng(epoch)
        columns: dict[str, Any] = {"sample_id": np.arange(samples), "selected": rng.random(samples) < 0.6}
        for column in EPOCH_COLUMNS[3:]:
            unknown = rng.random(samples) < 0.3
            if column.type == "FLOAT":
                columns[column.name] = np.where(unknown, np.nan, rng.random(samples)).astype(np.float32)
            elif column.type == "BOOLEAN":
                columns[column.name] = np.ma.masked_array(rng.random(samples) < 0.5, unknown)
            else:
                columns[column.name] = np.where(unknown, np.nan, rng.integers(0, len(self.classes), samples))
        return columns | given

    def metrics(self, epoch: int) -> dict[str, float]:
        """Metrics that tell which epoch they are of; what a map tells is unknown."""
        metrics = {column.name: float(epoch) for column in METRIC_COLUMNS[1:]}
        return metrics | {"map_trust": np.nan, "map_movement": np.nan}

    def add(self, run: Run, epochs: int, samples: int = samples) -> None:
        """Writes the next epochs of a run."""
        first = run.last_epoch() + 1
        for epoch in range(first, first + epochs):
            run.write_epoch(epoch, self.epoch(epoch, samples), self.metrics(epoch))


@pytest.fixture(scope="module", autouse=True)
def fresh_reader() -> None:
    """Begins each file with a reader that knows no run: a session's thousands make it slow."""
    reader._reader.cache_clear()


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def make_run(tmp_path: Path, rows: Rows) -> Callable[..., Run]:
    """A function that makes a run with so many epochs."""

    def make(epochs: int = 0, samples: int = Rows.samples, config: dict[str, Any] | None = None) -> Run:
        run = Run.create(tmp_path / "runs", config or {"epochs": 10})
        run.write_samples(rows.fixed(samples), rows.classes)
        rows.add(run, epochs, samples)
        return run

    return make
