"""The card that downloads which samples each epoch trained on.

A page of its own would hide it; any page that looks at one run can draw it.
"""

from functools import partial

import streamlit as st

from app import cached, cards, markup, wording
from app.exporting import kept_export
from store.run import Run


def draw(run: Run) -> None:
    """Draws the card with a button a format; the file is written when it is asked for."""
    rows = wording.count(float(cached.metrics(run)["kept"].sum()))
    note = (
        f"{rows} rows over {wording.plural(run.last_epoch() + 1, 'epoch')}: the samples that each epoch "
        "trained on, to train on the same ones elsewhere"
    )
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="card_kept_ids"):
        cards.html(markup.head("Selected ids by epoch", note))
        for form in kept_export.FORMATS:
            st.download_button(
                form.name, data=partial(form.write, run), mime=form.mime, on_click="ignore",
                file_name=kept_export.file_name(run, form.ending), key=f"kept_ids_{form.ending}",
                icon=":material/download:", help=form.holds,
            )  # fmt: skip
