"""What a run has cost and what its selection saved: samples and seconds, never a bare ratio.

Saved is counted in back-propagated samples against a run of the same study that trained on everything, over
equal epochs; where there is none, against all samples in every epoch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pandas import DataFrame

from store.run import Status

# Epochs differ in cost while maps and refreshes come and go; so many of the last ones are averaged.
_EPOCHS_FOR_ETA = 5


@dataclass(frozen=True)
class Cost:
    """Sums over the recorded epochs, NaN where there are none; saved: share of what against says."""

    epochs: int
    forwarded: float
    backpropagated: float
    seconds: float
    saved: float
    against: str


def cost(metrics: DataFrame, *, samples: int | None, full: DataFrame | None = None) -> Cost:
    """Sums the metrics of one run.

    samples: N, None where it is unknown yet; full: the metrics of the study's run on everything.
    """
    epochs = len(metrics)
    if not epochs:
        return Cost(0, np.nan, np.nan, np.nan, np.nan, "")
    spent = float(metrics["samples_backpropagated"].sum())
    reference, against = _reference(epochs, samples=samples, full=full)
    return Cost(
        epochs=epochs,
        forwarded=float(metrics["samples_forwarded"].sum()),
        backpropagated=spent,
        seconds=float(metrics["seconds"].sum()),
        saved=1 - spent / reference if reference else np.nan,
        against=against,
    )


def seconds_left(metrics: DataFrame, status: Status) -> float:
    """Returns the seconds until the last epoch, from the recent ones; NaN before the first."""
    if not len(metrics) or not status.epochs:
        return float("nan")
    return epoch_seconds(metrics) * status.epochs * (1 - status.progress)


def epoch_seconds(metrics: DataFrame) -> float:
    """Returns the wall seconds of a recent epoch, its recording included."""
    return float(metrics[["seconds", "seconds_record"]].tail(_EPOCHS_FOR_ETA).sum(axis=1).mean())


def full_run(
    configs: Mapping[str, Mapping[str, object]], metrics: Mapping[str, DataFrame]
) -> DataFrame | None:
    """Returns the metrics of the study's run on everything with the most epochs; None where there is none.

    Both by run id.
    """
    full = [metrics[run_id] for run_id in everything(configs) if run_id in metrics]
    return max(full, key=len, default=None)


def everything(configs: Mapping[str, Mapping[str, object]]) -> Sequence[str]:
    """Returns the ids of the runs that train on every sample."""
    return [
        run_id
        for run_id, config in configs.items()
        if isinstance(strategy := config.get("strategy"), Mapping) and strategy.get("kind") == "everything"
    ]


def _reference(epochs: int, *, samples: int | None, full: DataFrame | None) -> tuple[float, str]:
    if full is not None and len(full) >= epochs:
        return float(full["samples_backpropagated"].head(epochs).sum()), "the full-data run at equal epochs"
    return (float(samples * epochs) if samples else 0.0), "all samples in every epoch"
