"""Studies: questions that take several runs, from the amount before the click to the verdict with its n.

The results are one fragment that asks again every two seconds while something trains, as on Runs, and is
still otherwise.
"""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import cards
from app.studies import members as study
from app.studies import reading, result_card, start_card
from app.studies.members import Member
from store.run import default_root, find_runs

TITLE, ICON = "Studies", ":material/science:"

LIVE_SECONDS = 2.0
STUDIES_A_PAGE = 5
PARTS = ("Results", "New study")


def render() -> None:
    """Draws the page; results refresh themselves while a run is queued or alive."""
    cards.header(
        TITLE, "A question, its arms and its seeds are fixed first; the verdict says how sure it is."
    )
    runs = find_runs(default_root())
    if start_card.PART not in st.session_state:
        st.session_state[start_card.PART] = PARTS[0] if _studies(reading.read(runs)[0]) else PARTS[1]
    part = st.segmented_control(
        "Part",
        PARTS,
        key=start_card.PART,
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    if part == PARTS[1]:
        start_card.draw()
        return
    is_busy = any(not run.status().is_over for run in runs)
    st.fragment(_results, run_every=LIVE_SECONDS if is_busy else None)(is_busy)


def _results(was_busy: bool) -> None:
    with cards.errors_said():
        members, damaged = reading.read(find_runs(default_root()))
        if was_busy and all(member.status.is_over for member in members):
            st.rerun()
        for _, sentence in damaged:
            st.error(sentence)
        groups = _studies(members)
        if not groups:
            _nothing_yet(members)
            return
        for name, group in _shown(groups):
            with cards.errors_said():
                result_card.draw(name, group)


def _studies(members: Sequence[Member]) -> dict[str, list[Member]]:
    """Returns the runs by study, the study of the newest run first."""
    return {name: group for name, group in study.by_study(members).items() if name}


def _shown(groups: Mapping[str, list[Member]]) -> list[tuple[str, list[Member]]]:
    pages = -(-len(groups) // STUDIES_A_PAGE)
    page = st.pagination(pages, key="studies_page") if pages > 1 else 1
    return list(groups.items())[(page - 1) * STUDIES_A_PAGE : page * STUDIES_A_PAGE]


def _nothing_yet(members: Sequence[Member]) -> None:
    waiting = " The runs here name no study." if members else ""
    cards.empty(
        "No study yet",
        f"Choose one under New study, or type `undertow demo` for a small one.{waiting} Each arm's values, "
        "their paired differences and a verdict appear here.",
    )
