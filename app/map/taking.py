"""What a person did on a map becomes the epoch and the selection that all pages share, each event once.

A rerun sees the last event of a map again, so its serial is remembered, for each map of the page by its key.
"""

import streamlit as st

import app.map as epoch_map
from app import focus
from app.map.keyframes import Keyframes
from app.map.lasso import Lasso

_SEEN = "map_seen"  # serials of the events of the maps that were already taken
_LASSO = "map_lasso"  # the lasso that the selection is already of


def take_moment(key: str = epoch_map.KEY) -> None:
    """Makes the epoch that a map was left at the one that all pages show."""
    moment = epoch_map.event("moment", key)
    epoch = moment.get("epoch")
    if _is_new("moment", key, moment.get("serial")) and isinstance(epoch, int):
        st.session_state["epoch"] = epoch


def take_choice(frames: Keyframes, key: str = epoch_map.KEY) -> None:
    """Makes what was lassoed or clicked the selection that all pages share; neither of them clears it."""
    choice = epoch_map.event("choice", key)
    if not _is_new("choice", key, choice.get("serial")):
        return
    lasso, sample = Lasso.received(choice), choice.get("sample")
    if lasso is not None:
        _select_inside(lasso, frames)
    elif isinstance(sample, int) and sample in frames.ids:
        focus.select([sample])
        st.session_state["sample"] = sample
    else:
        focus.select([])


def take_link(frames: Keyframes) -> None:
    """Selects what the lasso of an opened link surrounds; links with few samples name them instead."""
    text = st.session_state.get("lasso")
    if text is None or (focus.selection() and text == st.session_state.get(_LASSO)):
        return
    lasso = Lasso.parse(text)
    if lasso is None:
        st.session_state["lasso"] = None
    else:
        _select_inside(lasso, frames)


def answered(key: str = epoch_map.KEY) -> int | None:
    """Returns the serial of the last choice on a map that the selection already answers."""
    return _seen("choice", key)


def _select_inside(lasso: Lasso, frames: Keyframes) -> None:
    st.session_state[_LASSO] = str(lasso)
    focus.select(lasso.ids(frames).tolist(), lasso=str(lasso))


def _is_new(name: str, key: str, serial: object) -> bool:
    """Says whether an event was not yet taken, and remembers it."""
    if not isinstance(serial, int) or serial == _seen(name, key):
        return False
    st.session_state[_SEEN] = {**st.session_state.get(_SEEN, {}), (key, name): serial}
    return True


def _seen(name: str, key: str) -> int | None:
    serial: int | None = st.session_state.get(_SEEN, {}).get((key, name))
    return serial
