"""A study as one answer: its runs by method, what they reached and cost, and how sure that is.

Accuracy is that of the last epoch (never the best on the test set), and fewer than three seeds decide
nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas import DataFrame

from app import cost, naming, wording
from store.run import Run, Status

SEEDS_FOR_A_VERDICT = 3
DEMO = "demo"  # how the names of demo studies begin

# Two-sided 95 % of Student's t by degrees of freedom; the last one serves beyond, a hair too wide.
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One run of a study with what a page needs of it, read once."""

    run: Run
    config: Mapping[str, object]
    status: Status
    metrics: DataFrame
    about: Mapping[str, object]

    @property
    def name(self) -> str:
        """What the run is called."""
        return naming.run_title(self.config)

    @property
    def epochs(self) -> int:
        """How many epochs the run will have."""
        return self.status.epochs or int(str(self.config.get("epochs") or 0))

    @property
    def progress(self) -> float:
        """Share of the run's epochs that is done, 0 to 1; a dead process may have done more than it said."""
        recorded = len(self.metrics) / self.epochs if self.epochs else 0.0
        return min(1.0, max(recorded, self.status.progress))

    @property
    def samples(self) -> int | None:
        """N, None before the engine has loaded the data."""
        count = self.about.get("n")
        return int(str(count)) if count is not None else None


def by_study(members: Sequence[Member]) -> dict[str, list[Member]]:
    """Groups runs by the study they name, in order of appearance; "" holds those without one.

    Within a study they stand in the order in which they were queued.
    """
    groups: dict[str, list[Member]] = {}
    for member in members:
        groups.setdefault(str(member.config.get("study") or ""), []).append(member)
    for name, group in groups.items():
        if name:
            group.sort(key=lambda member: (member.run.id[:15], member.config.get("seed", 0), member.name))
    return groups


def featured(groups: Mapping[str, Sequence[Member]]) -> str | None:
    """Returns the study that stands on top: the demo if there is one, else the newest of several runs."""
    named = [name for name, members in groups.items() if name and len(members) > 1]
    return next((name for name in named if name.startswith(DEMO)), named[0] if named else None)


def state(members: Sequence[Member]) -> str:
    """Returns the state of a study as a whole; once all are over, the one that asks for attention."""
    states = {member.status.state for member in members}
    if states == {"done"}:
        return "done"
    if any(not member.status.is_over for member in members):
        return "running" if any(member.status.is_alive for member in members) else "queued"
    return "failed" if states & {"failed", "lost"} else "stopped"


def progress(members: Sequence[Member]) -> float:
    """Returns the share of all epochs of the study that is done, 0 to 1."""
    return sum(member.progress for member in members) / len(members) if members else 0.0


def seconds_left(members: Sequence[Member]) -> float:
    """Returns the seconds until the last run of the study ends, as many training at once as do now.

    NaN before any run has recorded an epoch; runs that wait are taken to be like the others.
    """
    paces = [cost.epoch_seconds(member.metrics) for member in members if len(member.metrics)]
    if not paces:
        return math.nan
    usual = sum(paces) / len(paces)
    left = sum(member.epochs * (1 - member.progress) for member in members if not member.status.is_over)
    return left * usual / max(1, sum(member.status.is_alive for member in members))


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
    rows = [_row(_one_a_seed(group), kept_noise) for group in done.values()]
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


def difference(one: "pd.Series", other: "pd.Series") -> tuple[float, float, int]:
    """Returns the mean paired difference of two methods' accuracies, half its 95 % interval, and n.

    Pairs are the n seeds that both have; NaN where fewer than two are shared.
    """
    others = dict(zip(other["seeds"], other["accuracy"], strict=True))
    own = dict(zip(one["seeds"], one["accuracy"], strict=True))
    apart = np.array([own[seed] - others[seed] for seed in own if seed in others])
    if len(apart) < 2:
        return math.nan, math.nan, len(apart)
    factor = _T95[min(len(apart) - 1, len(_T95)) - 1]
    return float(apart.mean()), float(factor * apart.std(ddof=1) / math.sqrt(len(apart))), len(apart)


def _one_a_seed(group: Sequence[Member]) -> list[Member]:
    """Returns the newest run of each seed, for a run that was repeated is no further evidence."""
    newest = {member.config.get("seed"): member for member in sorted(group, key=lambda member: member.run.id)}
    return [member for member in group if newest[member.config.get("seed")] is member]


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
