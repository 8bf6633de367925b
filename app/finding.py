"""The finding of a study: one suspicious image, its history, and why it was dropped.

It is the first thing a person sees, so it answers a question instead of asking for a choice.
"""

import streamlit as st
from pandas import DataFrame

from app import cached, cards, focus, markup, picture, wording
from app.samples import reasons
from store.queries import Why
from store.run import Run


def draw(run: Run, sample_id: int, epoch: int) -> None:
    """Draws the card of one suspect of a run, dropped in this epoch."""
    history = cached.history(run, [sample_id])
    names = run.about().get("class_names", [])
    why = cached.why(run, sample_id, epoch)
    image, words = st.columns([1, 4.4], gap="medium", vertical_alignment="center")
    with image:
        cards.html(picture.picture(run, sample_id, says=f"sample {sample_id}"))
    with words:
        st.markdown(f"## {markup.markdown(headline(history, names))}", anchors=False)
        st.markdown(f"{_truth(history, names)}{reasons.reason(why, run.config())}")
        cards.html(_life(history, why))
        if st.button(
            "See its whole life", type="primary", key="finding_open", icon=":material/arrow_forward:"
        ):
            focus.go("samples", run=run.id, sample=sample_id, epoch=epoch)


def headline(history: DataFrame, names: list[str]) -> str:
    """Returns "Labelled three, predicted eight in 2 of 4 visits", of the other class predicted most often."""
    label = int(history["label"].iloc[0])
    visits = history["prediction"].dropna()
    others = visits[visits != label].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    labelled = f"Labelled {_name(names, label)}"
    if others.empty:
        return labelled
    times = f"in {others.iloc[0]} of {wording.plural(len(visits), 'visit')}"
    return f"{labelled}, predicted {_name(names, others.index[0])} {times}"


def last_seen(history: DataFrame, name: str, epoch: int) -> str:
    """Returns a value in this epoch, else "2.30, last seen in epoch 10"; "–" before the first visit."""
    seen = history[history["epoch"] <= epoch].dropna(subset=[name]).tail(1)
    if seen.empty:
        return wording.UNKNOWN
    visit, value = int(seen["epoch"].iloc[0]), wording.number(seen[name].iloc[0])
    return value if visit == epoch else f"{value}, last seen in epoch {visit}"


def _truth(history: DataFrame, names: list[str]) -> str:
    label, true_label = history["label"].iloc[0], history["true_label"].iloc[0]
    if not wording.is_known(true_label):
        return ""
    truth = f"Its true label is **{markup.markdown(_name(names, true_label))}**"
    return f"{truth}; the wrong one was planted. " if label != true_label else f"{truth}. "


def _life(history: DataFrame, why: Why) -> str:
    kept = history["selected"].astype(bool).tolist()
    rows = [
        (
            name,
            markup.sparkline(
                history[name].tolist(), says=f"{name} over {len(history)} epochs", low=0.0, high=high
            ),
            wording.number(why.score) if name == "score" else last_seen(history, name, why.epoch),
        )
        for name, high in (("loss", None), ("confidence", 1.0), ("score", None))
    ]
    rows.append(("kept", markup.strip(kept, now=why.epoch), f"{sum(kept)} of {len(kept)}"))
    cells = (f'<span class="ut-muted">{name}</span>{line}<span>{last}</span>' for name, line, last in rows)
    return f'<div class="ut-life">{"".join(cells)}</div>'


def _name(names: list[str], label: float) -> str:
    place = int(label)
    return names[place] if place < len(names) else str(place)
