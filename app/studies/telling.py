"""A study's outcome in words and tables: for the page, the terminal and a file alike.

The sentence never says more than the seeds do: below three it says how many are missing, and what is called
better has an interval and a corrected p beside it.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pandas import DataFrame

from app import wording
from app.studies import verdicts
from app.studies.measures import MEASURES, Measure
from app.studies.members import Member
from app.studies.queueing import RESUMABLE
from app.studies.results import LEVEL, Compared, Outcome, Reached, seed_of
from app.studies.verdicts import SEEDS_FOR_A_VERDICT

SEEDS_SHOWN = 5  # as columns; with more, the table shows n, mean and deviation alone
SMALLEST_P = 0.001  # of those written out
NOT_CORRECTED = "Each interval is of one comparison and not corrected for the others"


def arm_table(found: Outcome, *, by_seed: bool = True) -> DataFrame:
    """Returns one row an arm: the measure by seed, n, mean, sd, its 95 % interval, and what stands beside."""
    seeds = sorted({seed_of(member) for arm in found.arms for member in arm.members})
    shown = seeds if by_seed and len(seeds) <= SEEDS_SHOWN else ()
    return DataFrame([_arm_row(arm, found.measure, shown) for arm in found.arms])


def difference_table(found: Outcome) -> DataFrame:
    """Returns one row a comparison: who against whom, n, paired difference, its 95 % interval, Holm's p."""
    return DataFrame(
        [
            {
                "Comparison": f"{one.arm} against {one.reference or '0'}",
                "n seeds": one.difference.n,
                "Difference": _written(found.measure, one, one.difference.mean),
                "95 % interval": _interval(found.measure, one),
                "p (Holm)": "below 0.001" if one.p < SMALLEST_P else wording.number(one.p),
            }
            for one in found.compared
        ]
    )


def verdict(found: Outcome) -> list[str]:
    """Returns what the comparisons show, one sentence each; one sentence where they show nothing yet."""
    if not found.compared:
        return ["There is one arm only, so nothing is compared."] if found.arms else []
    fewest = min(one.difference.n for one in found.compared)
    if fewest < SEEDS_FOR_A_VERDICT:
        return [_too_few(found, fewest)]
    sentences = [_sentence(found.measure, one) for one in found.compared]
    if len(sentences) > 1:
        sentences.append(
            f"{NOT_CORRECTED}; what is said to differ holds at 5 % after Holm's correction for "
            f"{wording.plural(len(sentences), 'comparison')}."
        )
    return sentences


def as_json(study: str, found: Outcome) -> dict[str, Any]:
    """Returns the outcome as plain numbers; None is unknown."""
    return {
        "study": study,
        "measure": {"name": found.measure.name, "meaning": found.measure.meaning},
        "arms": [_arm_numbers(arm) for arm in found.arms],
        "comparisons": [_comparison_numbers(one) for one in found.compared],
        "verdict": verdict(found),
    }


def _arm_row(arm: Reached, measure: Measure, seeds: Sequence[int]) -> dict[str, str]:
    by_seed = {seed_of(member): member for member in arm.members}
    values = list(arm.values.values())
    mean, half = (float(np.mean(values)) if values else math.nan), verdicts.half_interval(values)
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return {
        "Arm": arm.label,
        **{f"seed {seed}": _cell(arm, by_seed.get(seed), measure) for seed in seeds},
        "n": str(len(values)),
        "Mean": measure.written(mean),
        "sd": measure.spread(deviation),
        "95 % interval": _range(measure.written(mean - half), measure.written(mean + half)),
        **{MEASURES[name].label: MEASURES[name].written(value) for name, value in arm.beside.items()},
    }


def _cell(arm: Reached, member: Member | None, measure: Measure) -> str:
    if member is None:
        return ""
    if member.status.state == "done":
        return measure.written(arm.values.get(seed_of(member), math.nan))
    if member.status.is_alive:
        return f"{member.status.state} {wording.setting_percent(round(member.progress, 2))}"
    return member.status.state


def _too_few(found: Outcome, fewest: int) -> str:
    members = [member for arm in found.arms for member in arm.members]
    to_come = sum(not member.status.is_over for member in members)
    if to_come:
        more = wording.plural(to_come, "more run")
        return f"Too few seeds to tell yet: {more} {'is' if to_come == 1 else 'are'} to come."
    ended = sum(member.status.state in RESUMABLE for member in members)
    if ended:
        return f"Too few seeds to tell: {wording.plural(ended, 'run')} ended early; resume them."
    if all(len(arm.members) >= SEEDS_FOR_A_VERDICT for arm in found.arms) and fewest == 0:
        return f"The runs did not record what {found.measure.label.lower()} is computed from."
    missing = wording.plural(SEEDS_FOR_A_VERDICT - fewest, "more seed")
    return f"Too few seeds to tell (n = {fewest}); queue {missing} of each arm."


def _sentence(measure: Measure, one: Compared) -> str:
    interval = f"95 % interval {_interval(measure, one)}, n = {one.difference.n} seeds"
    amount = f"{_written(measure, one, one.difference.mean)} ({interval})"
    is_apart, is_above = one.p < LEVEL, one.difference.mean > 0
    if not one.reference:
        says = f"is {'above' if is_above else 'below'} 0" if is_apart else "cannot be told from 0"
        return f"{measure.label} under {one.arm} {says}: {amount}."
    if not is_apart:
        return f"{one.arm} and {one.reference} cannot be told apart: the difference is {amount}."
    if measure.better:
        says = "better" if is_above == (measure.better > 0) else "worse"
    else:
        says = "higher" if is_above else "lower"
    return f"{one.arm} is {says} than {one.reference}: {amount}."


def _interval(measure: Measure, one: Compared) -> str:
    mean, half = one.difference.mean, one.difference.half
    return _range(_written(measure, one, mean - half), _written(measure, one, mean + half))


def _range(low: str, high: str) -> str:
    return wording.UNKNOWN if wording.UNKNOWN in (low, high) else f"{low} to {high}"


def _written(measure: Measure, one: Compared, value: float) -> str:
    return measure.difference(value) if one.reference else measure.written(value)


def _arm_numbers(arm: Reached) -> dict[str, Any]:
    values = list(arm.values.values())
    return {
        "arm": arm.label,
        "n": len(values),
        "mean": _known(float(np.mean(values)) if values else math.nan),
        "sd": _known(float(np.std(values, ddof=1)) if len(values) > 1 else math.nan),
        "half_interval": _known(verdicts.half_interval(values)),
        "by_seed": {str(seed): value for seed, value in arm.values.items()},
        "beside": {name: _known(value) for name, value in arm.beside.items()},
    }


def _comparison_numbers(one: Compared) -> dict[str, Any]:
    mean, half, pairs = one.difference
    return {
        "arm": one.arm,
        "reference": one.reference or None,
        "n": pairs,
        "difference": _known(mean),
        "half_interval": _known(half),
        "p_holm": _known(one.p),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
