"""The runs of a study with what pages need of them, and how far the study as a whole has come."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pandas import DataFrame

from app import naming
from app.runs import cost
from store.run import Run, Status

DEMO = "demo"  # how the names of demo studies begin


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
    def study(self) -> str:
        """The study that the run names, "" where it is of none."""
        return str(self.config.get("study") or "")

    @property
    def seed(self) -> int:
        """The seed of the run; 0 where it names none."""
        return int(str(self.config.get("seed") or 0))

    @property
    def class_names(self) -> list[str]:
        """What the classes are called, by label; empty before the engine has loaded the data."""
        names = self.about.get("class_names")
        return [str(name) for name in names] if isinstance(names, list) else []

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
        groups.setdefault(member.study, []).append(member)
    for name, group in groups.items():
        if name:
            group.sort(key=lambda member: (member.run.id[:15], member.config.get("seed", 0), member.name))
    return groups


def by_method(members: Sequence[Member]) -> list[list[Member]]:
    """Groups runs that differ in nothing but their seed, in order of appearance.

    The seeds of what a run draws before it trains, such as its wrong labels, go with its own, as in studies;
    only where runs of one seed differ in them they tell methods apart.
    """
    alike: dict[str, list[Member]] = {}
    for member in members:
        alike.setdefault(naming.method_key(member.config, draws=False), []).append(member)
    found: list[list[Member]] = []
    for group in alike.values():
        apart: dict[str, list[Member]] = {}
        for member in group:
            apart.setdefault(naming.method_key(member.config), []).append(member)
        seeds = [seed for own in apart.values() for seed in {member.seed for member in own}]
        found.extend([group] if len(seeds) == len(set(seeds)) else apart.values())
    return found


def featured(groups: Mapping[str, Sequence[object]]) -> str | None:
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


def one_a_seed(group: Sequence[Member]) -> list[Member]:
    """Returns the newest finished run of each seed, else its newest one: one that was repeated counts once.

    Every page takes them from here, so that none counts a run which another leaves out.
    """
    by_age = sorted(group, key=lambda member: (member.status.state == "done", member.run.id))
    newest = {member.config.get("seed"): member for member in by_age}
    return [member for member in group if newest[member.config.get("seed")] is member]
