"""How groups are told apart on screen: a colour by place, and a dash by the family of their strategy.

The palettes hold eight colours that people with any colour vision can tell apart; where there are more
groups all are grey but those that the person pins.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from app import wording
from app.ablations.groups import Group
from app.theme import Palette

LONGEST = 48  # letters of the name of a group
# Plotly's "dot" is left out: curves use it for what is missing seeds.
DASHES = ("solid", "dash", "dashdot", "longdash", "longdashdot")


class Look(NamedTuple):
    """How groups are drawn: in which palette, with which of bands.BANDS, and which keys are in colour."""

    palette: Palette
    band: str
    pinned: Sequence[str]

    def colors(self, groups: Sequence[Group]) -> dict[str, str]:
        """Returns a colour by group key."""
        return colors_of(groups, self.palette, pinned=self.pinned)


def colors_of(groups: Sequence[Group], palette: Palette, *, pinned: Sequence[str] = ()) -> dict[str, str]:
    """Returns a colour by group key; with more groups than colours only the pinned keys get one."""
    colors = palette.categorical
    if len(groups) <= len(colors):
        return {group.key: colors[group.place % len(colors)] for group in groups}
    given = dict(zip((group.key for group in groups if group.key in pinned), colors, strict=False))
    return {group.key: given.get(group.key, palette.muted) for group in groups}


def dashes_of(groups: Sequence[Group]) -> dict[str, str]:
    """Returns a dash by group key: one for each kind of strategy, in order of appearance."""
    families = list(dict.fromkeys(_family(group) for group in groups))
    return {group.key: DASHES[families.index(_family(group)) % len(DASHES)] for group in groups}


def briefly(groups: Sequence[Group]) -> list[Group]:
    """Returns the groups with names that fit a line; of names that then are equal each gets its number."""
    names = [wording.shortened(group.name, LONGEST) for group in groups]
    brief = []
    for place, (group, name) in enumerate(zip(groups, names, strict=True), start=1):
        brief.append(replace(group, name=f"{name} ({place})" if names.count(name) > 1 else name))
    return brief


def seeds(groups: Sequence[Group]) -> str:
    """Writes how many seeds the groups have, and that one seed has no band."""
    fewest, most = min(group.n for group in groups), max(group.n for group in groups)
    if most == 1:
        return "one seed (n = 1) a group, which has no band"
    n = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"n = {n} seeds a group{'; one seed has no band' if fewest == 1 else ''}"


def _family(group: Group) -> str:
    strategy = group.members[0].config.get("strategy")
    return str(strategy.get("kind")) if isinstance(strategy, dict) else ""
