"""Why a sample was kept or dropped in an epoch, and the smallest change of one factor that turns it.

The selection of an epoch is decided by the scores known after the epoch before. Only where the kept samples
are those with the highest scores is the score given as the reason; a random draw is never explained by it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy import ndarray

# Added to both factors of the score before they are multiplied, as the engine does.
FLOOR = 1e-6


@dataclass(frozen=True)
class Why:
    """What decided on one sample in one epoch. NaN and None: unknown, or no part in the decision."""

    sample_id: int
    epoch: int
    kept: bool | None
    decided_after: int  # the epoch whose scores decided; -1 = before the first
    reason: str  # "score": the highest scores were kept; "warmup": all were kept; "unknown"
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


def explain(
    known: pd.DataFrame, sample_id: int, epoch: int, *, consistency: float, exponents: tuple[float, float]
) -> Why:
    """Explains the selection of an epoch for one sample.

    known: sample_id, selected (in the epoch), score and rarity (after the epoch before) of all N samples in
    id order; no rows where the epoch is not recorded. exponents: of rarity and of consistency in the score.
    """
    selected, scores = known.selected.to_numpy(bool), known.score.to_numpy("float64")
    score, rarity = (scores[sample_id], float(known.rarity[sample_id])) if len(known) else (np.nan, np.nan)
    reason = _reason(selected, scores, score)
    cut = turn = needed_rarity = needed_consistency = float("nan")
    if reason == "score":
        cut = float(np.nanmin(scores[selected]))
        turn = _highest(scores[~selected]) if selected[sample_id] else cut
    if reason == "score" and _is_product(score, rarity, consistency, exponents):
        needed_rarity = _needed(turn, consistency, exponents)
        needed_consistency = _needed(turn, rarity, exponents[::-1])
    return Why(
        sample_id=sample_id, epoch=epoch, decided_after=epoch - 1, reason=reason,
        kept=bool(selected[sample_id]) if len(known) else None,
        score=score, rarity=rarity, consistency=consistency,
        rank=_rank(scores, sample_id) if np.isfinite(score) else None,
        n=len(known), kept_count=int(selected.sum()), cut=cut, turn=turn,
        needed_rarity=needed_rarity, needed_consistency=needed_consistency,
    )  # fmt: skip


def _reason(selected: ndarray, scores: ndarray, score: float) -> str:
    if len(selected) and selected.all():
        return "warmup"
    if not selected.any() or not np.isfinite(score):
        return "unknown"
    last_in_line = np.nan_to_num(scores, nan=-np.inf)
    return "score" if last_in_line[selected].min() >= last_in_line[~selected].max() else "unknown"


def _highest(scores: ndarray) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.max()) if len(known) else float("nan")


def _rank(scores: ndarray, sample_id: int) -> int:
    better = (scores > scores[sample_id]).sum() + (scores[:sample_id] == scores[sample_id]).sum()
    return int(better) + 1


def _is_product(score: float, rarity: float, consistency: float, exponents: tuple[float, float]) -> bool:
    product = (rarity + FLOOR) ** exponents[0] * (consistency + FLOOR) ** exponents[1]
    return bool(np.isclose(product, score, rtol=1e-3, atol=0))


def _needed(turn: float, other: float, exponents: tuple[float, float]) -> float:
    """The factor that makes the score turn, given the other; exponents: of the factor, of the other."""
    if not exponents[0] or not turn > 0:
        return float("nan")
    needed = (turn / (other + FLOOR) ** exponents[1]) ** (1 / exponents[0]) - FLOOR
    return float(needed) if 0 <= needed <= 1 else float("nan")
