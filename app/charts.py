"""How a run went: frames of metrics and quantiles in, plotly figures out.

No Streamlit and no SQL here, so each chart is tested on a small frame made by hand.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame, Series

from app import canvas, theme, wording
from app.canvas import Sketch
from app.theme import Palette
from store.schema import METRIC_COLUMNS, column

TIME_COLUMNS = tuple(declared.name for declared in METRIC_COLUMNS if declared.name.startswith("seconds_"))

_BARS = 60  # epochs; nine phases of 200 epochs would be 1,800 rectangles to draw
_OUTLIER = 4.0  # times the median epoch: epochs from here on are cut
_HEIGHT_OF_TIMES = 270  # pixels: the names of nine phases take up to five rows

# Training takes most of an epoch and gets the first colour; the others follow in the order of the epoch.
_TIME_COLORS = {
    "seconds_train": 0,
    "seconds_probe": 5,
    "seconds_features": 4,
    "seconds_index": 3,
    "seconds_query": 6,
    "seconds_check": 8,
    "seconds_map": 2,
    "seconds_test": 1,
    "seconds_record": 7,
}


def losses(metrics: DataFrame, palette: Palette, *, epoch: int | None = None) -> go.Figure:
    """Draws mean training and test loss by epoch, in nats; of held-out samples where there are any."""
    sketch = Sketch(palette, x="Epoch", y="Loss, nats")
    _curve(sketch, metrics, "mean_loss", name="training, kept samples", color=palette.training)
    _tests(sketch, metrics, "loss")
    sketch.y(hoverformat=".3r", rangemode="tozero")
    return _by_epoch(sketch, metrics, epoch)


def accuracies(metrics: DataFrame, palette: Palette, *, epoch: int | None = None) -> go.Figure:
    """Draws training and test accuracy by epoch; of held-out samples where there are any."""
    sketch = Sketch(palette, x="Epoch", y="Accuracy")
    _curve(sketch, metrics, "train_accuracy", name="training, kept samples", color=palette.training)
    _tests(sketch, metrics, "accuracy")
    sketch.y(tickformat=".0%", hoverformat=".1%")
    return _by_epoch(sketch, metrics, epoch)


def kept_shares(metrics: DataFrame, palette: Palette, *, epoch: int | None = None) -> go.Figure:
    """Draws the share of the samples that each epoch trained on."""
    sketch = Sketch(palette, x="Epoch", y="Kept / all samples")
    sketch.add(
        x=metrics["epoch"],
        y=metrics["kept_share"],
        customdata=metrics["kept"],
        **_filled(len(metrics), palette.faded(palette.kept, 0.75)),
        hovertemplate="%{y:.1%} kept, %{customdata:,} samples<extra></extra>",
        showlegend=False,
    )
    canvas.share_axis(sketch, whole=True)
    return _by_epoch(sketch, metrics, epoch)


def quantile_bands(stats: DataFrame, palette: Palette, *, signal: str, epoch: int | None = None) -> go.Figure:
    """Draws 5-95 %, 25-75 % and the median of one signal over all samples, by epoch.

    stats: epoch, q05, q25, q50, q75, q95; epochs without a value are left out.
    """
    declared = column("history", signal)
    sketch = Sketch(palette, x="Epoch", y=declared.label)
    color = palette.categorical[0]
    for low, high, opacity, name in (("q05", "q95", 0.16, "5–95 %"), ("q25", "q75", 0.3, "25–75 %")):
        _band(sketch, stats, (low, high), color=palette.faded(color, opacity), name=name)
    _curve(sketch, stats, "q50", name="median", color=color)
    if theme.scale(signal) == "log":
        sketch.y(type="log", exponentformat="power", dtick=1 if _decades(stats) < 5 else 2)
    elif declared.high is not None:
        sketch.y(range=[declared.low, declared.high])
    sketch.y(hoverformat=".3g")
    if stats["q50"].isna().all():
        canvas.say_unknown(sketch)
    return _by_epoch(sketch, stats, epoch)


def histogram(stats: "Series[float]", palette: Palette, *, signal: str) -> go.Figure:
    """Draws the distribution of one signal in one epoch.

    stats: one row of epoch_stats: low, high and the counts in equal bins between them.
    """
    declared = column("history", signal)
    counts = np.asarray(stats["histogram"], dtype=float)
    edges = np.linspace(stats["low"], stats["high"], len(counts) + 1)
    sketch = Sketch(palette, x=declared.label, y="Samples")
    sketch.add(
        "bar",
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=(edges[1] - edges[0]) or 0.02,
        marker={"color": palette.faded(palette.categorical[0], 0.75), "line": {"width": 0}},
        customdata=np.column_stack([edges[:-1], edges[1:]]),
        hovertemplate="%{y:,} samples from %{customdata[0]:.3g} to %{customdata[1]:.3g}<extra></extra>",
    )
    sketch.layout |= {"hovermode": "closest", "bargap": 0}
    if declared.high is not None:
        sketch.x(range=[declared.low, declared.high])
    return sketch.figure()


def times(metrics: DataFrame, palette: Palette, *, epoch: int | None = None) -> go.Figure:
    """Draws the seconds of each epoch, split into what they were spent on."""
    sketch = Sketch(palette, height=_HEIGHT_OF_TIMES, x="Epoch", y="Seconds")
    sketch.layout["barmode"] = "stack"
    for name in TIME_COLUMNS:
        seconds = metrics[name].fillna(0)
        if not seconds.any():
            continue
        label = column("metrics", name).label
        sketch.add(
            x=metrics["epoch"],
            y=seconds,
            name=label,
            **_filled(len(metrics), (*palette.categorical, palette.muted)[_TIME_COLORS[name]]),
            hovertemplate=f"%{{y:.3g}} s {label.lower()}<extra></extra>",
        )
    _cut_outliers(sketch, metrics)
    return _by_epoch(sketch, metrics, epoch)


def kept_noise(noise: DataFrame, palette: Palette, *, epoch: int | None = None) -> go.Figure:
    """Draws the share of flipped labels among the kept samples against their share in the data.

    noise: epoch, kept, noisy_kept, share_noisy_kept, share_noisy_all.
    """
    sketch = Sketch(palette, x="Epoch", y="Flipped labels")
    sketch.add(
        "scatter",
        x=noise["epoch"],
        y=noise["share_noisy_all"],
        name="in the data",
        mode="lines",
        line={"color": palette.muted, "width": 1.5, "dash": "dash"},
    )
    _curve(sketch, noise, "share_noisy_kept", name="among the kept", color=palette.flipped)
    canvas.share_axis(sketch)
    return _by_epoch(sketch, noise, epoch)


def index_health(metrics: DataFrame, palette: Palette, *, epoch: int | None = None) -> go.Figure:
    """Draws how far the neighbour index and the maps can be trusted; epochs without a map leave it out."""
    sketch = Sketch(palette, x="Epoch", y="0 to 1")
    names = {"recall": "Neighbour recall", "map_trust": column("metrics", "map_trust").label}  # HNSW or exact
    for (name, label), color in zip(names.items(), palette.categorical[::2], strict=False):
        _curve(sketch, metrics.dropna(subset=[name]), name, name=label, color=color)
    lowest = float(np.nanmin(metrics[["recall", "map_trust"]].to_numpy(float), initial=0.95))
    sketch.y(tickformat=".2~f", hoverformat=".3f", range=[max(0.0, lowest - 0.05), 1.01])
    return _by_epoch(sketch, metrics, epoch)


def _curve(sketch: Sketch, frame: DataFrame, y: str, *, name: str, color: str) -> None:
    sketch.add(
        "scatter",
        x=frame["epoch"],
        y=frame[y],
        name=name,
        line={"color": color, "width": 2},
        **canvas.marks(len(frame)),
    )


def _tests(sketch: Sketch, metrics: DataFrame, what: str) -> None:
    """Draws the curves of the test set and of held-out samples; none of those that nobody measured."""
    colors = {"test": sketch.palette.testing, "validation": sketch.palette.validating}
    for name, color in colors.items():
        if metrics[f"{name}_{what}"].notna().any():
            _curve(sketch, metrics, f"{name}_{what}", name=name, color=color)


def _band(sketch: Sketch, frame: DataFrame, ends: Sequence[str], *, color: str, name: str) -> None:
    known = frame.dropna(subset=list(ends))
    for end, fill in zip(ends, ("none", "tonexty"), strict=True):
        sketch.add(
            "scatter",
            x=known["epoch"],
            y=known[end],
            mode="lines",
            line={"width": 0, "color": color},
            fill=fill,
            fillcolor=color,
            name=name,
            showlegend=fill != "none",
            legendgroup=name,
            hoverinfo="skip",
        )


def _cut_outliers(sketch: Sketch, metrics: DataFrame) -> None:
    """Cuts bars far above the others and writes their height: the first map compiles for many seconds."""
    total = metrics[list(TIME_COLUMNS)].fillna(0).sum(axis=1)
    usual = float(total.median()) if len(total) else 0.0
    if not usual or total.max() < _OUTLIER * usual:
        return
    top = 1.25 * float(total[total < _OUTLIER * usual].max())
    sketch.y(range=[0, top])
    for epoch, seconds in zip(metrics["epoch"], total, strict=True):
        if seconds > top:
            is_last = epoch == metrics["epoch"].max()
            side = (
                {"x": epoch - 0.5, "xanchor": "right"} if is_last else {"x": epoch + 0.5, "xanchor": "left"}
            )
            sketch.note(f"↑ {wording.duration(seconds)}", y=top, yanchor="top", **side)


def _filled(epochs: int, color: str) -> dict[str, Any]:
    """Returns how amounts by epoch are drawn: as bars while these can be told apart, then as areas."""
    if epochs <= _BARS:
        return {"kind": "bar", "marker": {"color": color}}
    return {"kind": "scatter", "mode": "lines", "line": {"width": 0}, "stackgroup": "1", "fillcolor": color}


def _by_epoch(sketch: Sketch, frame: DataFrame, epoch: int | None) -> go.Figure:
    canvas.epoch_axis(sketch, int(frame["epoch"].max()) if len(frame) else 0)
    canvas.epoch_rule(sketch, epoch)
    return sketch.figure()


def _decades(stats: DataFrame) -> float:
    values = stats[["q05", "q95"]].to_numpy(float)
    positive = values[values > 0]
    return float(np.log10(positive.max() / positive.min())) if len(positive) else 0.0
