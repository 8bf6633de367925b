"""What the buttons of Runs do: each acts through files, and says in a sentence why it could not.

A second click, or one in another tab that still shows the state before, therefore harms nothing.
"""

from collections.abc import Callable

import streamlit as st

from app import cards, launch
from store.run import Run


def act(action: Callable[..., object], *arguments: object) -> None:
    """Does something to runs; a refusal becomes a sentence that goes away by itself."""
    try:
        action(*arguments)
    except (*cards.SAID, launch.NoSupervisor, FileNotFoundError, ValueError) as refusal:
        st.toast(_sentence(refusal), icon=":material/info:")


def button(
    label: str, action: Callable[..., object], *arguments: object, key: str, hint: str, disabled: bool = False
) -> None:
    """Draws a button that acts on what it was drawn for."""
    st.button(label, key=key, on_click=act, args=(action, *arguments), help=hint, disabled=disabled)


def ask(
    label: str, question: str, action: Callable[[Run], object], run: Run, *, key: str, words: str
) -> None:
    """Draws a button that asks before it acts; label and words: icon and text of the two buttons."""
    with st.popover(label, key=f"ask_{key}", help=words):
        st.markdown(question)
        st.button(words, key=key, type="primary", on_click=act, args=(action, run))


def _sentence(refusal: Exception) -> str:
    return "It was deleted meanwhile." if isinstance(refusal, FileNotFoundError) else str(refusal)
