"""How far two runs keep the same samples, epoch by epoch, beside how far two seeds of one method do.

Every run of one group is held against every one of the other, one run against one run, so that the numbers
between groups and those within one are of a kind (ours).
"""

from collections.abc import Iterable, Sequence
from itertools import combinations, product

import numpy as np
from numpy import ndarray
from pandas import DataFrame

from app import overlap


def agreement(one: Sequence[ndarray], other: Sequence[ndarray], n: int) -> DataFrame:
    """Returns mean, low and high of the Jaccard index over pairs of runs by epoch, and the random value.

    one, other: the kept sets of each run of a group, (E, bytes). Columns: epoch, pairs ("between", "one" or
    "other"), n (pairs), mean, low, high, expected. Pairs within a group of one run are left out.
    """
    parts = (
        ("between", product(one, other)),
        ("one", combinations(one, 2)),
        ("other", combinations(other, 2)),
    )
    frames = [_by_epoch(pairs, n).assign(pairs=name) for name, pairs in parts]
    columns = ["epoch", "pairs", "n", "mean", "low", "high", "expected"]
    rows = [row for frame in frames if len(frame) for row in frame[columns].itertuples(index=False)]
    return DataFrame(rows, columns=columns)


def _by_epoch(pairs: Iterable[tuple[ndarray, ndarray]], n: int) -> DataFrame:
    listed = list(pairs)
    if not listed:
        return DataFrame()
    sizes = [(_sizes(first & second), _sizes(first), _sizes(second)) for first, second in listed]
    found = np.stack([overlap.jaccard(*of_pair) for of_pair in sizes])
    chance = np.stack([overlap.by_chance(first, second, n) for _, first, second in sizes])
    return DataFrame(
        {
            "epoch": np.arange(found.shape[1]),
            "n": len(listed),
            "mean": found.mean(axis=0),
            "low": found.min(axis=0),
            "high": found.max(axis=0),
            "expected": chance.mean(axis=0),
        }
    )


def _sizes(sets: ndarray) -> ndarray:
    """Returns how many samples each epoch's set holds, (E,)."""
    width = sets.shape[1] // 8 * 8
    whole = np.ascontiguousarray(sets[:, :width]).view(np.uint64)  # eight bytes at a time are counted faster
    counts = np.bitwise_count(whole).sum(axis=1, dtype=np.int64)
    return np.asarray(counts + np.bitwise_count(sets[:, width:]).sum(axis=1, dtype=np.int64))
