"""Two groups set side by side: which they are, in which colours, and whether their samples are the same.

A sample's number means the same image with the same label only where both groups were trained on the same
data; everything that compares samples refuses anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy import ndarray

from app import cached, cards
from app.ablations import choices, looks
from app.ablations.groups import Group
from app.studies.members import Member
from store.run import Run

_DATA = {
    "source": "data",
    "subset": "share of the data",
    "tail": "class sizes",
    "validation": "held-out samples",
    "noise": "label noise",
}


@dataclass(frozen=True)
class Sides:
    """Groups A (one) and B (other), their colours, and the last epoch that every run of both has recorded."""

    one: Group
    other: Group
    colors: tuple[str, str]

    @cached_property
    def epoch(self) -> int:
        """The last epoch that every run has recorded."""
        return min(member.run.last_epoch() for member in self.members)

    @property
    def members(self) -> tuple[Member, ...]:
        """All runs, those of A first."""
        return self.one.members + self.other.members

    @property
    def samples(self) -> int:
        """N."""
        return self.members[0].samples or 0

    @property
    def class_names(self) -> list[str]:
        """What the classes are called."""
        return self.members[0].class_names

    @property
    def shared_seeds(self) -> list[object]:
        """The seeds that both groups have, in order."""
        others = {member.config.get("seed") for member in self.other.members}
        return [seed for member in self.one.members if (seed := member.config.get("seed")) in others]

    def runs(self) -> tuple[list[Run], list[Run]]:
        """Returns the runs of A and those of B."""
        return [member.run for member in self.one.members], [member.run for member in self.other.members]

    def is_known(self, measure: str) -> bool:
        """Says whether both groups have a value of the measure for any sample."""
        return all(
            bool(np.isfinite(cached.per_sample(runs[0], measure, self.epoch)).any()) for runs in self.runs()
        )

    def values(self, measure: str) -> tuple[ndarray, ndarray]:
        """Returns a measure of A and of B, (seeds, N) each; NaN where unknown."""
        one, other = (
            np.stack([cached.per_sample(run, measure, self.epoch) for run in runs]) for runs in self.runs()
        )
        return one, other


def pick(groups: Sequence[Group]) -> Sides:
    """Draws which of at least two groups is A and which is B, by default the first two."""
    names = {choices.token(group): f"{group.name} (n = {group.n})" for group in groups}
    by_token = {choices.token(group): group for group in groups}
    first = choices.selected("A", "a", names)
    others = {name: words for name, words in names.items() if name != first}
    second = choices.selected("B", "b", others)
    one, other = by_token[first], by_token[second]
    palette = cards.colors()
    colors = looks.colors_of(groups, palette, pinned=[one.key, other.key])
    return Sides(one, other, (colors[one.key], colors[other.key]))


def refusal(sides: Sides) -> str | None:
    """Returns why the samples of the runs cannot be compared one by one; None where they are the same."""
    reference = sides.members[0]
    for member in sides.members[1:]:
        if not _has_same_samples(reference, member):
            return (
                f"{sides.one.name} and {sides.other.name} were not trained on the same samples: "
                f"{_difference(reference, member)}. The number of a sample therefore means another image or "
                "label in each; choose two groups that were trained on the same data."
            )
    return None


def _has_same_samples(one: Member, other: Member) -> bool:
    keys = {member.about.get("dataset_key") for member in (one, other)}
    if one.samples != other.samples or (None not in keys and len(keys) > 1):
        return False
    if None in keys and any(one.config.get(part) != other.config.get(part) for part in _DATA):
        return False
    return bool(np.array_equal(cached.labels(one.run)[0], cached.labels(other.run)[0]))


def _difference(one: Member, other: Member) -> str:
    apart = [words for part, words in _DATA.items() if one.config.get(part) != other.config.get(part)]
    if apart:
        return f"they differ in {', '.join(apart)}"
    if one.samples != other.samples:
        return f"one has {one.samples} samples, the other {other.samples}"
    return "their images or labels differ although their settings are alike"
