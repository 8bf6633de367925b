"""One sample's life: its recorded epochs in, plotly figures out.

All curves share one epoch axis in a single figure of small panels, so that a jump in one signal can be read
against all the others; epochs that did not visit the sample leave a gap instead of a line across.
"""

import html
import math
import textwrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from app import canvas, wording
from app.canvas import Sketch
from app.theme import Palette
from store.schema import SAMPLE_COLUMNS, Column, column

# The order of reading: how well it is learned, then SADA's chain, then the joint selection's.
PANELS: tuple[str, ...] = (
    "loss", "confidence", "margin", "influence", "variance", "strength", "density", "rarity", "consistency",
    "score",
)  # fmt: skip
_COLUMNS = 2
_ROWS = math.ceil(len(PANELS) / _COLUMNS)
_ROW_HEIGHT = 121  # pixels, title and gap included
_STRIP_HEIGHT = 48
_TITLE_SHARE = 0.24  # of a row, left free for its title
_LONGEST_NAME = 20  # characters of a class name beside an axis; plotly would read < in it as markup
_GUTTER = 0.075  # between the columns, as a share of the width
# Labelled scores in each decade, by how far down (log10) the axis goes.
_TICKS = {(1, 2, 5): -1.5, (1, 3): -2.5, (1,): -math.inf}


def declared(signal: str) -> Column:
    """Returns the declaration of a signal of one sample, fixed or by epoch."""
    fixed = {known.name: known for known in SAMPLE_COLUMNS}
    return fixed[signal] if signal in fixed else column("history", signal)


def life(history: DataFrame, palette: Palette, *, epoch: int | None = None) -> go.Figure:
    """Draws every signal of one sample on one epoch axis, under the strip of epochs that kept it.

    history: epochs of one sample in order, with selected, consistency and the signals of PANELS.
    """
    sketch = Sketch(palette, height=_STRIP_HEIGHT + _ROWS * _ROW_HEIGHT + 48)
    sketch.layout |= {"margin": {"l": 44, "r": 8, "t": 4, "b": 8}, "showlegend": False, "hovermode": "x"}
    for col in range(_COLUMNS):
        _strip(sketch, history, panel=1 + col)
    for place, signal in enumerate(PANELS):
        _panel(sketch, history, signal, panel=1 + _COLUMNS + place, epoch=epoch)
    canvas.epoch_axis(sketch, int(history["epoch"].max()) if len(history) else 0)
    canvas.epoch_rule(sketch, epoch)
    return sketch.figure()


def predictions(history: DataFrame, palette: Palette, *, names: list[str], epoch: int | None) -> go.Figure:
    """Draws which class the model gave the sample in each epoch, beside the label it was trained with."""
    seen = history.dropna(subset=["prediction"])
    label = int(history["label"].iloc[0])
    sketch = Sketch(palette, height=max(150, 40 + 16 * len(names)), x="Epoch")
    sketch.layout["margin"] = {"l": 8, "r": 12, "t": 8, "b": 8}
    sketch.add(
        "scatter",
        x=seen["epoch"],
        y=seen["prediction"],
        mode="markers",
        marker={
            "symbol": "square",
            "size": 8,
            "color": np.where(seen["prediction"] == label, palette.kept, palette.flipped),
        },
        text=[html.escape(names[int(prediction)]) for prediction in seen["prediction"]],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    sketch.line(y=label, color=palette.muted, width=1, dash="dash")
    ticks = list(range(len(names)))
    shown = [html.escape(wording.shortened(name, _LONGEST_NAME)) for name in names]
    sketch.y(tickvals=ticks, ticktext=shown, range=[-0.6, len(names) - 0.4], showgrid=False)
    canvas.epoch_axis(sketch, int(history["epoch"].max()))
    canvas.epoch_rule(sketch, epoch)
    return sketch.figure()


def decision(
    palette: Palette,
    *,
    rarity: float,
    consistency: float,
    cut: float,
    kept: bool | None,
    exponents: tuple[float, float] = (1, 1),
) -> go.Figure:
    """Draws how rarity and consistency, multiplied, pull the score down from 1, and the cut it had to reach.

    On a log axis factors are lengths: the first bar ends at rarity, the second goes on to rarity x
    consistency, each raised to its exponent. cut NaN draws no cut.
    """
    tiny = 1e-6
    rarity, consistency = rarity ** exponents[0], consistency ** exponents[1]
    of_rarity, of_consistency = (wording.power(exponent) for exponent in exponents)
    first = math.log10(max(rarity, tiny))
    last = first + math.log10(max(consistency, tiny))
    sketch = Sketch(palette, height=176, x="Score, log scale")
    bars = (
        ("Score", 0.0, last, palette.dropped if kept is False else palette.kept, rarity * consistency),
        (f"Consistency{of_consistency}", first, last, palette.categorical[3], consistency),
        (f"Rarity{of_rarity}", 0.0, first, palette.categorical[2], rarity),
    )
    for name, start, end, color, value in bars:
        sketch.add(
            "bar",
            y=[f"{name}  <b>{wording.number(value)}</b>"],
            x=[end - start],
            base=[start],
            orientation="h",
            marker={"color": color},
            width=0.62,
            hovertemplate=f"{name} {wording.number(value)}<extra></extra>",
            showlegend=False,
        )
    if cut > 0:
        sketch.line(x=math.log10(cut), color=palette.text, width=1.5)
        sketch.shapes[-1]["layer"] = "above"
        sketch.note(f"cut {wording.number(cut)}", x=math.log10(cut), y=1, yref="paper", yanchor="bottom")
    _score_axis(sketch, low=min(last, math.log10(cut) if cut > 0 else last))
    sketch.layout |= {
        "barmode": "overlay",
        "hovermode": "closest",
        "margin": {"t": 26, "b": 8, "l": 8, "r": 16},
    }
    return sketch.figure()


def _place(panel: int) -> tuple[list[float], list[float]]:
    """Returns the share of the width and of the height that a panel takes, strips being panels 1 and 2."""
    row, col = divmod(panel - 1, _COLUMNS)
    width = (1 - _GUTTER * (_COLUMNS - 1)) / _COLUMNS
    left = col * (width + _GUTTER)
    total = _STRIP_HEIGHT + _ROWS * _ROW_HEIGHT
    top = 1 - (_STRIP_HEIGHT + (row - 1) * _ROW_HEIGHT) / total if row else 1 - 20 / total
    bottom = top - _ROW_HEIGHT / total if row else 1 - (_STRIP_HEIGHT - 4) / total
    free = _TITLE_SHARE * _ROW_HEIGHT / total if row else 0
    return [left, left + width], [max(0.0, bottom), top - free]


def _set_up(sketch: Sketch, panel: int) -> None:
    across, up = _place(panel)
    suffix = "" if panel == 1 else str(panel)
    is_last_row = panel > _COLUMNS * _ROWS
    title = canvas.axis_title("Epoch" if is_last_row else "")
    shared = {} if panel == 1 else {"matches": "x"}
    sketch.x(
        panel,
        domain=across,
        anchor=f"y{suffix}",
        showgrid=False,
        showticklabels=is_last_row,
        title=title,
        **shared,
    )
    sketch.y(panel, domain=up, anchor=f"x{suffix}", nticks=4)


def _strip(sketch: Sketch, history: DataFrame, *, panel: int) -> None:
    """Adds one square an epoch: filled where the sample was trained on."""
    _set_up(sketch, panel)
    palette, kept = sketch.palette, history["selected"].astype("boolean").fillna(False).to_numpy(bool)
    sketch.add(
        "bar",
        panel=panel,
        x=history["epoch"],
        y=np.ones(len(history)),
        width=0.86,
        marker={"color": np.where(kept, palette.kept, palette.faded(palette.dropped, 0.22))},
        text=np.where(kept, "kept", "dropped"),
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )
    sketch.x(panel, showline=False)
    sketch.y(panel, visible=False, range=[0, 1])
    if panel == 1:
        _title(sketch, f"Kept in {kept.sum()} of {wording.plural(len(history), 'epoch')}", panel=panel)


def _panel(sketch: Sketch, history: DataFrame, signal: str, *, panel: int, epoch: int | None) -> None:
    """Adds the curve of one signal; its title holds the value in the epoch that is looked at."""
    what = declared(signal)
    _set_up(sketch, panel)
    sketch.add(
        "scatter",
        panel=panel,
        x=history["epoch"],
        y=history[signal],
        line={"color": sketch.palette.categorical[0], "width": 1.6},
        **canvas.marks_of(history[signal]),
        name=what.label,
        hovertemplate=f"{what.label} %{{y:.3~g}}<extra></extra>",
    )
    sketch.y(panel, **_limits(what))
    at = history.loc[history["epoch"] == epoch, signal]
    value = f"  <b>{wording.number(float(at.iloc[0]))}</b>" if len(at) and at.notna().all() else ""
    _title(sketch, f"{what.label}{value}", panel=panel, hint=_wrapped(wording.meaning(what)))
    if history[signal].isna().all():
        canvas.say_unknown(sketch, panel)


def _limits(what: Column) -> dict[str, Any]:
    if what.high == 1:
        return {"range": [-0.03, 1.06], "tickvals": [0, 0.5, 1]}
    return {"rangemode": "tozero", "exponentformat": "power"} if what.low == 0 else {}


def _title(sketch: Sketch, text: str, *, panel: int, hint: str = "") -> None:
    suffix = "" if panel == 1 else str(panel)
    sketch.note(
        text, hovertext=hint, x=0, y=1, xref=f"x{suffix} domain", yref=f"y{suffix} domain", xanchor="left",
        yanchor="bottom",
    )  # fmt: skip


def _wrapped(text: str) -> str:
    return "<br>".join(textwrap.wrap(text, 60))


def _score_axis(sketch: Sketch, *, low: float) -> None:
    """Labels the log10 axis with scores, from 1 on the right down to low on the left."""
    floor = min(low * 1.25 - 0.25, -0.5)
    steps = next(steps for steps, least in _TICKS.items() if floor > least)
    shown = [step * 10.0**power for power in range(math.floor(floor), 1) for step in steps]
    shown = [value for value in shown if floor <= math.log10(value) <= 0]
    sketch.x(
        range=[floor, 0.02],
        tickvals=[math.log10(value) for value in shown],
        ticktext=[f"{value:g}" for value in shown],
        tickangle=0,
        showgrid=True,
    )
    sketch.y(showgrid=False)
