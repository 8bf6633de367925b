"""What a study shows so far: each arm's values by seed, the comparisons asked for, and the verdict.

Seeds are paired, since two arms of one seed share weights and order of samples at the start. Intervals are of
one comparison each; what is called different must also hold after Holm's correction for all of them.
"""

import math
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app import naming
from app.studies import measures as measuring
from app.studies import presets, verdicts
from app.studies.measures import MEASURES, Measure
from app.studies.members import Member, by_method, one_a_seed
from app.studies.verdicts import Compared
from store.run import Run

_SEED_IN_NAME = re.compile(r", seed \d+$")

Values = Mapping[str, Mapping[str, float]]  # by run id, then by name of the measure; NaN unknown


@dataclass(frozen=True)
class Reached:
    """One arm: its runs, newest of each seed, and the measure of those that are done, by seed."""

    label: str
    members: tuple[Member, ...]
    values: Mapping[Hashable, float]
    beside: Mapping[str, float]  # mean of each further measure over the runs that are done


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
    return Outcome(MEASURES[first], arms, verdicts.compare(known, pairs))


def usual_reference(configs: Sequence[Mapping[str, object]]) -> int:
    """Returns the place of the method that others are held against: full data, a random share, the first."""
    order = {"everything": 0, "random_subset": 1}
    kinds = [
        str(chosen.get("kind")) if isinstance(chosen := config.get("strategy"), Mapping) else ""
        for config in configs
    ]
    return min(range(len(kinds)), key=lambda place: order.get(kinds[place], 2))


def measured(
    study: str, members: Sequence[Member], value: Callable[[Run, str], float] = measuring.value
) -> dict[str, dict[str, float]]:
    """Returns the measures of a study of its runs that are done; value: how one of a run is read."""
    done = [member.run for member in members if member.status.state == "done"]
    return {run.id: {one: value(run, one) for one in measures(study)} for run in done}


def label(member: Member, study: str) -> str:
    """Returns the arm that a run of a preset study belongs to: its name without the seed."""
    return _SEED_IN_NAME.sub("", str(member.config.get("name") or "")) if presets.preset_of(study) else ""


def _arms(study: str, members: Sequence[Member]) -> list[tuple[str, list[Member]]]:
    """Returns the runs by arm: of a preset study in its order, of another by method."""
    preset = presets.preset_of(study)
    if preset:
        of_arm = {
            arm.label: [one for one in members if label(one, study) == arm.label] for arm in preset.arms
        }
        return [(arm, group) for arm, group in of_arm.items() if group]
    groups = by_method(members)
    return list(zip(naming.methods([group[0].config for group in groups]), groups, strict=True))


def _reached(
    name: str, group: Sequence[Member], values: Values, first: str, beside: Iterable[str]
) -> Reached:
    newest = tuple(sorted(one_a_seed(group), key=lambda member: member.seed))
    done = [member for member in newest if member.status.state == "done"]
    known: dict[Hashable, float] = {
        member.seed: values.get(member.run.id, {}).get(first, math.nan) for member in done
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
    if not arms:
        return []
    reference = arms[usual_reference([arm.members[0].config for arm in arms])]
    return [(arm.label, reference.label) for arm in arms if arm is not reference]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
