"""Pages that follow what trains: they look every two seconds for anything new, and draw only then."""

from collections.abc import Sequence

import streamlit as st

from store.errors import RunIsForeign
from store.run import Run

LIVE_SECONDS = 2.0

_Version = tuple[str, str, str]


def follow(runs: Sequence[Run]) -> None:
    """Draws the whole page again once one of these runs has a new epoch or another state.

    Nothing is asked where all of them are over.
    """
    if any(not run.status().is_over for run in runs):
        st.fragment(_watch, run_every=LIVE_SECONDS)(runs, _versions(runs))


def _watch(runs: Sequence[Run], seen: Sequence[_Version]) -> None:
    if _versions(runs) != seen:
        st.rerun()


def _versions(runs: Sequence[Run]) -> list[_Version]:
    return [(run.id, _version(run), run.status().state) for run in runs]


def _version(run: Run) -> str:
    try:
        return run.data_version()
    except RunIsForeign:
        return "damaged"
