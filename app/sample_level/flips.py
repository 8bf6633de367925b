"""Samples that one group gets right and another wrong, beside how often two seeds of one group disagree.

Two trainings that differ in nothing but their seed disagree on many samples. A difference of methods is
therefore only said beside that noise floor, counted in the same way: one run against one run (ours).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy import ndarray


@dataclass(frozen=True)
class Flips:
    """How two groups disagree on n samples, those with a value in every run; left_out: the others.

    only_one, only_other: ids that the majority of the seeds of only that group gets right; a tie decides
    nothing. between, within_one, within_other: samples on which a pair of runs disagrees, one entry a pair.
    """

    n: int
    left_out: int
    only_one: ndarray
    only_other: ndarray
    between: tuple[int, ...]
    within_one: tuple[int, ...]
    within_other: tuple[int, ...]

    @property
    def floor(self) -> float:
        """Mean of the pairs within a group: what seeds alone do; NaN where no group has two seeds."""
        within = self.within_one + self.within_other
        return float(np.mean(within)) if within else float("nan")

    @property
    def times_the_floor(self) -> float:
        """How many times more often runs of different groups disagree; NaN without a floor above 0."""
        return float(np.mean(self.between)) / self.floor if self.floor > 0 else float("nan")


def flips(one: ndarray, other: ndarray) -> Flips:
    """Counts the flips between two groups; one, other: (seeds, N), 1 right, 0 wrong, NaN not visited."""
    is_known = np.isfinite(np.concatenate([one, other])).all(axis=0)
    ids = np.flatnonzero(is_known)
    one, other = one[:, is_known] == 1, other[:, is_known] == 1
    votes, other_votes = one.mean(axis=0), other.mean(axis=0)
    return Flips(
        n=len(ids),
        left_out=int((~is_known).sum()),
        only_one=ids[(votes > 0.5) & (other_votes < 0.5)],
        only_other=ids[(votes < 0.5) & (other_votes > 0.5)],
        between=_disagreements(product(one, other)),
        within_one=_disagreements(combinations(one, 2)),
        within_other=_disagreements(combinations(other, 2)),
    )


def _disagreements(pairs: Iterable[tuple[ndarray, ndarray]]) -> tuple[int, ...]:
    return tuple(int((first != second).sum()) for first, second in pairs)
