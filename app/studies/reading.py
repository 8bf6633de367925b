"""Runs read for a page: what each needs of a run, and apart the damaged ones with what is wrong with them.

Every page that shows several runs reads them here, so one that cannot be read never takes the others along.
"""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from app import cached
from app.studies import measures, results
from app.studies.members import Member
from app.studies.results import Outcome
from store.errors import RunIsForeign
from store.run import Run, default_root, find_run, find_runs


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


def outcome(study: str, members: Sequence[Member]) -> Outcome:
    """Returns what a study shows so far, the measures of each run read once."""
    return results.outcome(study, members, results.measured(study, members, _value))


def _value(run: Run, measure: str) -> float:
    return _kept_value(run.id, run.data_version(), measure)


@st.cache_data(max_entries=2048, show_spinner=False)
def _kept_value(run_id: str, version: str, measure: str) -> float:  # noqa: ARG001 - part of the key
    return measures.value(find_run(default_root(), run_id), measure)


def mates(run: Run) -> list[Run]:
    """Returns the readable runs of the same study that have an epoch; this one alone without a study."""
    study = run.config().get("study")
    found = []
    for mate in find_runs(default_root()) if study else [run]:
        with suppress(RunIsForeign):  # Runs says which one is damaged
            if mate.config().get("study") == study and len(cached.metrics(mate)):
                found.append(mate)
    return found
