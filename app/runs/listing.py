"""Which runs the list shows and in which order: search, filters, sorting and pages, without Streamlit.

Runs of a study stay together unless another order is asked for, because a study is one question.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app import naming
from app.studies import members as studies
from app.studies.members import Member

ANY_STUDY, NO_STUDY = "Any study", "No study"
BY_STUDY = "By study"
ROWS_A_PAGE = 20

_LOWEST = float("-inf")
_ORDERS: Mapping[str, tuple[Callable[[Member], Any], bool]] = {
    "Newest first": (lambda member: member.run.id, True),
    "Name": (lambda member: (member.name.lower(), member.run.id), False),
    "State": (lambda member: (member.status.state, member.run.id), False),
    "Test accuracy": (lambda member: _last(member, "test_accuracy"), True),
    "Time": (lambda member: float(member.metrics["seconds"].sum()), True),
}
ORDERS = (BY_STUDY, *_ORDERS)
BY_METRICS = ("Test accuracy", "Time")


@dataclass(frozen=True)
class Wanted:
    """What a person asked to see; text: words of which each must stand in the name, settings or id."""

    text: str = ""
    states: tuple[str, ...] = ()
    study: str = ANY_STUDY
    order: str = BY_STUDY

    @property
    def is_narrowed(self) -> bool:
        """True where some runs may be left out."""
        return bool(self.text.split() or self.states or self.study != ANY_STUDY)


def matching(members: Sequence[Member], wanted: Wanted) -> list[Member]:
    """Returns the runs that fit everything that was asked for, in their order."""
    words = wanted.text.lower().split()
    return [
        member
        for member in members
        if (not wanted.states or member.status.state in wanted.states)
        and wanted.study in (ANY_STUDY, member.study or NO_STUDY)
        and all(word in _spoken(member) for word in (words or ()))
    ]


def grouped(members: Sequence[Member], order: str, *, featured: str | None) -> list[tuple[str, list[Member]]]:
    """Returns the runs under headings: by study with the featured one first, or all of them in one order."""
    if order != BY_STUDY:
        key, falling = _ORDERS[order]
        return [(f"All runs, {order.lower()}", sorted(members, key=key, reverse=falling))] if members else []
    groups = studies.by_study(members)
    first = [("Its runs", groups.pop(featured))] if featured is not None and featured in groups else []
    return first + [(f"Study {name}" if name else "Runs without a study", of) for name, of in groups.items()]


def page_of(
    groups: Sequence[tuple[str, list[Member]]], page: int, rows: int = ROWS_A_PAGE
) -> list[tuple[str, int, list[Member]]]:
    """Returns the part of the list on one page, from 1: heading, place of its first run, runs to show."""
    first, shown = (page - 1) * rows, []
    for title, members in groups:
        start, end = max(0, first), min(len(members), first + rows)
        if start < end:
            shown.append((title, start, members[start:end]))
        first -= len(members)
    return shown


def _spoken(member: Member) -> str:
    chips = " ".join(value for _, value in naming.chips(member.config))
    return f"{member.name} {member.study} {chips} {member.run.id}".lower()


def _last(member: Member, metric: str) -> float:
    values = member.metrics[metric].dropna()
    return float(values.iloc[-1]) if len(values) else _LOWEST
