"""What groups reached and spent: summaries for a table, paired differences by seed, and the Pareto front.

A difference is taken seed by seed, because two runs of one seed share their data and its order; only finished
runs are paired, for half a training says nothing about the other half.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy import ndarray
from pandas import DataFrame

from app import cached, wording
from app.ablations import bands, measures
from app.ablations.groups import Group
from app.ablations.measures import Measure
from app.studies import results, telling, verdicts
from app.studies.verdicts import SEEDS_FOR_A_VERDICT, Compared, Difference

TABLE_NOTE = (
    "Mean ± standard deviation over seeds (of a sample, n − 1). Outcomes are those of the last epoch, "
    "costs are sums over all epochs"
)
OUTCOMES = ("test_accuracy", "validation_accuracy", "test_loss", "validation_loss")
COSTS = ("backpropagated", "forwarded", "seconds")


def points(groups: Sequence[Group], outcome: str, *, cost: str, band: str) -> DataFrame:
    """Returns one row a group: mean, low and high of outcome and cost, n, done, and front (bool).

    Columns: group, key, n, done (all its runs are), y, y_low, y_high, x, x_low, x_high, front; NaN unknown.
    """
    rows = []
    for group in groups:
        row: dict[str, object] = {
            "group": group.name,
            "key": group.key,
            "n": group.n,
            "done": _is_done(group),
        }
        reached = [measures.last(member, outcome) for member in group.members]
        paid = [measures.spent(member, cost) for member in group.members]
        for name, values in (("y", np.array(reached)), ("x", np.array(paid))):
            low, high = bands.ends(values, band)
            known = values[np.isfinite(values)]
            row |= {name: known.mean() if len(known) else np.nan, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    frame = DataFrame(rows)
    signed = -frame["y"] if is_lower_better(outcome) else frame["y"]
    return frame.assign(front=on_front(frame["x"].to_numpy(float), signed.to_numpy(float)))


def on_front(costs: ndarray, values: ndarray) -> ndarray:
    """Says of each group whether no other one is at least as good for at most its cost (ours); NaN never is.

    Of equal groups all are on the front. Higher values are better.
    """
    known = np.isfinite(costs) & np.isfinite(values)
    dominates = (costs[:, None] <= costs) & (values[:, None] >= values)
    dominates &= (costs[:, None] < costs) | (values[:, None] > values)
    return known & ~(dominates & known[:, None]).any(axis=0)


def is_lower_better(outcome: str) -> bool:
    """Says whether less of an outcome is better: of a loss it is."""
    return outcome.endswith("loss")


def table(groups: Sequence[Group], outcomes: Sequence[Measure]) -> DataFrame:
    """Returns mean ± standard deviation of what each group reached in its last epochs, and what it cost."""
    shown: dict[str, list[object]] = {
        "Group": [group.name for group in groups],
        "n": [group.n for group in groups],
        "Runs": [_states(group) for group in groups],
    }
    for measure in outcomes:
        shown[measure.label] = [
            wording.spread(
                [measures.last(member, measure.key) for member in group.members], as_percent=measure.is_share
            )
            for group in groups
        ]
    if any(cached.noise_known(member.run) for group in groups for member in group.members):
        shown["Flipped among kept"] = [wording.spread(_flipped(group), as_percent=True) for group in groups]
    for cost in COSTS:
        shown[measures.AXIS_LABELS[cost]] = [
            _amount([measures.spent(member, cost) for member in group.members], is_whole=cost != "seconds")
            for group in groups
        ]
    return DataFrame(shown)


def usual_reference(groups: Sequence[Group]) -> Group:
    """Returns the group that the others are compared with first, as studies have it: full data, if it is."""
    return groups[results.usual_reference([group.members[0].config for group in groups])]


def by_seed(group: Group, outcome: str) -> dict[object, float]:
    """Returns what the finished runs of a group reached, by seed; none that were not measured."""
    reached = {
        member.config.get("seed"): measures.last(member, outcome)
        for member in group.members
        if member.status.state == "done"
    }
    return {seed: value for seed, value in reached.items() if wording.is_known(value)}


def paired_table(groups: Sequence[Group], reference: Group, measure: Measure) -> DataFrame:
    """Returns by how much each other group differs from the reference over the seeds that both finished."""
    reached = {group.key: by_seed(group, measure.key) for group in groups}
    rows = []
    for group, found in _compared(groups, reference, measure.key):
        own, base = reached[group.key], reached[reference.key]
        apart = {seed: own[seed] - base[seed] for seed in own if seed in base}
        mean = found.difference.mean if found.difference.n > 1 else next(iter(apart.values()), np.nan)
        rows.append(
            {
                "Group": group.name,
                "Pairs": found.difference.n,
                "Mean difference": measure.write_difference(mean),
                "95 % interval": _interval(found.difference, measure),
                "p (Holm)": telling.p_words(found),
                "What it shows": verdicts.shows(found, better=better(measure.key)),
                "By seed": _each(apart, measure) or wording.UNKNOWN,
            }
        )
    return DataFrame(rows)


def verdict(groups: Sequence[Group]) -> str:
    """Returns what the groups show against the usual reference by test accuracy, over their finished runs.

    The same comparisons in the same words as the studies have; "" where no two groups have finished runs.
    """
    known = [group for group in groups if by_seed(group, measures.DEFAULT)]
    if len(known) < 2:
        return ""
    found = [one for _, one in _compared(known, usual_reference(known), measures.DEFAULT)]
    fewest = min(one.difference.n for one in found)
    if fewest < SEEDS_FOR_A_VERDICT:
        members = [member for group in known for member in group.members]
        return telling.too_few(members, fewest)
    said = [telling.sentence(one, better=1, write=wording.points) for one in found]
    return " ".join([*said, telling.corrected(len(said))] if len(said) > 1 else said)


def better(outcome: str) -> int:
    """Returns which of two values of an outcome is better: 1 the higher, -1 the lower."""
    return -1 if is_lower_better(outcome) else 1


def _compared(groups: Sequence[Group], reference: Group, outcome: str) -> list[tuple[Group, Compared]]:
    """Returns each group but the reference with its comparison; keys, since names may be shared."""
    reached = {group.key: by_seed(group, outcome) for group in groups}
    others = [group for group in groups if group.key != reference.key]
    found = verdicts.compare(reached, [(group.key, reference.key) for group in others])
    return [
        (group, one._replace(arm=group.name, reference=reference.name))
        for group, one in zip(others, found, strict=True)
    ]


def _interval(found: Difference, measure: Measure) -> str:
    if found.n < SEEDS_FOR_A_VERDICT:
        return wording.UNKNOWN
    return wording.interval(found.mean - found.half, found.mean + found.half, measure.write_difference)


def _each(apart: Mapping[object, float], measure: Measure) -> str:
    return ", ".join(f"{seed}: {measure.write_difference(value)}" for seed, value in apart.items())


def _amount(values: Sequence[float], *, is_whole: bool) -> str:
    """Writes mean ± standard deviation; of samples in whole numbers."""
    if not is_whole:
        return wording.spread(values)
    words = wording.count(float(np.mean(values)))
    return words if len(values) < 2 else f"{words} ± {wording.count(float(np.std(values, ddof=1)))}"


def _is_done(group: Group) -> bool:
    return all(member.status.state == "done" for member in group.members)


def _states(group: Group) -> str:
    """Writes how many runs are in which state: 2 done, 1 running."""
    counted = Counter(member.status.state for member in group.members)
    return ", ".join(f"{times} {state}" for state, times in counted.items())


def _flipped(group: Group) -> list[float]:
    noise = [cached.kept_noise(member.run) for member in group.members]
    return [float(frame["share_noisy_kept"].iloc[-1]) for frame in noise if len(frame)]
