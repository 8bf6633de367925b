"""Studies: questions that take several runs, from the amount before the click to the verdict with its n.

The results are one fragment that asks again every two seconds while something trains, as on Runs, and is
still otherwise.
"""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import cards, live, markup, wording
from app.studies import members as study
from app.studies import reading, result_card, start_card
from app.studies.members import Member
from store.run import Run, default_root, find_runs

TITLE, ICON = "Studies", ":material/science:"

STUDIES_A_PAGE = 5
PARTS = ("Results", "New study")


def render() -> None:
    """Draws the page; results refresh themselves while a run is queued or alive."""
    cards.header(
        TITLE, "A question, its arms and its seeds are fixed first; the verdict says how sure it is."
    )
    members, damaged = reading.listed(find_runs(default_root()))
    groups = _studies(members)
    if start_card.PART not in st.session_state:
        st.session_state[start_card.PART] = PARTS[0] if groups else PARTS[1]
    part = st.segmented_control(
        "Part",
        PARTS,
        key=start_card.PART,
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    _left_out(damaged)
    if part == PARTS[1]:
        _before_the_first(members, has_studies=bool(groups))
        start_card.draw()
        return
    is_busy = any(not member.status.is_over for member in members)
    st.fragment(_results, run_every=live.LIVE_SECONDS if is_busy else None)(is_busy)


def _before_the_first(members: Sequence[Member], *, has_studies: bool) -> None:
    """Says what there is beside what can be begun here: the demo, and runs that come first."""
    if not has_studies:
        st.caption("No study yet. Choose a question, or type `undertow demo` for a study of two minutes.")
    waiting = sum(member.status.state == "queued" for member in members)
    if waiting:
        are = "is" if waiting == 1 else "are"
        st.caption(
            f"{wording.plural(waiting, 'run')} {are} waiting for a free slot; what begins here comes after."
        )


def _results(was_busy: bool) -> None:
    with cards.errors_said():
        members, _ = reading.listed(find_runs(default_root()))
        if was_busy and all(member.status.is_over for member in members):
            st.rerun()
        groups = _studies(members)
        if not groups:
            _nothing_yet(members)
            return
        for name, group in _shown(groups):
            with cards.errors_said(), st.spinner(f"Reading {wording.plural(len(group), 'run')} of {name} …"):
                _study(name, group)


def _study(name: str, group: Sequence[Member]) -> None:
    members, damaged = reading.with_metrics(group)
    _left_out(damaged)
    if members:
        result_card.draw(name, members)


def _left_out(damaged: Sequence[tuple[Run, str]]) -> None:
    for _, sentence in damaged:
        st.error(f"Left out: {markup.sentence(sentence)}", icon=":material/error:")


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
