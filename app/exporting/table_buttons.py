"""The buttons that download a table: one a format, the same on every page.

A table may be longer than what is on screen, so it is made when somebody asks for it.
"""

from collections.abc import Callable
from functools import partial

import streamlit as st
from pandas import DataFrame

from app.exporting import export

_WRITERS = {"CSV": (export.csv, "text/csv"), "Parquet": (export.parquet, "application/vnd.apache.parquet")}


def draw(
    stem: str, table: Callable[[], DataFrame], *, key: str, hint: str | None = None, disabled: bool = False
) -> None:
    """Draws a button a format; stem: the name of the file without its ending.

    table runs in a thread of its own, where nothing that the session has cached may be used.
    """
    for name, (write, mime) in _WRITERS.items():
        st.download_button(
            name, data=partial(_file, write, table), mime=mime, key=f"{key}_{name}", on_click="ignore",
            file_name=f"{stem}.{name.lower()}", icon=":material/download:", help=hint, disabled=disabled,
        )  # fmt: skip


def _file(write: Callable[[DataFrame], bytes], table: Callable[[], DataFrame]) -> bytes:
    return write(table())
