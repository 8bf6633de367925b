"""How many samples an epoch may train on: what every strategy with a budget shares.

Share, schedule, warm-up and full tail live here once, so that two strategies with the same settings train on
equally many samples in every epoch and a comparison between them is one at equal budget.
"""

import math
from typing import Literal

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.selection import Selection, StrategySettings, draw_weighted, keep_all, kept_count, top
from engine.signals import Signals


class BudgetSettings(StrategySettings):
    """Trains on a share of the samples, which may change over the run; the rest stay candidates."""

    keep: float = Field(0.5, ge=0.01, le=1, description="share of the samples kept")
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant",
        description="how the share goes from 1 in the last warm-up epoch to keep in the last epoch before "
        "the full tail: at once, in equal steps, or along a half cosine (ours)",
    )
    warmup_epochs: int = Field(1, ge=0, le=1000, description="first epochs, on all samples")
    full_tail: float = Field(
        0.0, ge=0, le=1, description="share of the run's epochs, rounded down, that end it on all samples"
    )
    rescale: bool = Field(
        False,
        description="weighs each kept sample's loss by samples / kept, so that an epoch's gradients add up "
        "as if all were trained on; every step is larger by that factor",
    )

    def select(self, signals: Signals, epoch: int, *, epochs: int, rng: np.random.Generator) -> Selection:
        """Returns as many samples as this epoch's share allows; all of them in warm-up and full tail."""
        samples = len(signals)
        if epoch < self.warmup_epochs or in_full_tail(epoch, epochs, self.full_tail):
            return keep_all(samples)
        ids = self.chosen(signals, kept_count(self.share(epoch, epochs), samples), rng)
        weight = samples / len(ids) if self.rescale else 1.0
        return Selection(np.sort(ids), np.full(len(ids), weight, np.float32))

    def share(self, epoch: int, epochs: int) -> float:
        """Share of the samples that an epoch between warm-up and full tail keeps."""
        if self.schedule == "constant":
            return self.keep
        scheduled = epochs - full_tail_epochs(epochs, self.full_tail) - self.warmup_epochs
        passed = (epoch - self.warmup_epochs + 1) / scheduled
        fallen = passed if self.schedule == "linear" else (1 - math.cos(math.pi * passed)) / 2
        return 1 - (1 - self.keep) * fallen

    def chosen(self, signals: Signals, kept: int, rng: np.random.Generator) -> ndarray:
        """Returns the ids of so many samples, in any order; all of them where nothing is known to go by."""
        raise NotImplementedError(f"{type(self).__name__} must say which samples it chooses")


class RankedSettings(BudgetSettings):
    """Keeps samples by their score: the highest, or drawn with chances that grow with it."""

    draw: Literal["top", "gumbel"] = Field(
        "top",
        description="the highest scores, or a weighted draw without replacement (Gumbel top-k on log score)",
    )
    temperature: float = Field(
        1.0,
        ge=0.01,
        le=100,
        description="of the Gumbel draw, whose weights are score^(1/temperature): small is nearly the top, "
        "large nearly uniform (ours)",
    )
    min_consistency: float = Field(
        0.0,
        ge=0,
        le=1,
        description="between warm-up and full tail, samples whose consistency is known to be below it are "
        "never kept, even if fewer than the share are left; one always is (ours)",
    )
    max_rarity: float = Field(
        1.0,
        ge=0,
        le=1,
        description="in those epochs, samples whose rarity is known to be above it are never kept (ours)",
    )

    def chosen(self, signals: Signals, kept: int, rng: np.random.Generator) -> ndarray:
        """Returns ids by score, unknown ones last, ties by id; all of them before any score is known.

        Fewer where the thresholds leave fewer, and the first one where they leave none.
        """
        if np.isnan(signals.score).all():
            return np.arange(len(signals))
        samples = len(signals)
        if self.draw == "gumbel":
            order = draw_weighted(signals.score, samples, temperature=self.temperature, rng=rng)
        else:
            order = top(signals.score, samples)
        within = order[self.within_thresholds(signals.rarity, signals.consistency)[order]]
        return within[:kept] if len(within) else order[:1]

    def within_thresholds(self, rarity: ndarray, consistency: ndarray) -> ndarray:
        """Says which samples (N,) may be kept at all; an unknown value is within every threshold."""
        is_common = (
            rarity <= self.max_rarity if self.max_rarity < 1 else np.full(len(rarity), fill_value=True)
        )
        within: ndarray = (is_common | np.isnan(rarity)) & ~(consistency < self.min_consistency)
        return within


def full_tail_epochs(epochs: int, full_tail: float) -> int:
    """How many epochs at the end of a run train on all samples: a share of them, rounded down."""
    return math.floor(full_tail * epochs + 1e-9)  # 0.3 of 10 epochs is 2.9999999999999996 in places


def in_full_tail(epoch: int, epochs: int, full_tail: float) -> bool:
    """Says whether this epoch is one of the last, which train on all samples."""
    return epoch >= epochs - full_tail_epochs(epochs, full_tail)
