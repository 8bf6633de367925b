"""Two groups sample by sample: disagreements, kept-set overlap and histories in, plotly figures out."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from app import canvas
from app.canvas import Sketch
from app.sample_level.flips import Flips
from app.samples.history_charts import declared
from app.theme import Palette

_PANEL_HEIGHT, _PANEL_GAP = 190, 46  # pixels
_SPARSE = frozenset({"clean_loss"})  # measured in some epochs by design, for which a gap says nothing


def disagreements(found: Flips, palette: Palette, *, colors: Sequence[str]) -> go.Figure:
    """Draws on how many samples pairs of runs disagree: between the groups, and within each of them."""
    sketch = Sketch(palette, height=190, x=f"Samples on which two runs disagree, of {found.n:,}")
    rows = (
        ("two seeds of B", found.within_other, colors[1]),
        ("two seeds of A", found.within_one, colors[0]),
        ("a seed of A, one of B", found.between, palette.text),
    )
    for name, pairs, color in rows:
        if not pairs:
            continue
        mean = float(np.mean(pairs))
        sketch.add(
            "bar", x=[mean], y=[name], orientation="h", width=0.5, showlegend=False,
            marker={"color": palette.faded(color, 0.3)},
            hovertemplate=f"mean of {len(pairs)} pairs: {mean:,.0f} samples<extra></extra>",
        )  # fmt: skip
        sketch.add(
            "scatter", x=list(pairs), y=[name] * len(pairs), mode="markers",
            marker={"size": 8, "color": color}, hovertemplate="a pair: %{x:,} samples<extra></extra>",
            showlegend=False,
        )  # fmt: skip
    sketch.layout |= {"hovermode": "closest", "barmode": "overlay"}
    sketch.x(rangemode="tozero", showgrid=True)
    sketch.y(showgrid=False)
    return sketch.figure()


def kept_agreement(frame: DataFrame, palette: Palette, *, colors: Sequence[str], epoch: int) -> go.Figure:
    """Draws the Jaccard index of kept sets by epoch: mean and band over pairs of runs, and what chance gives.

    frame: epoch, pairs, n, mean, low, high, expected; epoch: the one that is looked at.
    """
    sketch = Sketch(palette, height=300, x="Epoch", y="Jaccard index of the kept sets")
    lines = (
        ("one", "two seeds of A", colors[0]),
        ("other", "two seeds of B", colors[1]),
        ("between", "a seed of A, one of B", palette.text),
    )
    for name, words, color in lines:
        rows = frame[frame["pairs"] == name]
        if len(rows):
            _band(sketch, rows, color)
            words = f"{words}, {rows['n'].iloc[0]} pair{'s' if rows['n'].iloc[0] > 1 else ''}"
            sketch.add(
                "scatter", x=rows["epoch"], y=rows["mean"], name=words, line={"color": color, "width": 2},
                **canvas.marks(len(rows)),
            )  # fmt: skip
    between = frame[frame["pairs"] == "between"]
    sketch.add(
        "scatter", x=between["epoch"], y=between["expected"], name="random sets of these sizes", mode="lines",
        line={"color": palette.muted, "width": 1.5, "dash": "dash"},
    )  # fmt: skip
    sketch.y(range=[0, 1.03], hoverformat=".3f")
    canvas.epoch_axis(sketch, int(frame["epoch"].max()))
    canvas.epoch_rule(sketch, epoch)
    return sketch.figure()


def histories(
    frame: DataFrame, palette: Palette, *, signals: Sequence[str], colors: Sequence[str], epoch: int
) -> go.Figure:
    """Draws signals of one sample by epoch, a panel each: every seed as a thin line, each group's mean bold.

    frame: side ("A" or "B"), seed, epoch, the signals and kept; epochs that miss a value leave a gap.
    """
    height = len(signals) * (_PANEL_HEIGHT + _PANEL_GAP) + 60
    sketch = Sketch(palette, height=height)
    sketch.layout |= {"margin": {"l": 8, "r": 12, "t": 30, "b": 24}}
    for place, signal in enumerate(signals):
        suffix = "" if place == 0 else str(place + 1)
        bottom, gap = 1 - (place + 1) / len(signals), _PANEL_GAP / height
        sketch.x(place + 1, anchor=f"y{suffix}", showgrid=False, matches="x" if place else None)
        sketch.y(place + 1, domain=[max(0.0, bottom), bottom + 1 / len(signals) - gap], anchor=f"x{suffix}")
        _panel(sketch, frame, signal, panel=place + 1, colors=colors)
    sketch.x(len(signals), title=canvas.axis_title("Epoch"))
    canvas.epoch_axis(sketch, int(frame["epoch"].max()))
    canvas.epoch_rule(sketch, epoch)
    return sketch.figure()


def _panel(sketch: Sketch, frame: DataFrame, signal: str, *, panel: int, colors: Sequence[str]) -> None:
    what = "Kept" if signal == "kept" else declared(signal).label
    for side, color in zip(("A", "B"), colors, strict=True):
        rows = frame[frame["side"] == side]
        if signal in _SPARSE:
            rows = rows.dropna(subset=[signal])
        for seed, one in rows.groupby("seed"):
            sketch.add(
                "scatter", panel=panel, x=one["epoch"], y=one[signal], showlegend=False,
                line={"color": sketch.palette.faded(color, 0.4), "width": 1},
                mode="lines+markers", marker={"size": 3},  # a visit between two drops has no line
                hovertemplate=f"{side}, seed {seed}: %{{y:.3~g}}<extra></extra>",
            )  # fmt: skip
        mean = rows.groupby("epoch")[signal].mean().reset_index()
        sketch.add(
            "scatter", panel=panel, x=mean["epoch"], y=mean[signal], name=f"{side}, mean",
            line={"color": color, "width": 2.4}, **canvas.marks(len(mean)), showlegend=panel == 1,
            hovertemplate=f"{side}, mean: %{{y:.3~g}}<extra></extra>",
        )  # fmt: skip
    suffix = "" if panel == 1 else str(panel)
    sketch.note(
        what, x=0, y=1, xref=f"x{suffix} domain", yref=f"y{suffix} domain", xanchor="left", yanchor="bottom"
    )
    if frame[signal].isna().all():
        canvas.say_unknown(sketch, panel)


def _band(sketch: Sketch, rows: DataFrame, color: str) -> None:
    if rows["n"].iloc[0] < 2:
        return
    for end, fill in (("low", "none"), ("high", "tonexty")):
        sketch.add(
            "scatter", x=rows["epoch"], y=rows[end], mode="lines", line={"width": 0, "color": color},
            fill=fill, fillcolor=sketch.palette.faded(color, 0.14), showlegend=False, hoverinfo="skip",
        )  # fmt: skip
