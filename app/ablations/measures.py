"""What groups are compared by: every number that a run logs an epoch, and the mean and median of its signals.

A run is read as rows of epoch and value beside what it has spent up to then, so that the same measure can be
drawn by epoch or against its cost.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pandas import DataFrame

from app import cached, theme, wording
from app.ablations.groups import Group
from app.studies.members import Member
from store.schema import SIGNALS, column

DEFAULT = "test_accuracy"
FLIPPED = "flipped_kept"
# What curves can be drawn over, by the column that is summed up; "" is the epoch itself.
AXES: dict[str, str] = {
    "epoch": "",
    "backpropagated": "samples_backpropagated",
    "forwarded": "samples_forwarded",
    "seconds": "seconds",
}
AXIS_LABELS: dict[str, str] = {
    "epoch": "Epoch",
    "backpropagated": "Back-propagated samples",
    "forwarded": "Forwarded samples",
    "seconds": "Seconds",
}
_METRICS = (
    "test_accuracy", "validation_accuracy", "train_accuracy", "test_loss", "validation_loss", "mean_loss",
    "kept_share", "samples_backpropagated", "samples_forwarded", "seconds", "seconds_train", "learning_rate",
    "recall", "jaccard", "clean_agreement", "feature_age", "map_trust",
)  # fmt: skip
_SUMMARIES = {"mean": "mean", "median": "q50"}


@dataclass(frozen=True)
class Measure:
    """One number an epoch: what it is called and means, and whether it is read as a share or on decades."""

    key: str
    label: str
    meaning: str
    is_share: bool = False
    is_log: bool = False

    def write(self, value: float) -> str:
        """Writes a value as a person reads it."""
        return wording.percent(value) if self.is_share else wording.number(value)

    def write_interval(self, low: float, high: float) -> str:
        """Writes the ends of a band around a value, cut at what is possible."""
        return wording.interval(
            low, high, self.write, within=(0, 1) if self.is_share else (-math.inf, math.inf)
        )

    def write_difference(self, value: float) -> str:
        """Writes a difference of two values with its sign."""
        return wording.points(value) if self.is_share else wording.number(value, signed=True)


def offered(groups: Sequence[Group]) -> dict[str, Measure]:
    """Returns what these groups can be compared by: metrics that a run has measured, then signals."""
    members = [member for group in groups for member in group.members]
    found = [_of_metric(name) for name in _METRICS if any(_is_measured(member, name) for member in members)]
    if any(cached.noise_known(member.run) for member in members):
        found.append(
            Measure(FLIPPED, "Flipped among kept", "share of flipped labels among the kept samples", True)
        )
    found += [_of_signal(signal.name, summary) for signal in SIGNALS for summary in _SUMMARIES]
    return {measure.key: measure for measure in found}


def rows(group: Group, measure: Measure) -> DataFrame:
    """Returns run, seed, epoch, value and what was spent until then, by run and epoch; NaN is unknown.

    Columns of what was spent: backpropagated, forwarded, seconds (sums over the epochs so far).
    """
    values = _values(group, measure)
    found = []
    for member in group.members:
        own = member.metrics
        spent = {name: own[summed].fillna(0).cumsum() for name, summed in AXES.items() if summed}
        of_run = values.get(member.run.id, {})
        columns = {
            "run": member.run.id,
            "seed": member.config.get("seed"),
            "epoch": own["epoch"].astype(int),
            "value": [of_run.get(int(epoch), math.nan) for epoch in own["epoch"]],
        }
        found.extend(DataFrame({**columns, **spent}).to_dict("records"))
    return DataFrame(found, columns=["run", "seed", "epoch", "value", *list(AXES)[1:]])


def last(member: Member, name: str) -> float:
    """Returns a metric of the last recorded epoch; NaN where it was not measured."""
    return float(member.metrics[name].iloc[-1]) if len(member.metrics) else math.nan


def spent(member: Member, axis: str) -> float:
    """Returns what the run has spent on all its epochs: samples or seconds."""
    return float(member.metrics[AXES[axis]].sum())


def _values(group: Group, measure: Measure) -> dict[str, dict[int, float]]:
    """Returns the values by run and epoch."""
    signal, _, summary = measure.key.partition(".")
    if summary:
        stats = cached.stats_of([member.run for member in group.members], signal)
        return {
            str(run): _by_epoch(of_run, _SUMMARIES[summary])
            for run, of_run in stats.groupby("run", sort=False)
        }
    if measure.key == FLIPPED:
        return {
            member.run.id: _by_epoch(cached.kept_noise(member.run), "share_noisy_kept")
            for member in group.members
        }
    return {member.run.id: _by_epoch(member.metrics, measure.key) for member in group.members}


def _by_epoch(frame: DataFrame, name: str) -> dict[int, float]:
    return dict(zip(frame["epoch"].astype(int), frame[name].astype(float), strict=True))


def _is_measured(member: Member, name: str) -> bool:
    return name in member.metrics and bool(np.isfinite(member.metrics[name].to_numpy(float)).any())


def _of_metric(name: str) -> Measure:
    declared = column("metrics", name)
    is_share = name.endswith("accuracy") or name == "kept_share"
    label = declared.label if name != "seconds_train" else "Seconds of training"
    return Measure(name, label, declared.meaning, is_share)


def _of_signal(name: str, summary: str) -> Measure:
    declared = column("history", name)
    return Measure(
        f"{name}.{summary}",
        f"{declared.label}, {summary}",
        f"{summary} over the samples with a value of: {declared.meaning}",
        is_log=theme.scale(name) == "log",
    )
