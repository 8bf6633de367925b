"""Groups: runs that differ in nothing but their seed, which is what an ablation compares."""

from collections.abc import Sequence
from dataclasses import dataclass

from app import naming
from app.studies.members import Member, by_method, one_a_seed


@dataclass(frozen=True)
class Group:
    """The runs of one configuration: the newest of each seed that has an epoch, by seed."""

    name: str
    key: str
    place: int
    members: tuple[Member, ...]

    @property
    def n(self) -> int:
        """How many seeds the group has."""
        return len(self.members)


def grouped(members: Sequence[Member]) -> list[Group]:
    """Returns the groups of runs with at least one epoch, in order of appearance.

    Their place says which colour is theirs, the same in every chart. Of a repeated seed the newest
    finished run counts.
    """
    alike = [
        sorted(one_a_seed(found), key=lambda member: member.seed)
        for found in by_method([member for member in members if len(member.metrics)])
    ]
    names = naming.methods([found[0].config for found in alike])
    return [
        Group(name, naming.method_key(found[0].config), place, tuple(found))
        for place, (name, found) in enumerate(zip(names, alike, strict=True))
    ]
