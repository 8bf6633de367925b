"""The recorder: what an epoch used, measured and learned, as one part in the store.

Which moment each value belongs to is decided here and nowhere else: selection, strength, weight and operation
are what the epoch used; losses and predictions what it measured; influence to score what is known after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy import ndarray

from engine.density import Neighbours
from engine.maps import Map
from engine.observed import Observations
from engine.selection import Selection
from engine.signals import Signals


class Recorder(Protocol):
    """Where epochs, maps and checkpoints go: a run of the store."""

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        ...

    def write_epoch(self, epoch: int, columns: dict[str, ndarray], metrics: dict[str, float]) -> object:
        """Commits one epoch."""
        ...

    def write_map(self, epoch: int, *, sample_ids: ndarray, positions: ndarray, neighbours: ndarray) -> None:
        """Writes the map of an epoch."""
        ...


@dataclass(frozen=True)
class Epoch:
    """One finished epoch."""

    epoch: int
    selection: Selection
    strengths: ndarray  # (N,)
    operations: ndarray  # (M,) uint8, of the selected samples
    seen: Observations
    signals: Signals  # as known after the epoch
    neighbours: Neighbours
    drawn: Map | None
    refreshed: int  # forward passes for fresh features
    learning_rate: float
    test_loss: float
    test_accuracy: float
    seconds: Mapping[str, float]  # by phase
    seconds_total: float


def sample_columns(done: Epoch) -> dict[str, ndarray]:
    """Returns the columns of history, (N,) each in id order; NaN where a value is not known."""
    samples, ids, seen = len(done.signals), done.selection.ids, done.seen
    selected = np.zeros(samples, bool)
    selected[ids] = True
    known = done.signals
    measured = seen.ids[np.isfinite(seen.losses)]  # elsewhere the influence is that of an earlier visit
    age = np.where(known.feature_epoch < 0, np.nan, done.epoch - known.feature_epoch)
    return {
        "sample_id": np.arange(samples),
        "selected": selected,
        "strength": np.where(selected, done.strengths, np.nan),
        "weight": _spread(samples, ids, done.selection.weights),
        "operation": _spread(samples, ids, done.operations),
        "loss": _spread(samples, seen.ids, seen.losses),
        "confidence": _spread(samples, seen.ids, seen.confidences),
        "margin": _spread(samples, seen.ids, seen.margins),
        "prediction": _spread(samples, seen.ids, seen.predictions),
        "correct": _spread(samples, seen.ids, seen.correct),
        "clean_loss": np.full(samples, np.nan),
        "clean_correct": np.full(samples, np.nan),
        "influence": _spread(samples, measured, known.influence[measured]),
        "variance": known.variance,
        "neighbour_distance": known.neighbour_distance,
        "density": known.density,
        "rarity": known.rarity,
        "score": known.score,
        "feature_age": age,
        "feature_clean": np.full(samples, np.nan),
    }


def metrics(done: Epoch, *, seconds_record: float) -> dict[str, float]:
    """Returns the columns of metrics; NaN where a value is not known."""
    kept, samples = len(done.selection.ids), len(done.signals)
    known = done.signals.feature_epoch >= 0
    return {
        "kept": kept,
        "kept_share": kept / samples,
        "learning_rate": done.learning_rate,
        "mean_loss": float(done.seen.losses.mean()),
        "train_accuracy": float(done.seen.correct.mean()),
        "test_loss": done.test_loss,
        "test_accuracy": done.test_accuracy,
        "validation_loss": np.nan,
        "validation_accuracy": np.nan,
        "samples_forwarded": kept + done.refreshed,
        "samples_probed": 0,
        "samples_backpropagated": kept,
        "seconds": done.seconds_total,
        "seconds_probe": 0.0,
        "seconds_train": done.seconds.get("train", 0.0),
        "seconds_features": done.seconds.get("features", 0.0),
        "seconds_index": done.neighbours.seconds_index,
        "seconds_query": done.neighbours.seconds_query,
        "seconds_map": done.seconds.get("map", 0.0),
        "seconds_test": done.seconds.get("test", 0.0),
        "seconds_record": seconds_record,
        "recall": done.neighbours.recall,
        "jaccard": np.nan,
        "exact_seconds": np.nan,
        "clean_agreement": np.nan,
        "feature_age": float((done.epoch - done.signals.feature_epoch[known]).mean())
        if known.any()
        else np.nan,
        "map_trust": done.drawn.trust if done.drawn else np.nan,
        "map_movement": done.drawn.movement if done.drawn else np.nan,
    }


def record(done: Epoch, recorder: Recorder, *, seconds_record: float) -> None:
    """Writes the epoch's map, then its part, whose appearance says that the epoch is complete."""
    if done.drawn:
        recorder.write_map(
            done.epoch,
            sample_ids=done.drawn.sample_ids,
            positions=done.drawn.positions,
            neighbours=done.drawn.neighbours,
        )
    recorder.write_epoch(done.epoch, sample_columns(done), metrics(done, seconds_record=seconds_record))


def _spread(samples: int, ids: ndarray, values: ndarray) -> ndarray:
    """Puts values (V,) at ids (V,) of (N,) float64; NaN elsewhere."""
    column = np.full(samples, np.nan)
    column[ids] = values
    return column
