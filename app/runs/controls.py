"""What acts on the whole list: how many runs train at once, stop all, delete several, search and order.

Search and filters appear with many runs only; a short list is read faster than a form.
"""

from collections.abc import Sequence
from typing import get_args

import streamlit as st

from app import queue, wording
from app.runs import listing, several
from app.runs.actions import act
from app.runs.listing import Wanted
from app.studies import reading
from app.studies.members import Member
from store.run import default_root
from store.status import State

MANY = 20

_SLOTS, _CHOSEN = "runs_slots", "runs_to_delete"


def draw(members: Sequence[Member], wanted: Wanted) -> None:
    """Draws the row that acts on several runs at once; deleting offers those that are listed."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs_controls"):
        _slots()
        st.caption(_going(members), width="stretch")
        _stop_all(sum(not member.status.is_over for member in members))
        _delete_several([member for member in listing.matching(members, wanted) if member.status.is_over])


def ask(members: Sequence[Member]) -> Wanted:
    """Draws search, filters and order where there are many runs; returns what was asked for."""
    if len(members) <= MANY:
        return Wanted()
    studies = list(dict.fromkeys(member.study for member in members if member.study))
    name, states, study, order = st.columns([2, 1.6, 1.2, 1.2], gap="small")
    return Wanted(
        text=name.text_input(
            "Search", key="runs_search", placeholder="Name, setting or id", label_visibility="collapsed"
        ),
        states=tuple(
            states.multiselect(
                "State", get_args(State), key="runs_states", placeholder="Any state",
                label_visibility="collapsed",
            )
        ),
        study=study.selectbox(
            "Study", [listing.ANY_STUDY, *studies, listing.NO_STUDY], key="runs_study",
            label_visibility="collapsed",
        ),
        order=order.selectbox("Order", listing.ORDERS, key="runs_order", label_visibility="collapsed"),
    )  # fmt: skip


def _slots() -> None:
    now = queue.at_once(default_root())
    elsewhere = st.session_state.get(_SLOTS, now) != now  # another tab has changed it
    if elsewhere:
        st.session_state[_SLOTS] = now
    words, number = st.container(width="content"), st.container(width=110)
    words.markdown("Train at once", help="Runs that train side by side; more than cores makes each slower")
    # The default too: a browser that missed the first drawing would answer with the least.
    number.number_input(
        "Train at once", 1, queue.MOST_SLOTS, "min" if elsewhere else now, key=_SLOTS,
        label_visibility="collapsed", on_change=_take_slots,
    )  # fmt: skip


def _take_slots() -> None:
    act(queue.set_slots, default_root(), int(st.session_state[_SLOTS]))


def _going(members: Sequence[Member]) -> str:
    waiting = sum(member.status.state == "queued" for member in members)
    training = sum(member.status.is_alive for member in members)
    if not waiting and not training:
        return wording.plural(len(members), "run")
    return f"{wording.plural(len(members), 'run')}: {wording.count(training)} training, {waiting} waiting"


def _stop_all(going: int) -> None:
    with st.popover(
        "Stop all", icon=":material/stop_circle:", disabled=not going, key="ask_stop_all",
        help="Stop all that train or wait",
    ):  # fmt: skip
        st.markdown(
            f"Stop {wording.plural(going, 'run')}? Each ends after its batch in work and can be resumed."
        )
        st.button(
            "Stop them", key="stop_all", type="primary", on_click=act, args=(several.stop_all, default_root())
        )


def _delete_several(over: Sequence[Member]) -> None:
    asked = st.popover(
        "Delete several", icon=":material/delete:", disabled=not over, key="ask_delete_several",
        on_change="rerun", help="Choose among the listed runs that are over",
    )  # fmt: skip
    if not asked.open:  # two hundred names are not sent every two seconds for nothing
        return
    with asked:
        runs = {member.run.id: member for member in over}
        known = [run_id for run_id in st.session_state.get(_CHOSEN, ()) if run_id in runs]
        st.session_state[_CHOSEN] = known
        chosen = st.multiselect(
            "Runs to delete", list(runs), key=_CHOSEN, format_func=lambda run_id: _name(runs, run_id)
        )
        st.button(f"Choose all {len(runs)}", key="choose_all", on_click=_choose, args=(list(runs),))
        read, _ = reading.with_metrics([runs[run_id] for run_id in chosen])
        seconds = sum(float(member.metrics["seconds"].sum()) for member in read)
        what = f"{wording.plural(len(chosen), 'run')}, {wording.duration(seconds)} of work"
        st.button(
            f"Delete {what} for good", key="delete_several", type="primary", disabled=not chosen,
            on_click=_delete, args=([runs[run_id] for run_id in chosen],),
        )  # fmt: skip


def _choose(run_ids: list[str]) -> None:
    st.session_state[_CHOSEN] = run_ids


def _delete(chosen: Sequence[Member]) -> None:
    st.session_state[_CHOSEN] = []
    act(several.delete_all, [member.run for member in chosen])


def _name(runs: dict[str, Member], run_id: str) -> str:
    member = runs.get(run_id)
    return f"{member.name} · {member.status.state} · {run_id}" if member else run_id
