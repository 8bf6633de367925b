"""What a study shows so far: each arm's values by seed, the comparisons asked for, and the verdict.

Seeds are paired, since two arms of one seed share weights and order of samples at the start. Intervals are of
one comparison each; what is called different must also hold after Holm's correction for all of them.
"""

import math
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from app import naming
from app.studies import presets, verdicts
from app.studies.measures import MEASURES, Measure
from app.studies.members import Member, one_a_seed
from app.studies.verdicts import Difference

LEVEL = 0.05
_SEED_IN_NAME = re.compile(r", seed \d+$")

Values = Mapping[str, Mapping[str, float]]  # by run id, then by name of the measure; NaN unknown


@dataclass(frozen=True)
class Reached:
    """One arm: its runs, newest of each seed, and the measure of those that are done, by seed."""

    label: str
    members: tuple[Member, ...]
    values: Mapping[Hashable, float]
    beside: Mapping[str, float]  # mean of each further measure over the runs that are done


class Compared(NamedTuple):
    """One comparison: arm, reference ("" for 0), paired difference, and p after Holm's correction."""

    arm: str
    reference: str
    difference: Difference
    p: float


@dataclass(frozen=True)
class Outcome:
    """A study's state of knowledge: its measure, its arms and its comparisons."""

    measure: Measure
    arms: tuple[Reached, ...]
    compared: tuple[Compared, ...]


def measures(study: str) -> tuple[str, ...]:
    """Returns the names of the measures that a study shows, the one it is judged by first."""
    preset = presets.preset_of(study)
    return (preset.measure, *preset.beside) if preset else ("test_accuracy", "backpropagated")


def outcome(study: str, members: Sequence[Member], values: Values) -> Outcome:
    """Returns what the study shows; members: all its runs, values: of the runs that are done."""
    first, *beside = measures(study)
    arms = tuple(_reached(label, group, values, first, beside) for label, group in _arms(study, members))
    known = {arm.label: arm.values for arm in arms}
    pairs = [pair for pair in _pairs(study, arms) if pair[0] in known and pair[1] in (*known, "")]
    apart = [_apart(known[one], known.get(other)) for one, other in pairs]
    adjusted = holm([p_value(difference) for difference in apart])
    compared = tuple(
        Compared(*pair, difference, p) for pair, difference, p in zip(pairs, apart, adjusted, strict=True)
    )
    return Outcome(MEASURES[first], arms, compared)


def p_value(difference: Difference) -> float:
    """Returns the two-sided p of a mean difference by Student's t; NaN where there is no interval."""
    if math.isnan(difference.half):
        return math.nan
    if difference.half == 0:
        return 1.0 if difference.mean == 0 else 0.0
    error = difference.half / verdicts.t_factor(difference.n)
    return float(2 * stdtr(difference.n - 1, -abs(difference.mean) / error))


def holm(values: Sequence[float]) -> list[float]:
    """Returns Holm's adjusted p values, in the order given; NaN stays NaN and counts as no comparison."""
    known = sorted((value, place) for place, value in enumerate(values) if not math.isnan(value))
    adjusted, highest = [math.nan] * len(values), 0.0
    for rank, (value, place) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * value))
        adjusted[place] = highest
    return adjusted


def label(member: Member, study: str) -> str:
    """Returns the arm that a run of a preset study belongs to: its name without the seed."""
    return _SEED_IN_NAME.sub("", str(member.config.get("name") or "")) if presets.preset_of(study) else ""


def seed_of(member: Member) -> int:
    """Returns the seed of a run; 0 where it names none."""
    return int(str(member.config.get("seed") or 0))


def _arms(study: str, members: Sequence[Member]) -> list[tuple[str, list[Member]]]:
    """Returns the runs by arm: of a preset study in its order, of another by method."""
    groups: dict[str, list[Member]] = {}
    preset = presets.preset_of(study)
    for member in members:
        groups.setdefault(label(member, study) or naming.method_key(member.config), []).append(member)
    if preset:
        return [(arm.label, groups[arm.label]) for arm in preset.arms if arm.label in groups]
    names = naming.methods([group[0].config for group in groups.values()])
    return list(zip(names, groups.values(), strict=True))


def _reached(
    name: str, group: Sequence[Member], values: Values, first: str, beside: Iterable[str]
) -> Reached:
    newest = tuple(sorted(one_a_seed(group), key=seed_of))
    done = [member for member in newest if member.status.state == "done"]
    known: dict[Hashable, float] = {
        seed_of(member): values.get(member.run.id, {}).get(first, math.nan) for member in done
    }
    means = {
        other: _mean([values.get(member.run.id, {}).get(other, math.nan) for member in done])
        for other in beside
    }
    return Reached(name, newest, {seed: value for seed, value in known.items() if value == value}, means)


def _pairs(study: str, arms: Sequence[Reached]) -> Iterable[tuple[str, str]]:
    """Returns (arm, reference): the preset's, else all against full data, a random share, or the first."""
    preset = presets.preset_of(study)
    if preset:
        return preset.comparisons()
    order = {"everything": 0, "random_subset": 1}
    ranked = sorted(arms, key=lambda arm: order.get(_strategy(arm), 2))
    return [(arm.label, ranked[0].label) for arm in arms if arm is not ranked[0]]


def _strategy(arm: Reached) -> str:
    chosen = arm.members[0].config.get("strategy")
    return str(chosen.get("kind")) if isinstance(chosen, Mapping) else ""


def _apart(one: Mapping[Hashable, float], other: Mapping[Hashable, float] | None) -> Difference:
    return verdicts.paired(one, dict.fromkeys(one, 0.0) if other is None else other)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
