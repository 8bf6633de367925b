"""What a search found, kept while nothing changes.

The curves of one signal of a whole run are large, 40 MB at 50,000 samples and 200 epochs, so only those that
were searched last are kept.
"""

from collections.abc import Sequence

import streamlit as st
from numpy import ndarray

from app.searching.drawing import Drawn
from store.questions import curves, search
from store.questions.curves import Nearest
from store.questions.search import Term
from store.run import Run, default_root, find_run

TOP = 48  # nearest curves that are shown
KEPT_ANSWERS = 16


def by_conditions(run: Run, terms: Sequence[Term]) -> ndarray:
    """Returns the ids of the samples for which all terms hold, ascending."""
    pairs = tuple((term.name, term.value) for term in terms)
    answer: ndarray = _by_conditions(run.id, run.data_version(), pairs)
    return answer


def by_curve(run: Run, drawn: Drawn) -> Nearest:
    """Returns the samples whose curves are nearest to the drawn one."""
    return Nearest(*_by_curve(run.id, run.data_version(), drawn))


def of_signal(run: Run, signal: str) -> ndarray:
    """Returns a signal of all samples by epoch, (N, E) float32; nobody may change it."""
    answer: ndarray = _curves(run.id, run.data_version(), signal)
    return answer


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _by_conditions(run_id: str, version: str, pairs: tuple[tuple[str, float], ...]) -> ndarray:  # noqa: ARG001 - part of the key
    return search.find(find_run(default_root(), run_id), [Term(*pair) for pair in pairs])


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False, hash_funcs={Drawn: str})
def _by_curve(run_id: str, version: str, drawn: Drawn) -> tuple[ndarray, ndarray, int]:
    known = _curves(run_id, version, drawn.signal)
    found = curves.nearest(known, drawn.at_epochs(known.shape[1]), by=drawn.by, top=TOP)
    return found.ids, found.distances, found.compared


@st.cache_resource(max_entries=1, show_spinner=False)
def _curves(run_id: str, version: str, signal: str) -> ndarray:  # noqa: ARG001 - part of the key
    return curves.matrix(find_run(default_root(), run_id), signal)
