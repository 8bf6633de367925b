"""The recorder: what an epoch used, measured and learned, as one part in the store.

Which moment each value belongs to is decided here and nowhere else: selection, strength, weight and operation
are what the epoch used; losses and predictions what it measured; influence to score what is known after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from engine.clean import CleanPass
from engine.density import Neighbours
from engine.maps import Map
from engine.observed import Observations
from engine.selection import Selection
from engine.signals import Signals
from engine.task import Recorder


class Probed(NamedTuple):
    """The clean pass over all samples at the end of an epoch, and what it was for."""

    passed: CleanPass | None  # None where none was due
    refreshes: bool  # features were due; else the pass was the clean probe's alone
    agreement: float  # rank correlation of changes at visits and in clean passes; NaN where it is unknown


@dataclass(frozen=True)
class Epoch:
    """One finished epoch."""

    epoch: int
    selection: Selection
    strengths: ndarray  # (N,)
    operations: ndarray  # (M,) uint8, of the selected samples
    seen: Observations
    signals: Signals  # as known after the epoch
    probed: Probed
    neighbours: Neighbours
    jaccard: float  # of the sets kept by the index's and by exact distances; NaN where none is kept by them
    drawn: Map | None
    learning_rate: float
    test: CleanPass | None
    validation: CleanPass | None
    seconds: Mapping[str, float]  # by phase
    seconds_total: float


def history_columns(done: Epoch) -> dict[str, ndarray]:
    """Returns the columns of history, (N,) each in id order; NaN or masked where a value is not known."""
    samples, ids, seen = len(done.signals), done.selection.ids, done.seen
    selected = np.zeros(samples, bool)
    selected[ids] = True
    known, featureless = done.signals, done.signals.feature_epoch < 0
    clean, nothing = done.probed.passed, np.full(samples, np.nan, np.float32)
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
        "clean_loss": clean.losses if clean else nothing,
        "clean_correct": clean.correct if clean else nothing,
        "influence": known.influence,
        "variance": known.variance,
        "neighbour_distance": known.neighbour_distance,
        "density": known.density,
        "rarity": known.rarity,
        "score": known.score,
        "feature_age": np.ma.masked_array(done.epoch - known.feature_epoch, featureless),
        "feature_clean": np.ma.masked_array(known.feature_clean, featureless),
    }


def metrics(done: Epoch, *, seconds_record: float) -> dict[str, float]:
    """Returns the columns of metrics, NaN where unknown; seconds_record: of writing the epoch before."""
    kept, samples = len(done.selection.ids), len(done.signals)
    stepped = 0 if np.isnan(done.seen.losses_after).all() else len(done.seen.ids)
    passed = 0 if done.probed.passed is None else samples
    feature_epoch = done.signals.feature_epoch
    ages = done.epoch - feature_epoch[feature_epoch >= 0]
    return {
        "kept": kept,
        "kept_share": kept / samples,
        "learning_rate": done.learning_rate,
        "mean_loss": float(done.seen.losses.mean()),
        "train_accuracy": float(done.seen.correct.mean()),
        **_accuracy("test", done.test),
        **_accuracy("validation", done.validation),
        "samples_forwarded": kept + stepped + passed,
        "samples_probed": stepped + (0 if done.probed.refreshes else passed),
        "samples_backpropagated": kept,
        **_seconds(done),
        "seconds_record": seconds_record,
        "recall": done.neighbours.recall,
        "jaccard": done.jaccard,
        "exact_seconds": done.neighbours.seconds_exact,
        "clean_agreement": done.probed.agreement,
        "feature_age": float(ages.mean()) if len(ages) else np.nan,
        "map_trust": done.drawn.trust if done.drawn else np.nan,
        "map_movement": done.drawn.movement if done.drawn else np.nan,
    }


def record(done: Epoch, recorder: Recorder, metrics: dict[str, float]) -> None:
    """Writes the epoch's map, then its part, whose appearance says that the epoch is complete."""
    if done.drawn:
        recorder.write_map(
            done.epoch,
            sample_ids=done.drawn.sample_ids,
            positions=done.drawn.positions,
            neighbours=done.drawn.neighbours,
        )
    recorder.write_epoch(done.epoch, history_columns(done), metrics)


def _seconds(done: Epoch) -> dict[str, float]:
    """Where the time of the epoch went.

    seconds_check is what comparing with exact neighbours took: recall, and the kept sets where they were
    compared.
    """
    spent = {phase: done.seconds.get(phase, 0.0) for phase in ("train", "probe", "features", "map", "test")}
    found = done.neighbours.seconds_index + done.neighbours.seconds_query
    checking = done.seconds.get("check", 0.0) + max(done.seconds.get("neighbours", 0.0) - found, 0.0)
    return {
        "seconds": done.seconds_total,
        **{f"seconds_{phase}": seconds for phase, seconds in spent.items()},
        "seconds_index": done.neighbours.seconds_index,
        "seconds_query": done.neighbours.seconds_query,
        "seconds_check": checking,
    }


def _accuracy(part: str, passed: CleanPass | None) -> dict[str, float]:
    """Mean loss and share correct of held-out images; NaN where there are none."""
    unknown = float("nan")
    return {
        f"{part}_loss": float(passed.losses.mean()) if passed else unknown,
        f"{part}_accuracy": float(passed.correct.mean()) if passed else unknown,
    }


def _spread(samples: int, ids: ndarray, values: ndarray) -> ndarray:
    """Puts values (V,) at ids (V,) of (N,) of the same type; NaN elsewhere, masked where there is no NaN."""
    if values.dtype.kind == "f":
        column = np.full(samples, np.nan, values.dtype)
    else:
        column = np.ma.masked_array(np.zeros(samples, values.dtype), mask=True)
    column[ids] = values
    return column
