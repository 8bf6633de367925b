"""Which samples the arrows step through: all, the selection, the suspects, or what a search found.

The list belongs to the address of the page, so that a link leads through the same samples.
"""

import streamlit as st

from app import cached, focus
from app.searching import conditions, drawing, found
from store.run import Run

ALL, SELECTION, SUSPICIOUS, SEARCH, CURVE = LISTS = (
    "All samples", "Selection", "Most suspicious", "Search", "Drawn curve",
)  # fmt: skip
SUSPECTS = 200
_LIST, _ENTERED = "samples_list", "samples_entered"


def pick() -> str:
    """Draws the choice of a list and returns it."""
    asked = focus.choice("list")
    st.session_state[_LIST] = asked if asked in LISTS else ALL
    chosen = st.segmented_control(
        "List", LISTS, required=True, key=_LIST, on_change=_enter,
        help="What the arrows step through: all samples, those selected on the map, the suspects, or those "
        "that a search by conditions or by a drawn curve found",
    )  # fmt: skip
    return str(chosen)


def listed(run: Run, name: str, samples: int) -> list[int] | range:
    """Returns the ids of the samples in a list, in its order; samples: how many the run has."""
    if name == SELECTION:
        return [sample_id for sample_id in focus.selection() if sample_id < samples]
    if name == SUSPICIOUS:
        return [int(sample_id) for sample_id in cached.suspects(run, "mean_rank", SUSPECTS)["sample_id"]]
    if name == SEARCH:
        return found.by_conditions(run, conditions.asked(run)).tolist()
    if name == CURVE:
        wanted = drawing.asked()
        return [] if wanted is None else found.by_curve(run, wanted).ids.tolist()
    return range(samples)


def was_entered() -> bool:
    """Says, once, whether the list was chosen just now."""
    return bool(st.session_state.pop(_ENTERED, False))


def _enter() -> None:
    chosen = st.session_state[_LIST]
    focus.choose("list", None if chosen == ALL else chosen)
    st.session_state[_ENTERED] = True
