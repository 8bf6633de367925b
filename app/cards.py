"""The pieces that pages are laid out from: header, chart card, badge card, empty and error states.

A card always has a title, what it is of (n, units), an alternative text, and a download where numbers stand
behind it; building it in one place is what keeps that promise.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import plotly.graph_objects as go
import streamlit as st
from pandas import DataFrame

from app import canvas, focus, markup, theme
from app.panel import Panel
from app.theme import Palette
from engine.config import InvalidConfig
from store.errors import DiskIsFull, IsReadOnly, RunIsBusy, RunIsForeign, RunNotFound
from store.run import Run

SAID = (RunIsForeign, RunNotFound, RunIsBusy, DiskIsFull, IsReadOnly, InvalidConfig)


def colors() -> Palette:
    """Returns the colours of the appearance that the person sees."""
    return theme.palette(st.context.theme.type)


def header(title: str, caption: str) -> None:
    """Draws the head of a page: its title and one line below."""
    st.title(title, anchor=False)
    st.caption(caption)


@contextmanager
def errors_said() -> Iterator[None]:
    """Shows a failure of the store or of a configuration as its sentence instead of a traceback."""
    try:
        yield
    except SAID as error:
        st.error(markup.sentence(error), icon=":material/error:")


def chart(title: str, figure: go.Figure, *, note: str, alt: str, table: DataFrame | None = None) -> None:
    """Draws a figure in a card; note: n and what is special, alt: its takeaway, table: what CSV downloads."""
    key = _key(title)
    with st.container(border=True, height="stretch", gap="xsmall", key=f"card_{key}"):
        head(title, note, table=table)
        st.plotly_chart(figure, theme=None, config=canvas.CONFIG, key=f"chart_{key}", alt=alt)


def panel(shown: Panel) -> None:
    """Draws a panel as a card; where there is nothing to draw it says why."""
    if shown.figure is not None:
        chart(shown.title, shown.figure, note=shown.note, alt=shown.alt, table=shown.table)
        return
    with st.container(border=True, height="stretch", key=f"card_{_key(shown.title)}"):
        head(shown.title)
        st.caption(shown.note)


def head(
    title: str, note: str = "", *, table: DataFrame | None = None, hint: str = "", name: str = ""
) -> None:
    """Draws the head of a card: its title, what it is of, and the button that downloads its numbers.

    name: of the file, where several cards of a page have the same title.
    """
    if table is None:
        html(markup.head(title, note, hint=hint))
        return
    key, numbers = _key(name or title), table.drop(columns=["histogram"], errors="ignore")
    with st.container(horizontal=True, gap="small", wrap=False, key=f"head_{key}"):
        html(markup.head(title, note, hint=hint))
        st.download_button(
            ":material/download:",
            data=lambda: numbers.to_csv(index=False).encode(),
            file_name=f"{key.replace('_', '-')}.csv",
            mime="text/csv",
            key=f"csv_{key}",
            on_click="ignore",
            type="tertiary",
            help="Download these numbers as CSV",
        )


def html(*pieces: str) -> None:
    """Draws HTML made by markup."""
    st.html(markup.block(*pieces))


def empty(what: str, action: str) -> None:
    """Draws an empty state: what will appear here, and what to do for it."""
    with st.container(border=True, horizontal_alignment="center"):
        st.space("small")
        st.markdown(f"**{what}**", text_alignment="center")
        st.markdown(action, text_alignment="center")
        st.space("small")


def run_with_epochs() -> Run | None:
    """Returns the run that is looked at; draws the empty state and returns None before its first epoch."""
    run = focus.run()
    if run is None:
        empty(
            "No run to look at yet",
            "Start one on the page New run, or `undertow demo` in a terminal; it appears here at once.",
        )
        return None
    if run.last_epoch() < 0:
        state = run.status().state
        empty(
            "No epoch has been recorded yet",
            f"The run is {state}. Its first epoch appears here once it ends; Runs shows how far it is.",
        )
        return None
    return run


def _key(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
