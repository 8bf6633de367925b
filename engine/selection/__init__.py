"""Which samples an epoch trains on: the contract of a strategy, and what all strategies answer with.

A strategy is its settings and one method; all that it may remember is in Signals.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy import ndarray

from engine.settings import Settings
from engine.signals import Signals


class Selection(NamedTuple):
    """The samples of one epoch, ids ascending and unique, and the factor on each one's loss."""

    ids: ndarray  # (M,) int64
    weights: ndarray  # (M,) float32


class Strategy(Protocol):
    """Chooses the samples of an epoch from what is known of them."""

    def select(self, signals: Signals, epoch: int, *, epochs: int, rng: np.random.Generator) -> Selection:
        """Returns the selection of this epoch of a run of so many; works before anything is known."""
        ...

    def score(self, rarity: ndarray, consistency: ndarray) -> ndarray:
        """Returns (N,) what the samples are ranked by, high = kept first; NaN where it is unknown."""
        ...


class StrategySettings(Settings):
    """What every strategy shares: the score that is logged beside its choice."""

    def score(self, rarity: ndarray, consistency: ndarray) -> ndarray:
        """rarity x consistency, (N,): the paper's p_sel (arXiv 2505.03809), logged whatever the strategy."""
        return joint_score(rarity, consistency)


def joint_score(
    rarity: ndarray, consistency: ndarray, *, rarity_exponent: float = 1.0, consistency_exponent: float = 1.0
) -> ndarray:
    """(rarity + 1e-6)^a x (consistency + 1e-6)^b, (N,) float32; NaN where either is unknown.

    The paper's p_sel with a = b = 1 (arXiv 2505.03809); exponents and the 1e-6, which keeps the ends of the
    min-max scales in order instead of all at 0, are ours.
    """
    floor = np.float32(1e-6)
    return ((rarity + floor) ** rarity_exponent * (consistency + floor) ** consistency_exponent).astype(
        np.float32
    )


def keep_all(samples: int) -> Selection:
    """Returns every sample with weight 1."""
    return Selection(np.arange(samples, dtype=np.int64), np.ones(samples, np.float32))


def top(scores: ndarray, kept: int) -> ndarray:
    """Returns the ids of the highest scores (N,), highest first; unknown last; ties broken by id."""
    order = np.argsort(-np.nan_to_num(scores.astype(np.float64), nan=-np.inf), kind="stable")
    return order[:kept]


def draw_weighted(
    scores: ndarray, kept: int, *, temperature: float = 1.0, rng: np.random.Generator
) -> ndarray:
    """Draws ids one after another without replacement, each with a chance in proportion to its weight.

    scores: (N,), at least 0; a weight is score^(1/temperature). The highest sums of log weight and Gumbel
    noise are such a draw (arXiv 1903.06059). Unknown scores come last, by id.
    """
    logs = np.log(np.maximum(scores.astype(np.float64), np.finfo(np.float32).smallest_subnormal))
    return top(logs / temperature + rng.gumbel(size=len(scores)), kept)


def kept_count(keep: float, samples: int) -> int:
    """round(keep * N), and at least 1."""
    return max(1, round(keep * samples))
