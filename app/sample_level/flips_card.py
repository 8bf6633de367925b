"""The card of the samples that one group gets right and another wrong, beside the noise floor of seeds."""

import numpy as np
import streamlit as st
from pandas import DataFrame

from app import canvas, cards, wording
from app.ablations import choices
from app.sample_level import sample_charts
from app.sample_level.flips import Flips, flips
from app.sample_level.sides import Sides
from store.questions import comparing


def draw(sides: Sides) -> None:
    """Draws the card."""
    known = [name for name in comparing.RIGHT if sides.is_known(name)] or list(comparing.RIGHT)
    with st.container(border=True, gap="xsmall", key="card_flips"):
        head = st.container()
        right = choices.segmented(
            "What is right", "right", {name: comparing.RIGHT[name].label for name in known}
        )
        one, other = sides.values(right)
        found = flips(one, other)
        with head:
            cards.head("Which samples flip", _note(found, right), table=_table(found) if found.n else None)
        if not found.n:
            st.caption("No sample has this value in every run yet; choose what else counts as right.")
            return
        _numbers(found)
        st.markdown(sentence(found))
        figure = sample_charts.disagreements(found, cards.colors(), colors=sides.colors)
        alt = sentence(found).replace("**", "")
        st.plotly_chart(figure, theme=None, config=canvas.CONFIG, key="chart_flips", alt=alt)


def sentence(found: Flips) -> str:
    """Returns how often runs of different groups disagree beside how often seeds of one group do."""
    between = wording.count(float(np.mean(found.between)))
    said = (
        f"A seed of A and one of B disagree on **{between}** of {wording.count(found.n)} samples on average"
    )
    if not found.within_one and not found.within_other:
        return (
            f"{said}. With one seed each there is no noise floor: how much of it seeds alone do is unknown."
        )
    floor = f"two seeds of one group on **{wording.count(found.floor)}**, the noise floor"
    if not found.floor:
        return f"{said}; {floor}."
    times = found.times_the_floor
    if times <= 1:
        verdict = "the groups differ no more than their seeds do"
    else:
        verdict = f"the groups disagree {wording.number(times)} times as often as seeds alone"
    return f"{said}; {floor}: {verdict}."


def _note(found: Flips, right: str) -> str:
    left_out = (
        f"; {wording.plural(found.left_out, 'sample')} without it in some run left out"
        if found.left_out
        else ""
    )
    meaning, amount = comparing.RIGHT[right].meaning, wording.plural(found.n, "sample")
    return f"Right: {meaning}. n = {amount}{left_out}. Count ours."


def _numbers(found: Flips) -> None:
    with st.container(horizontal=True, gap="large"):
        hint = "samples that more than half of the seeds of one group get right and of the other get wrong"
        st.metric("Right in A, wrong in B", wording.count(len(found.only_one)), help=hint, width="content")
        st.metric("Wrong in A, right in B", wording.count(len(found.only_other)), help=hint, width="content")
        st.metric(
            "Times the noise floor", wording.number(found.times_the_floor), width="content",
            help="disagreements of a run of A with one of B, over those of two runs of one group; means over "
            "all pairs of runs. Majorities of several seeds flip less often than single runs do.",
        )  # fmt: skip


def _table(found: Flips) -> DataFrame:
    ids = np.concatenate([found.only_one, found.only_other])
    right_in = ["A"] * len(found.only_one) + ["B"] * len(found.only_other)
    return DataFrame({"sample_id": ids, "right_in": right_in})
