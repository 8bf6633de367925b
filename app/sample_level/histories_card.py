"""The card of one sample's histories in both groups: every seed a thin line, each group's mean a bold one."""

import pandas as pd
import streamlit as st
from pandas import DataFrame

from app import cached, cards, focus, picture, wording
from app.ablations import choices
from app.sample_level import differing, sample_charts
from app.sample_level.differing_card import pick_measure
from app.sample_level.moderated import NoSpread
from app.sample_level.sides import Sides
from app.samples import history_charts, sample_life

TITLE = "One sample in both groups"
LISTED = 30
SIGNALS = ("clean_loss", *history_charts.PANELS, "kept")
FIRST_SIGNALS = ("clean_loss", "confidence", "kept")
_PICKER = "pick_of"


def draw(sides: Sides) -> None:
    """Draws the card, of the first sample by the chosen measure until another is chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        measure = pick_measure(sides)
        sample = _pick_sample(sides, _first(sides, measure))
        names = {name: _called(name) for name in SIGNALS}
        signals = choices.several("Signals", "signals", names, default=FIRST_SIGNALS)
    if not signals:
        cards.empty("No signal is chosen", "Choose one or more above; each gets a panel on the same epochs.")
        return
    frame = _histories(sides, sample)
    left, right = st.columns([1, 5], gap="medium")
    with left:
        _sample(sides, sample, frame)
    with right:
        figure = sample_charts.histories(
            frame, cards.colors(), signals=signals, colors=sides.colors, epoch=focus.epoch(sides.epoch)
        )
        note = (
            f"A: {sides.one.name}, {wording.plural(sides.one.n, 'seed')}; B: {sides.other.name}, "
            f"{wording.plural(sides.other.n, 'seed')}. Thin: a seed; bold: the mean of the seeds that have a "
            "value. Gaps: not visited in that epoch. Kept: share of the seeds that kept it."
        )
        cards.chart(
            TITLE, figure, note=note, alt=f"Histories of sample {sample}", table=_shown(frame, signals)
        )


def _called(signal: str) -> str:
    return "Kept" if signal == "kept" else history_charts.declared(signal).label


def _first(sides: Sides, measure: str) -> list[int]:
    """Returns the ids of the samples that differ most surely; none where nothing can be tested."""
    try:
        found = differing.tested(sides, measure)
    except (NoSpread, ValueError):
        return []
    return [int(sample) for sample in differing.listed(sides, found, measure, LISTED)["sample_id"]]


def _pick_sample(sides: Sides, first: list[int]) -> int:
    """Draws the list of samples, into which any other number can be typed, and returns the chosen one."""
    looked_at = focus.sample(sides.samples)
    offered = list(dict.fromkeys([*first, *([] if looked_at is None else [looked_at])])) or [0]
    asked = focus.choice("of") or ""
    chosen = int(asked) if asked.isdecimal() and int(asked) < sides.samples else offered[0]
    if chosen not in offered:
        offered.append(chosen)
    ranks = {sample: f"#{sample}, {place}. by p" for place, sample in enumerate(first, start=1)}
    st.session_state[_PICKER] = str(chosen)
    st.selectbox(
        "Sample", [str(sample) for sample in offered], key=_PICKER, on_change=_take_sample, width=220,
        format_func=lambda text: ranks.get(int(text), f"#{text}") if text.isdecimal() else text,
        accept_new_options=True, help=f"or type a number from 0 to {sides.samples - 1}",
    )  # fmt: skip
    return chosen


def _take_sample() -> None:
    focus.choose("of", st.session_state[_PICKER])


def _histories(sides: Sides, sample: int) -> DataFrame:
    """Returns every epoch of a sample in every run, with side, seed and kept (1, 0)."""
    frames = [
        cached.history(member.run, [sample]).assign(side=side, seed=str(member.config.get("seed")))
        for side, group in (("A", sides.one), ("B", sides.other))
        for member in group.members
    ]
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(
        kept=frame["selected"].astype("boolean").astype("Float64").to_numpy("float64", na_value=float("nan"))
    )


def _shown(frame: DataFrame, signals: list[str]) -> DataFrame:
    return frame[["side", "seed", "epoch", *signals]]


def _sample(sides: Sides, sample: int, frame: DataFrame) -> None:
    """Draws the image with its labels, and the way to its page."""
    run, names = sides.members[0].run, sides.class_names
    cards.html(picture.picture(run, sample, says=f"sample {sample}"))
    label, true_label = frame["label"].iloc[0], frame["true_label"].iloc[0]
    st.markdown(f"**Sample {sample}**")
    said = f"Label {sample_life.class_name(names, label)}"
    if wording.is_known(true_label) and true_label != label:
        said += f", truly {sample_life.class_name(names, true_label)}"
    st.caption(said)
    for side, member in (("A", sides.one.members[0]), ("B", sides.other.members[0])):
        if st.button(f"Its life in {side}", key=f"histories_open_{side}", width="stretch"):
            focus.go("samples", run=member.run.id, sample=sample)
