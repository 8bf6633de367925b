"""What a run will cost, before it begins: samples from its settings, seconds from what runs here have taken.

Samples follow from the settings alone. Seconds are only said where a finished run on this machine trained the
same net on images of the same size; a guess would be believed.
"""

import math
import os
import platform
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pandas import DataFrame

from engine.config import RunConfig
from engine.selection import kept_count
from engine.selection.budget import BudgetSettings, RankedSettings, in_full_tail
from engine.selection.infobatch import InfoBatch

# Training samples, classes and pixels a side of the sets whose size does not depend on a person's files.
_KNOWN = {
    "digits": (1_437, 10, 16),
    "fashion_mnist": (60_000, 10, 28),
    "cifar10": (50_000, 10, 32),
    "cifar100": (50_000, 100, 32),
}
_BACKWARD = 2.0  # forward passes that a backward one costs, as is usual: gradients of weights and of inputs


@dataclass(frozen=True)
class Past:
    """A finished run: its settings as they were stored, what it said of itself, and its metrics."""

    config: Mapping[str, Any]
    about: Mapping[str, Any]
    metrics: DataFrame


@dataclass(frozen=True)
class Estimate:
    """What one run will cost; ranges where chance decides; None where it is not known.

    forwarded and backpropagated: (fewest, most) samples.
    """

    samples: int
    forwarded: tuple[int, int]
    backpropagated: tuple[int, int]
    seconds: float | None


def estimate(config: RunConfig, past: Iterable[Past]) -> Estimate | None:
    """Returns what a run will cost; None where the size of its training set is not known."""
    past = list(past)
    samples = training_samples(config, past)
    if samples is None:
        return None
    kept = [_kept(config, epoch, samples) for epoch in range(config.epochs)]
    fewest, most = (sum(counts[end] for counts in kept) for end in (0, 1))
    again = 2 if config.influence.probe == "step" else 1
    asked = samples * sum(_is_asked(config, epoch) for epoch in range(config.epochs))
    forwarded = (again * fewest + asked, again * most + asked)
    rate = _seconds_a_pass(config, past)
    seconds = None if rate is None else rate * (_mean(forwarded) + _BACKWARD * (fewest + most) / 2)
    return Estimate(samples, forwarded, (fewest, most), seconds)


def training_samples(config: RunConfig, past: Iterable[Past]) -> int | None:
    """Returns N: of a run on the same data, else from the known size of the set; None without either."""
    for run in past:
        if _data_of(run.config) == _data_of(config.model_dump(mode="json")) and run.about.get("n"):
            return int(run.about["n"])
    if config.source.kind not in _KNOWN:
        return None
    whole, classes, _ = _KNOWN[config.source.kind]
    left = whole * config.subset.share * _tail_share(config, classes)
    return max(1, round(left * (1 - config.validation)))


def _kept(config: RunConfig, epoch: int, samples: int) -> tuple[int, int]:
    """Returns the fewest and the most samples that an epoch trains on."""
    strategy = config.strategy
    if isinstance(strategy, BudgetSettings):
        if epoch < strategy.warmup_epochs or in_full_tail(epoch, config.epochs, strategy.full_tail):
            return samples, samples
        kept = kept_count(strategy.share(epoch, config.epochs), samples)
        return (1 if _has_thresholds(strategy) else kept), kept
    if (
        isinstance(strategy, InfoBatch)
        and epoch
        and not in_full_tail(epoch, config.epochs, strategy.full_tail)
    ):
        return round(samples * (1 - strategy.drop_chance)), samples
    return samples, samples


def _has_thresholds(strategy: BudgetSettings) -> bool:
    """Says whether an epoch may keep fewer than its share."""
    return isinstance(strategy, RankedSettings) and (strategy.min_consistency > 0 or strategy.max_rarity < 1)


def _is_asked(config: RunConfig, epoch: int) -> bool:
    """Says whether an epoch ends with a clean pass over all samples."""
    probes = config.influence.probe == "clean" and epoch % config.influence.probe_every == 0
    return probes or config.refreshes(epoch)


def _tail_share(config: RunConfig, classes: int) -> float:
    """Returns the share of equal classes that a long tail leaves."""
    factor = float(getattr(config.tail, "factor", 1))
    if config.tail.kind == "exponential":
        return sum(factor ** (-k / max(classes - 1, 1)) for k in range(classes)) / classes
    if config.tail.kind == "step":
        thinned = classes // 2
        return (classes - thinned + thinned / factor) / classes
    return 1.0


def _seconds_a_pass(config: RunConfig, past: Iterable[Past]) -> float | None:
    """Returns the seconds of one sample's forward pass: the median epoch of comparable runs.

    A median, because the first map compiles for many seconds and would rule a short run.
    """
    wanted = config.model_dump(mode="json")
    rates: list[float] = []
    for run in past:
        here = run.about.get("platform") == platform.platform() and run.about.get("cores") == os.cpu_count()
        alike = (
            run.config.get("model") == wanted["model"] and run.config.get("compile", False) == config.compile
        )
        if not (here and alike and len(run.metrics) and _side_of(run.about) == _side(config, past)):
            continue
        spent = run.metrics
        passes = spent["samples_forwarded"] + _BACKWARD * spent["samples_backpropagated"]
        found = spent["seconds"] / passes.where(passes > 0)
        rates.extend(found[found.map(math.isfinite)])
    return statistics.median(rates) if rates else None


def _side(config: RunConfig, past: Iterable[Past]) -> int | None:
    """Returns the pixels a side of what a run trains on."""
    given = getattr(config.source, "side", 0)
    if given:
        return int(given)
    wanted = config.source.model_dump(mode="json")
    same = next((run.about for run in past if run.config.get("source") == wanted), None)
    return _side_of(same) if same else _KNOWN.get(config.source.kind, (0, 0, None))[2]


def _side_of(about: Mapping[str, Any]) -> int | None:
    shape = about.get("shape") or [None]
    return shape[-1]


def _data_of(config: Mapping[str, Any]) -> tuple[Any, ...]:
    defaults = RunConfig().model_dump(mode="json")
    return tuple(config.get(name, defaults[name]) for name in ("source", "subset", "tail", "validation"))


def _mean(ends: tuple[int, int]) -> float:
    return sum(ends) / 2
