"""Why a sample was kept or dropped in an epoch, and the smallest change of one factor that turns it.

The selection of an epoch is decided by what is known after the epoch before. Only where the kept samples are
those with the highest scores is the score given as the reason; where chance had a say, that is told instead.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

# Added to both factors of the score before they are multiplied, as the engine does.
FLOOR = 1e-6
# Exponents of rarity and consistency in the score of strategies that have no such settings.
_EXPONENTS = {"rarity_only": (1.0, 0.0), "consistency_only": (0.0, 1.0)}


@dataclass(frozen=True)
class Why:
    """What decided on one sample in one epoch. NaN and None: unknown, or no part in the decision.

    reason: "score": the highest scores were kept; "draw": drawn, higher scores with a higher chance;
    "random": drawn whatever is known; "threshold": beyond one that nothing is kept beyond; "loss": InfoBatch,
    by the last loss and chance; "warmup" and "tail": the first or last epochs train on all samples; "all":
    all were kept for another reason; "unknown".
    """

    sample_id: int
    epoch: int
    kept: bool | None
    decided_after: int  # the epoch whose scores decided; -1 = before the first
    reason: str
    score: float
    rarity: float
    consistency: float
    rank: int | None  # by score, 1 = highest, equal ones by id
    n: int  # samples
    kept_count: int
    cut: float  # lowest score that was kept
    turn: float  # the score to pass: the cut if dropped, the highest dropped score if kept
    needed_rarity: float  # rarity that reaches turn at this consistency; NaN where none from 0 to 1 does
    needed_consistency: float  # consistency that reaches turn at this rarity; NaN where none from 0 to 1 does
    chance: float = math.nan  # of being kept, before the draw
    loss: float = math.nan  # at the last visit, nats
    mean_loss: float = math.nan  # of all known last losses
    weight: float = math.nan  # factor on the loss; NaN where it was dropped


def explain(
    known: pd.DataFrame, sample_id: int, epoch: int, *, consistency: float, config: Mapping[str, Any]
) -> Why:
    """Explains the selection of an epoch for one sample.

    known: sample_id, consistency, selected and weight (in the epoch), score and rarity (after the epoch
    before) and last_loss (at the last visit before) of all N samples in id order; no rows where the epoch is
    not recorded. config: that of the run, of which strategy and epochs count.
    """
    strategy = config.get("strategy") or {}
    selected, scores = known.selected.to_numpy(bool), known.score.to_numpy("float64")
    score, rarity = (scores[sample_id], float(known.rarity[sample_id])) if len(known) else (np.nan, np.nan)
    reason = _reason(known, sample_id, epoch=epoch, config=config)
    score = np.nan if reason in ("random", "loss") else score
    cut = turn = needed_rarity = needed_consistency = float("nan")
    if reason == "score":
        cut, turn = _cut_and_turn(known, sample_id, strategy)
        powers = exponents(strategy)
        if _is_product(score, rarity, consistency, powers):
            needed_rarity = _needed(turn, consistency, powers)
            needed_consistency = _needed(turn, rarity, powers[::-1])
    return Why(
        sample_id=sample_id, epoch=epoch, decided_after=epoch - 1, reason=reason,
        kept=bool(selected[sample_id]) if len(known) else None,
        score=score, rarity=rarity, consistency=consistency,
        rank=_rank(scores, sample_id) if np.isfinite(score) else None,
        n=len(known), kept_count=int(selected.sum()), cut=cut, turn=turn,
        needed_rarity=needed_rarity, needed_consistency=needed_consistency,
        **_of_chance(known, sample_id, reason, strategy),
    )  # fmt: skip


def exponents(strategy: Mapping[str, Any]) -> tuple[float, float]:
    """Returns the exponents of rarity and of consistency in a strategy's score; 0 ignores the factor."""
    of_rarity, of_consistency = _EXPONENTS.get(strategy.get("kind", ""), (1.0, 1.0))
    return (
        float(strategy.get("rarity_exponent", of_rarity)),
        float(strategy.get("consistency_exponent", of_consistency)),
    )


def drawn_chance(scores: ndarray, kept: int, sample_id: int, *, temperature: float) -> float:
    """How likely a weighted draw of so many without replacement is to keep the sample, approximately.

    scores: (N,), unknown ones come last. One clock a sample rings at a rate of score^(1/temperature); the
    draw keeps who rings first, so its chances are nearly those of ringing by the time at which so many are
    expected.
    """
    known = np.isfinite(scores)
    if not known[sample_id] or kept >= known.sum():
        return 1.0 if known[sample_id] else math.nan
    rates = np.log(np.maximum(scores[known], np.finfo(np.float32).smallest_subnormal)) / temperature
    early, late = -rates.max() - 50, -rates.min() + 50
    for _ in range(100):
        middle = (early + late) / 2
        early, late = (middle, late) if _ringing(rates + middle).sum() < kept else (early, middle)
    return float(_ringing(rates + early)[np.flatnonzero(known) == sample_id][0])


def _ringing(log_expected: ndarray) -> ndarray:
    return -np.expm1(-np.exp(np.minimum(log_expected, 50)))


def _reason(known: pd.DataFrame, sample_id: int, *, epoch: int, config: Mapping[str, Any]) -> str:
    strategy = config.get("strategy") or {}
    selected, scores = known.selected.to_numpy(bool), known.score.to_numpy("float64")
    if len(selected) and selected.all():
        return _reason_for_all(strategy, epoch, int(config.get("epochs") or 0))
    by_kind = {"random_subset": "random", "infobatch": "loss"}.get(strategy.get("kind", ""))
    if by_kind and selected.any():
        return by_kind
    within = _within_thresholds(known, strategy)
    if selected.any() and not within[sample_id] and not selected[sample_id]:
        return "threshold"
    if not selected.any() or not np.isfinite(scores[sample_id]):
        return "unknown"
    if strategy.get("draw") == "gumbel":
        return "draw"
    last_in_line = np.nan_to_num(scores, nan=-np.inf)
    dropped = last_in_line[~selected & within]
    return "score" if last_in_line[selected].min() >= dropped.max(initial=-np.inf) else "unknown"


def _within_thresholds(known: pd.DataFrame, strategy: Mapping[str, Any]) -> ndarray:
    """Which samples (N,) may be kept at all, by the engine's rule in engine/selection/budget.py."""
    lowest, highest = float(strategy.get("min_consistency", 0)), float(strategy.get("max_rarity", 1))
    rarity = known.rarity.to_numpy("float32")
    is_beyond = (known.consistency.to_numpy("float32") < lowest) | ((rarity > highest) & (highest < 1))
    within: ndarray = ~is_beyond
    return within


def _reason_for_all(strategy: Mapping[str, Any], epoch: int, epochs: int) -> str:
    if epoch < int(strategy.get("warmup_epochs", 0)):
        return "warmup"
    in_tail = epoch >= epochs - math.floor(float(strategy.get("full_tail", 0)) * epochs + 1e-9)
    return "tail" if in_tail and epoch < epochs else "all"  # the engine's rule, in engine/selection/budget.py


def _cut_and_turn(known: pd.DataFrame, sample_id: int, strategy: Mapping[str, Any]) -> tuple[float, float]:
    """The lowest score kept, and the score that the sample has to pass for the other outcome."""
    selected, scores = known.selected.to_numpy(bool), known.score.to_numpy("float64")
    cut = float(np.nanmin(scores[selected]))
    candidates = ~selected & _within_thresholds(known, strategy)
    return cut, _highest(scores[candidates]) if selected[sample_id] else cut


def _of_chance(
    known: pd.DataFrame, sample_id: int, reason: str, strategy: Mapping[str, Any]
) -> dict[str, float]:
    """The fields of Why that a draw has, by name."""
    if reason == "random":
        return {"chance": float(known.selected.mean())}
    if reason == "draw":
        scores, kept = known.score.to_numpy("float64"), int(known.selected.sum())
        scores = np.where(_within_thresholds(known, strategy), scores, np.nan)
        temperature = float(strategy.get("temperature", 1))
        return {"chance": drawn_chance(scores, kept, sample_id, temperature=temperature)}
    if reason != "loss":
        return {}
    loss, weight = float(known.last_loss[sample_id]), float(known.weight[sample_id])
    mean_loss = float(known.last_loss.mean())
    # What was recorded decides where it can: losses at the mean may be rounded to either side of it.
    by_chance = weight > 1 if known.selected[sample_id] else True
    chance = 1 - float(strategy.get("drop_chance", 0.5)) if by_chance else 1.0
    return {"chance": chance, "loss": loss, "mean_loss": mean_loss, "weight": weight}


def _highest(scores: ndarray) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.max()) if len(known) else float("nan")


def _rank(scores: ndarray, sample_id: int) -> int:
    better = (scores > scores[sample_id]).sum() + (scores[:sample_id] == scores[sample_id]).sum()
    return int(better) + 1


def _is_product(score: float, rarity: float, consistency: float, powers: tuple[float, float]) -> bool:
    product = (rarity + FLOOR) ** powers[0] * (consistency + FLOOR) ** powers[1]
    return bool(np.isclose(product, score, rtol=1e-3, atol=0))


def _needed(turn: float, other: float, powers: tuple[float, float]) -> float:
    """The factor that makes the score turn, given the other; powers: of the factor, of the other."""
    if not powers[0] or not turn > 0:
        return float("nan")
    needed = (turn / (other + FLOOR) ** powers[1]) ** (1 / powers[0]) - FLOOR
    return float(needed) if 0 <= needed <= 1 else float("nan")
