"""Controls of the Ablations page that remember what was chosen in the address, so that a link reproduces it.

Streamlit drops a control that is not on screen; what was chosen therefore lives in app/focus.py and the
control is set to it each time it is drawn.
"""

import hashlib
from collections.abc import Mapping, Sequence

import streamlit as st

from app import cards, focus
from app.ablations.groups import Group

_BETWEEN = ","
_PINNED = 4  # groups in colour while nobody has chosen, where there are more than colours


def token(group: Group) -> str:
    """Returns a short text for the address that stands for a group as long as its settings stay."""
    return hashlib.sha256(group.key.encode()).hexdigest()[:8]


def segmented(label: str, name: str, options: Mapping[str, str]) -> str:
    """Draws options, value by what it is called, beside each other; the first one is the default.

    The label is for screen readers alone.
    """
    key = _set(name, _one_of(name, options))
    st.segmented_control(
        label, list(options), format_func=lambda value: options.get(value, value), key=key, required=True,
        on_change=_take, args=(name, key), label_visibility="collapsed",
    )  # fmt: skip
    return _one_of(name, options)


def selected(label: str, name: str, options: Mapping[str, str], *, default: str | None = None) -> str:
    """Draws options, value by what it is called, as a list of which one is chosen."""
    key = _set(name, _one_of(name, options, default))
    st.selectbox(
        label, list(options), format_func=lambda value: options.get(value, value), key=key,
        on_change=_take, args=(name, key),
    )  # fmt: skip
    return _one_of(name, options, default)


def several(label: str, name: str, options: Mapping[str, str], *, default: Sequence[str] = ()) -> list[str]:
    """Draws options of which any number is chosen and returns those, in the order of their choice."""
    key = _set(name, _some_of(name, options, default))
    st.multiselect(
        label, list(options), format_func=lambda value: options.get(value, value), key=key,
        on_change=_take_several, args=(name, key),
    )  # fmt: skip
    return _some_of(name, options, default)


def switched(label: str, name: str, *, hint: str | None = None) -> bool:
    """Draws a switch that is off until somebody turns it on."""
    key = _set(name, focus.choice(name) == "1")
    st.toggle(label, key=key, on_change=_take_switch, args=(name, key), help=hint)
    return focus.choice(name) == "1"


def pinned(groups: Sequence[Group]) -> list[str]:
    """Returns the keys of the groups in colour; asks where there are more groups than colours."""
    if len(groups) > _most_colors():
        several("In colour", "pins", _named(groups), default=list(_named(groups))[:_PINNED])
    return in_color(groups)


def in_color(groups: Sequence[Group]) -> list[str]:
    """Returns the keys of the groups that are in colour now, without asking."""
    if len(groups) <= _most_colors():
        return [group.key for group in groups]
    names = _named(groups)
    chosen = _some_of("pins", names, list(names)[:_PINNED])[: _most_colors()]
    return [group.key for group in groups if token(group) in chosen]


def _most_colors() -> int:
    return len(cards.colors().categorical)


def _named(groups: Sequence[Group]) -> dict[str, str]:
    return {token(group): group.name for group in groups}


def _set(name: str, value: object) -> str:
    key = f"pick_{name}"
    st.session_state[key] = value
    return key


def _one_of(name: str, options: Mapping[str, str], default: str | None = None) -> str:
    chosen = focus.choice(name)
    if chosen is not None and chosen in options:
        return chosen
    return next(iter(options)) if default is None else default


def _some_of(name: str, options: Mapping[str, str], default: Sequence[str]) -> list[str]:
    chosen = focus.choice(name)
    asked = default if chosen is None else chosen.split(_BETWEEN)
    return [value for value in asked if value in options]


def _take(name: str, key: str) -> None:
    focus.choose(name, st.session_state[key])


def _take_several(name: str, key: str) -> None:
    focus.choose(name, _BETWEEN.join(st.session_state[key]))


def _take_switch(name: str, key: str) -> None:
    focus.choose(name, "1" if st.session_state[key] else "")
