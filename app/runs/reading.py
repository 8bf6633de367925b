"""Runs read for a long list: of most of them only what their small files say, their metrics when drawn.

Asking two hundred runs for their metrics takes half a minute on a fresh server; a page shows twenty.
"""

from collections.abc import Sequence
from dataclasses import replace

from pandas import DataFrame

from app import cached
from app.studies.members import Member
from store.errors import RunIsForeign
from store.run import Run
from store.schema import METRIC_COLUMNS


def listed(runs: Sequence[Run]) -> tuple[list[Member], list[tuple[Run, str]]]:
    """Returns the runs without their metrics, and apart the damaged ones, each with what is wrong with it."""
    nothing = DataFrame(columns=[column.name for column in METRIC_COLUMNS], dtype=float)
    members, damaged = [], []
    for run in runs:
        try:
            run.last_epoch()  # finds a part that is missing, and opens none
            members.append(Member(run, run.config(), run.status(), nothing, run.about()))
        except RunIsForeign as error:
            damaged.append((run, str(error)))
    return members, damaged


def with_metrics(member: Member) -> Member:
    """Returns the run with its metrics; RunIsForeign where they cannot be read."""
    return replace(member, metrics=cached.metrics(member.run))


def readable(members: Sequence[Member]) -> list[Member]:
    """Returns the runs with their metrics, without those whose metrics cannot be read."""
    read = []
    for member in members:
        try:
            read.append(with_metrics(member))
        except RunIsForeign:
            continue  # its own row says so
    return read
