"""Runs read for a page: what each needs of a run, and apart the damaged ones with what is wrong with them.

Every page that shows several runs reads them here, so one that cannot be read never takes the others along.
"""

from collections.abc import Sequence

from app import cached
from app.studies.members import Member
from store.errors import RunIsForeign
from store.run import Run


def read(runs: Sequence[Run]) -> tuple[list[Member], list[tuple[Run, str]]]:
    """Returns the runs as a page needs them, and apart the damaged ones, each with what is wrong with it."""
    members, damaged = [], []
    for run in runs:
        try:
            members.append(member(run))
        except RunIsForeign as error:
            damaged.append((run, str(error)))
    return members, damaged


def member(run: Run) -> Member:
    """Returns one run as a page needs it; RunIsForeign where it is damaged."""
    return Member(
        run=run, config=run.config(), status=run.status(), metrics=cached.metrics(run), about=run.about()
    )
