"""What comparing methods over seeds shows: what they reached and cost, and how sure that is.

Accuracy is that of the last epoch (never the best on the test set), and fewer than three seeds decide
nothing.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas import DataFrame

from app import naming, wording
from app.studies.members import Member, one_a_seed

SEEDS_FOR_A_VERDICT = 3

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


def comparison(members: Sequence[Member], kept_noise: Mapping[str, DataFrame]) -> DataFrame:
    """Returns one row a method over its finished runs, the newest of each seed.

    kept_noise: share of flipped labels by epoch, by run id. Columns: method, n, accuracy (a list, one a
    seed), seeds (a list), backpropagated (mean), flipped_kept and flipped_all (means over the last epochs;
    NaN unknown).
    """
    done: dict[str, list[Member]] = {}
    for member in members:
        if member.status.state == "done" and len(member.metrics):
            done.setdefault(naming.method_key(member.config), []).append(member)
    columns = ["method", "n", "accuracy", "seeds", "backpropagated", "flipped_kept", "flipped_all"]
    names = naming.methods([group[0].config for group in done.values()])
    rows = [_row(one_a_seed(group), kept_noise) for group in done.values()]
    return DataFrame([[name, *row] for name, row in zip(names, rows, strict=True)], columns=columns)


def table(compared: DataFrame) -> DataFrame:
    """Returns the comparison as it is shown: method, n, accuracy mean ± sd, cost and flipped labels."""
    return DataFrame(
        {
            "Method": compared["method"],
            "n seeds": compared["n"],
            "Test accuracy": [wording.spread(values, as_percent=True) for values in compared["accuracy"]],
            "Back-propagated": [wording.count(value) for value in compared["backpropagated"]],
            "Flipped among kept": [wording.percent(value) for value in compared["flipped_kept"]],
            "Flipped in the data": [wording.percent(value) for value in compared["flipped_all"]],
        }
    )


def verdict(compared: DataFrame, *, still_to_come: int = 0) -> str:
    """Returns what comparing the best two methods shows, in one honest sentence; "" for one method.

    still_to_come: runs of the study that are not over.
    """
    if len(compared) < 2:
        return ""
    ranked = compared.assign(mean=[np.mean(values) for values in compared["accuracy"]])
    best, next_best = (row for _, row in ranked.sort_values("mean", ascending=False).head(2).iterrows())
    mean, half, pairs = difference(best, next_best)
    if pairs < SEEDS_FOR_A_VERDICT:
        if still_to_come:
            return f"Too few seeds to tell yet which method is better; {still_to_come} more runs are to come."
        missing = wording.plural(SEEDS_FOR_A_VERDICT - pairs, "more seed")
        return f"Too few seeds to tell which method is better; queue {missing} of each."
    interval = (
        f"95 % interval {wording.points(mean - half)} to {wording.points(mean + half)}, n = {pairs} seeds"
    )
    if mean - half > 0:
        return (
            f"{best['method']} is better than {next_best['method']} by {wording.points(mean)} ({interval})."
        )
    return (
        f"{best['method']} and {next_best['method']} cannot be told apart: the difference is "
        f"{wording.points(mean)} ({interval})."
    )


def difference(one: "pd.Series", other: "pd.Series") -> Difference:
    """Returns the mean paired difference of two methods' accuracies over the seeds that both have."""
    own, others = (dict(zip(row["seeds"], row["accuracy"], strict=True)) for row in (one, other))
    return paired(own, others)


def _row(group: Sequence[Member], kept_noise: Mapping[str, DataFrame]) -> list[object]:
    last = [noise.iloc[-1] for member in group if len(noise := kept_noise.get(member.run.id, DataFrame()))]
    return [
        len(group),
        [float(member.metrics["test_accuracy"].iloc[-1]) for member in group],
        [member.config.get("seed") for member in group],
        float(np.mean([member.metrics["samples_backpropagated"].sum() for member in group])),
        float(np.mean([row["share_noisy_kept"] for row in last])) if last else math.nan,
        float(np.mean([row["share_noisy_all"] for row in last])) if last else math.nan,
    ]
