"""Curves: any logged number by epoch or against its cost, the mean of each group with a band that is named.

Against cost, each point is the mean of the seeds at one epoch, in both directions (ours).
"""

from collections.abc import Sequence

import streamlit as st
from pandas import DataFrame

from app import cards, wording
from app.ablations import bands, choices, curve_chart, looks, measures
from app.ablations.curve_chart import Line
from app.ablations.groups import Group
from app.ablations.looks import Look
from app.ablations.measures import Measure
from app.panel import Panel

TITLE = "Curves"


def render(groups: Sequence[Group]) -> None:
    """Draws the section."""
    offered = measures.offered(groups)
    top = st.columns([1.5, 1.5, 1.2, 0.8], gap="medium", vertical_alignment="bottom")
    with top[0]:
        labels = {key: measure.label for key, measure in offered.items()}
        measure = offered[choices.selected("Measure", "measure", labels)]
    with top[1]:
        axis = choices.selected("Against", "axis", measures.AXIS_LABELS)
    with top[2]:
        band = choices.selected("Band", "band", bands.BANDS)
    with top[3]:
        single = choices.switched("Each run", "single", hint="Draw every run as a thin line beside its mean")
    look = Look(cards.colors(), band, choices.pinned(groups))
    cards.panel(panel(groups, measure, look, axis=axis, single=single))


def panel(groups: Sequence[Group], measure: Measure, look: Look, *, axis: str, single: bool = False) -> Panel:
    """Returns the groups' curves of a measure over one of measures.AXES; single: each run too."""
    lines, band = _lines(groups, measure, look, axis=axis, single=single), look.band
    x = measures.AXIS_LABELS[axis]
    against = "by epoch" if axis == "epoch" else f"against {x.lower()}"
    around = f": mean and {bands.BANDS[band]}" if _has_bands(groups) else ""
    return Panel(
        f"{measure.label} {against}{around}",
        curve_chart.curves(lines, look.palette, measure=measure, x=x, band=bands.BANDS[band]),
        note=_note(groups, lines, measure, axis=axis, band=band),
        alt=f"{measure.label} {against}; {_takeaway(lines, measure)}",
        table=_table(lines, axis),
    )


def _lines(groups: Sequence[Group], measure: Measure, look: Look, *, axis: str, single: bool) -> list[Line]:
    """Returns the groups as lines, those without colour first, so that they lie below."""
    colors, dashes = look.colors(groups), looks.dashes_of(groups)
    lines = []
    for group in groups:
        rows = measures.rows(group, measure)
        rows = rows.assign(x=rows["epoch"] if axis == "epoch" else rows[axis])
        lines.append(
            Line(
                group.name,
                group.n,
                color=colors[group.key],
                dash=dashes[group.key],
                curve=curve(rows, look.band),
                runs=rows if single else None,
                is_named=group.key in look.pinned,
            )
        )
    return sorted(lines, key=lambda line: line.is_named)


def curve(rows: DataFrame, band: str) -> DataFrame:
    """Returns epoch, x, mean, low, high, n, whole: one row an epoch that a run of the group has recorded."""
    values = rows.pivot(index="run", columns="epoch", values="value")
    places = rows[rows["value"].notna()].groupby("epoch")["x"].mean().reindex(values.columns)
    summary = bands.summary(values.to_numpy(float), band)
    return summary.assign(epoch=values.columns.to_numpy(), x=places.to_numpy())


def _note(groups: Sequence[Group], lines: Sequence[Line], measure: Measure, *, axis: str, band: str) -> str:
    drawn = f"{bands.MEANINGS[band]}; {looks.seeds(groups)}"
    parts = [measure.meaning, drawn if _has_bands(groups) else looks.seeds(groups)]
    if any(
        (line.curve["n"] > 0).any() and not line.curve.loc[line.curve["n"] > 0, "whole"].all()
        for line in lines
    ):
        parts.append(
            "dotted: fewer seeds than the group has, for runs are shorter or still train; no band there"
        )
    if axis != "epoch":
        parts.append("each point is the mean of the seeds at one epoch in both directions (ours)")
    return ". ".join(map(wording.capital, parts))


def _has_bands(groups: Sequence[Group]) -> bool:
    return any(group.n > 1 for group in groups)


def _takeaway(lines: Sequence[Line], measure: Measure) -> str:
    """Says what each line ends at, the first few of many."""
    said = []
    for line in lines[::-1][:8]:
        known = line.curve["mean"].dropna()
        last = measure.write(known.iloc[-1]) if len(known) else wording.UNKNOWN
        said.append(f"{line.name}, n = {line.n}, ends at {last}")
    return "; ".join(said)


def _table(lines: Sequence[Line], axis: str) -> DataFrame:
    """Returns the numbers of the chart as they are downloaded."""
    columns = ["group", "epoch", axis, "mean", "low", "high", "n"]
    rows: list[object] = []
    for line in lines:
        named = line.curve.rename(columns={"x": axis}) if axis != "epoch" else line.curve
        rows += named.assign(group=line.name).to_dict("records")
    return DataFrame(rows, columns=list(dict.fromkeys(columns)))
