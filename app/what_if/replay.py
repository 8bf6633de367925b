"""A selection done again from the log, with the run's own settings or others, by the engine's own code.

Nothing of a strategy is written a second time here: the logged terms become the engine's signals, and its
select decides. With the run's own settings that gives the logged set, which makes the rest believable.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray
from pandas import DataFrame

from engine import density, signals
from engine.config import RunConfig
from engine.selection.budget import BudgetSettings, RankedSettings
from engine.selection.infobatch import InfoBatch
from engine.signals import Signals


@dataclass(frozen=True)
class Outcome:
    """What an epoch would keep; rarity and score are those of the settings, NaN where unknown."""

    kept: ndarray  # (N,) bool
    rarity: ndarray  # (N,) float32
    consistency: ndarray  # (N,) float32
    score: ndarray  # (N,) float32
    cut: float  # lowest score that is kept; NaN where the highest scores within the thresholds are not kept

    @property
    def ids(self) -> ndarray:
        """(M,) the kept ids, ascending."""
        return np.flatnonzero(self.kept)


def replayed(terms: DataFrame, config: RunConfig, epoch: int) -> Outcome:
    """Returns what this config keeps in an epoch, given what the log knew before it.

    terms: as store.questions.terms returns them. Draws repeat those of a run with the config's seed, as
    the engine draws the selection first from a generator that seed and epoch decide.
    """
    known = _signals(terms, config)
    rng = np.random.default_rng((config.seed, epoch))  # as engine/train.py does
    selection = config.strategy.select(known, epoch, epochs=config.epochs, rng=rng)
    kept = np.zeros(len(terms), bool)
    kept[selection.ids] = True
    return Outcome(
        kept=kept,
        rarity=known.rarity,
        consistency=known.consistency,
        score=known.score,
        cut=_cut(config, known, kept),
    )


def is_drawn(config: RunConfig) -> bool:
    """Says whether chance has a part in what is kept, so that another seed keeps others."""
    strategy = config.strategy
    if isinstance(strategy, RankedSettings):
        return strategy.draw != "top"
    return isinstance(strategy, BudgetSettings | InfoBatch)


def needs_loss(config: RunConfig) -> bool:
    """Says whether the selection goes by losses, which are slower to ask for."""
    return isinstance(config.strategy, InfoBatch)


def _signals(terms: DataFrame, config: RunConfig) -> Signals:
    """The engine's signals as far as a strategy looks at them; rarity and score as these settings have it."""
    labels = terms["label"].to_numpy(np.int64) if config.density.per_class else None
    distance = terms["neighbour_distance"].to_numpy(np.float32)
    consistency = terms["consistency"].to_numpy(np.float32)
    known = signals.unknown(consistency, width=0, classes=0, settings=config.influence)
    if np.isnan(distance).all():  # nothing was located yet, or the log holds rarity alone
        rarity = terms["rarity"].to_numpy(np.float32)
    else:
        rarity = density.rarity(distance, labels, clip=config.density.clip)
    return replace(
        known,
        loss=terms["last_loss"].to_numpy(np.float32),
        neighbour_distance=distance,
        rarity=rarity,
        score=config.strategy.score(rarity, consistency),
    )


def _cut(config: RunConfig, known: Signals, kept: ndarray) -> float:
    strategy = config.strategy
    if not isinstance(strategy, RankedSettings) or is_drawn(config) or kept.all():
        return float("nan")
    scores = known.score[kept]
    return float(np.nanmin(scores)) if not np.isnan(scores).all() else float("nan")
