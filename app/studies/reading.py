"""Runs read for a page: what each needs of a run, and apart the damaged ones with what is wrong with them.

Every page that shows several runs reads them here, so one that cannot be read never takes the others along.
Asking two hundred runs for their metrics takes half a minute on a fresh server: a list reads the small files
of all, and metrics only of what it draws.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import streamlit as st
from pandas import DataFrame

from app import cached
from app.studies import measures, results
from app.studies.members import Member
from app.studies.results import Outcome
from store.errors import RunIsForeign
from store.run import Run, default_root, find_run, find_runs
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


def with_metrics(members: Sequence[Member]) -> tuple[list[Member], list[tuple[Run, str]]]:
    """Returns listed runs with their metrics, and apart those whose metrics cannot be read, as above."""
    read, damaged = [], []
    for member in members:
        try:
            read.append(replace(member, metrics=cached.metrics(member.run)))
        except RunIsForeign as error:
            damaged.append((member.run, str(error)))
    return read, damaged


def read(runs: Sequence[Run]) -> tuple[list[Member], list[tuple[Run, str]]]:
    """Returns the runs with their metrics, and apart the damaged ones, each with what is wrong with it."""
    members, torn = listed(runs)
    whole, damaged = with_metrics(members)
    return whole, torn + damaged


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
