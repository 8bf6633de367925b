"""A study's outcome in words and tables: for the page, the terminal and a file alike.

The sentence never says more than the seeds do: below three it says how many are missing, and what is called
better has an interval and a corrected p beside it.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from pandas import DataFrame

from app import wording
from app.studies import verdicts
from app.studies.measures import MEASURES, Measure
from app.studies.members import Member
from app.studies.queueing import RESUMABLE
from app.studies.results import Outcome, Reached
from app.studies.verdicts import SEEDS_FOR_A_VERDICT, Compared

SEEDS_SHOWN = 5  # as columns; with more, the table shows n, mean and deviation alone
SMALLEST_P = 0.001  # of those written out
NOT_CORRECTED = "Each interval is of one comparison and not corrected for the others"


def arm_table(found: Outcome, *, by_seed: bool = True) -> DataFrame:
    """Returns one row an arm: the measure by seed, n, mean, sd, its 95 % interval, and what stands beside."""
    seeds = sorted({member.seed for arm in found.arms for member in arm.members})
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
                "p (Holm)": p_words(one),
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
    return [*sentences, corrected(len(sentences))] if len(sentences) > 1 else sentences


def answer(found: Outcome) -> str:
    """Returns all that the comparisons show as one sentence: who differs from whom, by how much, n last."""
    fewest = min((one.difference.n for one in found.compared), default=0)
    if fewest < SEEDS_FOR_A_VERDICT:
        return verdict(found)[0] if found.arms else ""
    alike: dict[str, list[str]] = {}
    for one in found.compared:
        said = _written(found.measure, one, one.difference.mean)
        alike.setdefault(_shown(found.measure, one), []).append(f"{one.reference or one.arm} ({said})")
    most = max(one.difference.n for one in found.compared)
    seeds = f"n = {fewest}" if fewest == most else f"n = {fewest} to {most}"
    parts = [f"{begin} {_listed(others)}" for begin, others in alike.items()]
    return f"{'; '.join(parts)} ({seeds} seeds).".replace("n = ", "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")


def too_few(members: Sequence[Member], fewest: int) -> str:
    """Returns why the runs of a comparison say nothing yet: what is to come, to resume, or to queue.

    fewest: pairs of the comparison that has the fewest.
    """
    to_come = sum(not member.status.is_over for member in members)
    if to_come:
        more = wording.plural(to_come, "more run")
        return f"Too few seeds to tell yet: {more} {'is' if to_come == 1 else 'are'} to come."
    ended = sum(member.status.state in RESUMABLE for member in members)
    if ended:
        return f"Too few seeds to tell: {wording.plural(ended, 'run')} ended early; resume them."
    missing = wording.plural(SEEDS_FOR_A_VERDICT - fewest, "more seed")
    return f"Too few seeds to tell (n = {fewest}); queue {missing} of each arm."


def corrected(comparisons: int) -> str:
    """Returns how several comparisons are to be read: which of their numbers are corrected, and how."""
    return (
        f"{NOT_CORRECTED}; what is said to differ holds at 5 % after Holm's correction for "
        f"{wording.plural(comparisons, 'comparison')}."
    )


def p_words(one: Compared) -> str:
    """Writes the corrected p of a comparison; "–" where nothing tells it."""
    return "below 0.001" if one.p < SMALLEST_P else wording.number(one.p)


def sentence(one: Compared, *, better: int, write: Callable[[float], str]) -> str:
    """Returns what a comparison of two arms shows, in words.

    better: as in verdicts.shows; write: a difference with its sign and unit.
    """
    mean, half, pairs = one.difference
    seeds = f"n = {pairs} seeds".replace(" ", "\N{NO-BREAK SPACE}")
    if verdicts.is_rounding(one.difference) and mean:
        return (
            f"{one.arm} and {one.reference} cannot be told apart: the difference is {write(mean)} at every "
            f"seed ({seeds}), so nothing tells how much seeds change it."
        )
    amount = f"{write(mean)} (95 % interval {wording.interval(mean - half, mean + half, write)}, {seeds})"
    if not one.is_apart:
        return f"{one.arm} and {one.reference} cannot be told apart: the difference is {amount}."
    return f"{one.arm} is {verdicts.shows(one, better=better)} than {one.reference}: {amount}."


def _arm_row(arm: Reached, measure: Measure, seeds: Sequence[int]) -> dict[str, str]:
    by_seed = {member.seed: member for member in arm.members}
    values = list(arm.values.values())
    mean, half = (float(np.mean(values)) if values else math.nan), verdicts.half_interval(values)
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return {
        "Arm": arm.label,
        **{f"seed {seed}": _cell(arm, by_seed.get(seed), measure) for seed in seeds},
        "n": str(len(values)),
        "Mean": measure.written(mean),
        "sd": measure.spread(deviation),
        "95 % interval": measure.interval(mean - half, mean + half),
        **{MEASURES[name].label: MEASURES[name].written(value) for name, value in arm.beside.items()},
    }


def _cell(arm: Reached, member: Member | None, measure: Measure) -> str:
    if member is None:
        return ""
    if member.status.state == "done":
        return measure.written(arm.values.get(member.seed, math.nan))
    if member.status.is_alive:
        return f"{member.status.state} {wording.setting_percent(round(member.progress, 2))}"
    return member.status.state


def _too_few(found: Outcome, fewest: int) -> str:
    members = [member for arm in found.arms for member in arm.members]
    is_over = all(member.status.is_over and member.status.state not in RESUMABLE for member in members)
    if is_over and fewest == 0 and all(len(arm.members) >= SEEDS_FOR_A_VERDICT for arm in found.arms):
        return f"The runs did not record what {found.measure.label.lower()} is computed from."
    return too_few(members, fewest)


def _sentence(measure: Measure, one: Compared) -> str:
    if one.reference:
        return sentence(one, better=measure.better, write=measure.difference)
    says = "is above 0" if one.difference.mean > 0 else "is below 0"
    says = says if one.is_apart else "cannot be told from 0"
    amount = f"{measure.written(one.difference.mean)} (95 % interval {_interval(measure, one)}"
    return f"{measure.label} under {one.arm} {says}: {amount}, n = {one.difference.n} seeds)."


def _shown(measure: Measure, one: Compared) -> str:
    """Returns the beginning that comparisons with the same outcome share."""
    if not one.reference:
        above = "is above 0" if one.difference.mean > 0 else "is below 0"
        return f"{measure.label} {above if one.is_apart else 'cannot be told from 0'} under"
    if not one.is_apart:
        return f"{one.arm} cannot be told apart from"
    return f"{one.arm} is {verdicts.shows(one, better=measure.better)} than"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _interval(measure: Measure, one: Compared) -> str:
    low, high = (one.difference.mean + sign * one.difference.half for sign in (-1, 1))
    return wording.interval(low, high, partial(_written, measure, one))


def _written(measure: Measure, one: Compared, value: float) -> str:
    return measure.difference(value) if one.reference else measure.written(value)
