"""The arithmetic of a comparison: paired differences, their intervals, p values, and what those show.

Every page that compares methods takes it from here, so that none says better where another cannot tell; fewer
than three seeds decide nothing.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.studies import student

SEEDS_FOR_A_VERDICT = 3
LEVEL = 0.05
_ROUNDING = 1e-4  # of a difference of 0.1 points between 32-bit accuracies

# Two-sided 95 % of Student's t by degrees of freedom; the last one serves beyond, a hair too wide.
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


class Difference(NamedTuple):
    """A mean paired difference, half of its 95 % interval, and the number of pairs; NaN below two."""

    mean: float
    half: float
    n: int


class Compared(NamedTuple):
    """One comparison: arm, reference ("" for 0), paired difference, and p after Holm's correction."""

    arm: str
    reference: str
    difference: Difference
    p: float

    @property
    def is_apart(self) -> bool:
        """Says whether the two differ at 5 % after the correction; a p that is unknown says nothing."""
        return self.p < LEVEL


def half_interval(values: Sequence[float]) -> float:
    """Returns half of the 95 % interval of the mean of values by Student's t; NaN for fewer than two."""
    if len(values) < 2:
        return math.nan
    return float(t_factor(len(values)) * np.std(values, ddof=1) / math.sqrt(len(values)))


def t_factor(n: int) -> float:
    """Returns how many standard errors half a 95 % interval of the mean of n values is; NaN below two."""
    return math.nan if n < 2 else _T95[min(n - 1, len(_T95)) - 1]


def paired(one: Mapping[Hashable, float], other: Mapping[Hashable, float]) -> Difference:
    """Returns by how much the values of one exceed those of the other at the same keys, usually seeds.

    NaN where fewer than two keys are shared.
    """
    apart = [one[key] - other[key] for key in one if key in other]
    if len(apart) < 2:
        return Difference(math.nan, math.nan, len(apart))
    return Difference(float(np.mean(apart)), half_interval(apart), len(apart))


def compare(
    values: Mapping[str, Mapping[Hashable, float]], pairs: Sequence[tuple[str, str]]
) -> tuple[Compared, ...]:
    """Returns the comparisons (arm, reference) in the order given, their p corrected for all of them.

    values: by arm, then by seed; the reference "" is 0 at every seed.
    """
    apart = [
        paired(values[one], values[other] if other else dict.fromkeys(values[one], 0.0))
        for one, other in pairs
    ]
    adjusted = holm([p_value(difference) for difference in apart])
    return tuple(
        Compared(*pair, difference, p) for pair, difference, p in zip(pairs, apart, adjusted, strict=True)
    )


def p_value(difference: Difference) -> float:
    """Returns the two-sided p of a mean difference by Student's t; NaN where nothing tells it.

    That is below three pairs, and where all pairs differ by exactly the same amount: accuracies are counts of
    a few hundred images, so three equal differences are no rarity and no certainty (ours).
    """
    if difference.n < SEEDS_FOR_A_VERDICT:
        return math.nan
    if is_rounding(difference):
        return 1.0 if difference.mean == 0 else math.nan
    error = difference.half / t_factor(difference.n)
    return student.two_sided(difference.mean / error, difference.n - 1)


def is_rounding(difference: Difference) -> bool:
    """Says whether all pairs differ by the same amount, but for the rounding of stored numbers."""
    return difference.half <= _ROUNDING * abs(difference.mean)


def holm(values: Sequence[float]) -> list[float]:
    """Returns Holm's adjusted p values, in the order given; NaN stays NaN and counts as no comparison."""
    known = sorted((value, place) for place, value in enumerate(values) if not math.isnan(value))
    adjusted, highest = [math.nan] * len(values), 0.0
    for rank, (value, place) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * value))
        adjusted[place] = highest
    return adjusted


def shows(one: Compared, *, better: int) -> str:
    """Says what a comparison shows of its arm; better: 1 the higher, -1 the lower, 0 neither."""
    if one.difference.n < SEEDS_FOR_A_VERDICT:
        return f"too few seeds; {SEEDS_FOR_A_VERDICT - one.difference.n} more in both"
    if not one.is_apart:
        return "cannot be told apart"
    is_above = one.difference.mean > 0
    if not better:
        return "higher" if is_above else "lower"
    return "better" if is_above == (better > 0) else "worse"
