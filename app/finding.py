"""The finding of a study: one suspicious image, its history, and why it was dropped.

It is the first thing a person sees, so it answers a question instead of asking for a choice.
"""

from pandas import DataFrame

import streamlit as st

from app import cached, cards, focus, markup, naming, picture, reasons, wording
from store.run import Run


def draw(run: Run, sample_id: int, epoch: int) -> None:
    """Draws the card of one suspect of a run, dropped in this epoch."""
    history = cached.history(run, [sample_id])
    names = run.about().get("class_names", [])
    why = cached.why(run, sample_id, epoch)
    label, true_label = int(history["label"].iloc[0]), history["true_label"].iloc[0]
    image, words = st.columns([1, 4.4], gap="medium", vertical_alignment="center")
    with image:
        cards.html(picture.picture(run, sample_id, says=f"sample {sample_id}"))
    with words:
        st.markdown(f"### {headline(history, names)}", anchors=False)
        known = (
            f"The label was flipped on purpose: it is a {_name(names, true_label)}. "
            if label != true_label
            else ""
        )
        st.markdown(
            f"{known if wording.is_known(true_label) else ''}{sentence(history, epoch)} "
            f"{reasons.reason(why, naming.strategy(run.config()))}"
        )
        cards.html(_life(history))
        if st.button(
            "See its whole life", type="primary", key="finding_open", icon=":material/arrow_forward:"
        ):
            focus.go("samples", run=run.id, sample=sample_id, epoch=epoch)


def headline(history: DataFrame, names: list[str]) -> str:
    """Returns "Labelled three, looks like eight", from the class the model preferred most often."""
    label = int(history["label"].iloc[0])
    other = history["prediction"].dropna()
    other = other[other != label]
    labelled = f"Labelled {_name(names, label)}"
    return f"{labelled}, looks like {_name(names, other.mode().iloc[0])}" if len(other) else labelled


def sentence(history: DataFrame, epoch: int) -> str:
    """Returns how often it was kept, up to the newest epoch."""
    kept = int(history["selected"].sum())
    return f"Kept in {kept} of {wording.plural(len(history), 'epoch')}, and dropped in epoch {epoch}."


def _life(history: DataFrame) -> str:
    loss = history["loss"].tolist()
    spark = markup.sparkline(loss, says=f"loss over {len(loss)} epochs", low=0.0)
    strip = markup.strip(history["selected"].astype(bool).tolist())
    return (
        '<div class="ut-life"><span class="ut-muted">loss</span>'
        f'{spark}<span class="ut-muted">kept</span>{strip}</div>'
    )


def _name(names: list[str], label: float) -> str:
    place = int(label)
    return names[place] if place < len(names) else str(place)
