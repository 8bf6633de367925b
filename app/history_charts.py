"""One sample's life: its recorded epochs in, plotly figures out.

All curves share one epoch axis in a single figure of small panels, so that a jump in one signal can be read
against all the others; epochs that did not visit the sample leave a gap instead of a line across.
"""

import math
import textwrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame
from plotly.subplots import make_subplots

from app import canvas, wording
from app.theme import Palette
from store.schema import SAMPLE_COLUMNS, Column, column

# The order of reading: how well it is learned, then SADA's chain, then the joint selection's.
PANELS: tuple[str, ...] = (
    "loss", "confidence", "margin", "influence", "variance", "strength", "density", "rarity", "consistency",
    "score",
)  # fmt: skip
_COLUMNS = 2
_ROW_HEIGHT = 121
# Labelled scores in each decade, by how far down (log10) the axis goes.
_TICKS = {(1, 2, 5): -1.5, (1, 3): -2.5, (1,): -math.inf}
_STRIP_SHARE = 0.28  # height of the kept strip, in panel rows


def declared(signal: str) -> Column:
    """Returns the declaration of a signal of one sample, fixed or by epoch."""
    fixed = {known.name: known for known in SAMPLE_COLUMNS}
    return fixed[signal] if signal in fixed else column("history", signal)


def life(history: DataFrame, palette: Palette, *, epoch: int | None = None) -> go.Figure:
    """Draws every signal of one sample on one epoch axis, under the strip of epochs that kept it.

    history: epochs of one sample in order, with selected, consistency and the signals of PANELS.
    """
    rows = math.ceil(len(PANELS) / _COLUMNS)
    figure = make_subplots(
        rows=rows + 1,
        cols=_COLUMNS,
        shared_xaxes="all",
        row_heights=[_STRIP_SHARE] + [1.0] * rows,
        vertical_spacing=0.045,
        horizontal_spacing=0.075,
    )
    _adopt(figure, palette, height=round(_ROW_HEIGHT * (rows + _STRIP_SHARE)) + 60)
    for place in range(_COLUMNS):
        _strip(figure, history, palette, col=place + 1)
    for place, signal in enumerate(PANELS):
        row, col = place // _COLUMNS + 2, place % _COLUMNS + 1
        _panel(figure, history, signal, row=row, col=col, palette=palette, epoch=epoch)
    canvas.epoch_axis(figure, int(history["epoch"].max()) if len(history) else 0)
    canvas.epoch_rule(figure, epoch, palette)
    return figure


def predictions(history: DataFrame, palette: Palette, *, names: list[str], epoch: int | None) -> go.Figure:
    """Draws which class the model gave the sample in each epoch, beside the label it was trained with."""
    seen = history.dropna(subset=["prediction"])
    label = int(history["label"].iloc[0])
    right = seen["prediction"] == label
    figure = canvas.blank(palette, height=max(150, 40 + 16 * len(names)), x="Epoch")
    figure.add_scatter(
        x=seen["epoch"],
        y=seen["prediction"],
        mode="markers",
        marker={
            "symbol": "square",
            "size": 8,
            "color": np.where(right, palette.kept, palette.flipped),
        },
        text=[names[int(prediction)] for prediction in seen["prediction"]],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    figure.add_hline(y=label, line={"color": palette.muted, "width": 1, "dash": "dash"}, layer="below")
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[-0.6, len(names) - 0.4], showgrid=False
    )
    canvas.epoch_axis(figure, int(history["epoch"].max()))
    canvas.epoch_rule(figure, epoch, palette)
    return figure


def decision(
    palette: Palette, *, rarity: float, consistency: float, cut: float, kept: bool | None
) -> go.Figure:
    """Draws how rarity and consistency, multiplied, pull the score down from 1, and the cut it had to reach.

    On a log axis factors are lengths: the first bar ends at rarity, the second goes on to rarity x
    consistency. Exponents other than 1 must be applied by the caller. All values above 0; cut NaN draws no
    cut.
    """
    tiny = 1e-6
    first = math.log10(max(rarity, tiny))
    last = first + math.log10(max(consistency, tiny))
    figure = canvas.blank(palette, height=176, x="Score, log scale")
    bars = (
        ("Score", 0.0, last, palette.dropped if kept is False else palette.kept, rarity * consistency),
        ("Consistency", first, last, palette.categorical[3], consistency),
        ("Rarity", 0.0, first, palette.categorical[2], rarity),
    )
    for name, start, end, color, value in bars:
        figure.add_bar(
            y=[f"{name}  <b>{wording.number(value)}</b>"],
            x=[end - start],
            base=[start],
            orientation="h",
            marker_color=color,
            width=0.62,
            hovertemplate=f"{name} {wording.number(value)}<extra></extra>",
            showlegend=False,
        )
    _mark_cut(figure, cut, palette)
    _score_axis(figure, low=min(last, math.log10(cut) if cut > 0 else last))
    figure.update_layout(barmode="overlay", hovermode="closest", margin={"t": 26, "b": 8, "l": 8, "r": 16})
    return figure


def _adopt(figure: go.Figure, palette: Palette, *, height: int) -> None:
    """Gives a figure of panels the looks of a blank one."""
    blank = canvas.blank(palette, height=height)
    figure.update_layout({key: blank.layout[key] for key in blank.layout if key not in ("xaxis", "yaxis")})
    figure.update_xaxes(**canvas.axis(palette), showgrid=False, ticks="", showticklabels=False)
    figure.update_yaxes(**canvas.axis(palette), nticks=4)
    figure.update_xaxes(showticklabels=True, title_text="Epoch", row=len(PANELS) // _COLUMNS + 1)
    figure.update_layout(margin={"l": 44, "r": 8, "t": 18, "b": 8}, showlegend=False, hovermode="x")


def _strip(figure: go.Figure, history: DataFrame, palette: Palette, *, col: int) -> None:
    """Adds one square an epoch: filled where the sample was trained on."""
    kept = history["selected"].astype("boolean").fillna(False).to_numpy(bool)
    figure.add_bar(
        x=history["epoch"],
        y=np.ones(len(history)),
        width=0.86,
        marker_color=np.where(kept, palette.kept, palette.faded(palette.dropped, 0.22)),
        text=np.where(kept, "kept", "dropped"),
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        row=1,
        col=col,
    )
    figure.update_yaxes(visible=False, range=[0, 1], row=1, col=col)
    known = len(history)
    title = (
        f"Kept in {wording.count(int(kept.sum()))} of {wording.plural(known, 'epoch')}" if col == 1 else ""
    )
    _title(figure, title, row=1, col=col, palette=palette)


def _panel(
    figure: go.Figure,
    history: DataFrame,
    signal: str,
    *,
    row: int,
    col: int,
    palette: Palette,
    epoch: int | None,
) -> None:
    what = declared(signal)
    figure.add_scatter(
        x=history["epoch"],
        y=history[signal],
        mode=canvas.mode(len(history)),
        line={"color": palette.categorical[0], "width": 1.6},
        marker={"size": 4},
        connectgaps=False,
        name=what.label,
        hovertemplate=f"{what.label} %{{y:.3~g}}<extra></extra>",
        row=row,
        col=col,
    )
    limits: dict[str, Any] = {"rangemode": "tozero"} if what.low == 0 else {}
    if what.high == 1:
        limits = {"range": [-0.03, 1.06], "tickvals": [0, 0.5, 1]}
    figure.update_yaxes(**limits, row=row, col=col)
    at = history.loc[history["epoch"] == epoch, signal]
    value = f"  <b>{wording.number(float(at.iloc[0]))}</b>" if len(at) and at.notna().all() else ""
    _title(
        figure,
        f"{what.label}{value}",
        row=row,
        col=col,
        palette=palette,
        hint=_wrapped(wording.meaning(what)),
    )
    if history[signal].isna().all():
        _say_unknown(figure, row=row, col=col)


def _say_unknown(figure: go.Figure, *, row: int, col: int) -> None:
    figure.update_yaxes(showticklabels=False, showgrid=False, row=row, col=col)
    figure.add_annotation(
        text="no value yet", x=0.5, y=0.5, xref="x domain", yref="y domain", showarrow=False, row=row, col=col
    )


def _wrapped(text: str) -> str:
    return "<br>".join(textwrap.wrap(text, 60))


def _title(figure: go.Figure, text: str, *, row: int, col: int, palette: Palette, hint: str = "") -> None:
    figure.add_annotation(
        text=text,
        hovertext=hint,
        x=0,
        y=1,
        xref="x domain",
        yref="y domain",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12, "color": palette.text},
        row=row,
        col=col,
    )


def _mark_cut(figure: go.Figure, cut: float, palette: Palette) -> None:
    if not cut > 0:
        return
    figure.add_vline(x=math.log10(cut), line={"color": palette.text, "width": 1.5})
    figure.add_annotation(
        x=math.log10(cut),
        y=1,
        yref="paper",
        yanchor="bottom",
        text=f"cut {wording.number(cut)}",
        showarrow=False,
        font={"color": palette.text, "size": 12},
    )


def _score_axis(figure: go.Figure, *, low: float) -> None:
    """Labels the log10 axis with scores, from 1 on the right down to low on the left."""
    floor = min(low * 1.25 - 0.25, -0.5)
    steps = next(steps for steps, least in _TICKS.items() if floor > least)
    shown = [step * 10.0**power for power in range(math.floor(floor), 1) for step in steps]
    shown = [value for value in shown if floor <= math.log10(value) <= 0]
    figure.update_xaxes(
        range=[floor, 0.02],
        tickvals=[math.log10(value) for value in shown],
        ticktext=[f"{value:g}" for value in shown],
        tickangle=0,
        showgrid=True,
    )
    figure.update_yaxes(showgrid=False)
