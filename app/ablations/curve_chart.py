"""Curves of groups: mean, band and name at the end of each line; frames in, a plotly figure out.

A group is two or three traces however many seeds it has, because every trace costs the browser time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy import ndarray
from pandas import DataFrame

from app import canvas, markup, wording
from app.ablations import end_labels
from app.ablations.measures import Measure
from app.canvas import Sketch
from app.theme import Palette

_HEIGHT = 360
_PADDING = 0.05  # of the range of values, above and below


@dataclass(frozen=True)
class Line:
    """A group of n seeds as it is drawn.

    curve: epoch, x, mean, low, high, n, whole, one row an epoch; runs: run, x, value, where each is drawn.
    """

    name: str
    n: int
    color: str
    dash: str
    curve: DataFrame
    runs: DataFrame | None = None
    is_named: bool = True


def curves(lines: Sequence[Line], palette: Palette, *, measure: Measure, x: str, band: str) -> go.Figure:
    """Draws the mean of each group with its band, and its runs; x and band: what they are called."""
    is_by_epoch = x == "Epoch"
    sketch = Sketch(palette, height=_HEIGHT, x=x, y=measure.label)
    sketch.layout |= {"showlegend": False, "hovermode": "x unified" if is_by_epoch else "closest"}
    low, high = _range(lines, measure)
    for line in lines:
        _band(sketch, line, floor=low)
    for line in lines:
        if line.runs is not None:
            _runs(sketch, line, line.runs)
    for line in lines:
        _mean(sketch, line, measure, band=band)
    _axes(sketch, lines, measure, is_by_epoch=is_by_epoch)
    if not np.isfinite(low):
        canvas.say_unknown(sketch)
        return sketch.figure()
    bottom, top = _axis_range(low, high, measure)
    sketch.y(range=[bottom, top])
    end_labels.draw(sketch, _ends(lines), low=bottom, high=top, is_log=measure.is_log)
    return sketch.figure()


def _axis_range(low: float, high: float, measure: Measure) -> tuple[float, float]:
    """Returns the ends of the y axis, as exponents where it is of decades; no share lies beyond 0 and 1."""
    if measure.is_log:
        low, high = float(np.log10(low)), float(np.log10(high))
    pad = _PADDING * (high - low or abs(high) or 1.0)
    bottom, top = (0.0 if low == 0 and not measure.is_log else low - pad), high + pad
    return (max(0.0, bottom), min(1.02, top)) if measure.is_share else (bottom, top)


def _axes(sketch: Sketch, lines: Sequence[Line], measure: Measure, *, is_by_epoch: bool) -> None:
    if is_by_epoch:
        canvas.epoch_axis(
            sketch, int(max((line.curve["epoch"].max() for line in lines if len(line.curve)), default=0))
        )
    else:
        sketch.x(rangemode="tozero", hoverformat=",.3s")
    if measure.is_log:
        sketch.y(type="log", exponentformat="power")
    if measure.is_share:
        sketch.y(tickformat=".0%", hoverformat=".1%")


def _band(sketch: Sketch, line: Line, *, floor: float) -> None:
    """Draws the band as one filled outline; where a run is missing it is interrupted.

    As the line does, it goes on over epochs in which nobody measured.
    """
    outline: list[tuple[float | None, float | None]] = []
    known = line.curve[line.curve["n"] > 0]
    for piece in _pieces(known, np.isfinite(known["low"].to_numpy(float))):
        there = list(zip(piece["x"], piece["high"], strict=True))
        back = list(zip(piece["x"], np.maximum(piece["low"], floor), strict=True))[::-1]
        outline += [*there, *back, there[0], (None, None)]
    if outline:
        sketch.add(
            "scatter",
            x=[point[0] for point in outline],
            y=[point[1] for point in outline],
            mode="lines",
            line={"width": 0, "color": line.color},
            fill="toself",
            fillcolor=sketch.palette.faded(line.color, 0.16),
            name=markup.text(line.name),
            hoverinfo="skip",
        )


def _runs(sketch: Sketch, line: Line, runs: DataFrame) -> None:
    """Draws each run as a thin line, all in one trace with gaps between."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for _, run in runs.dropna(subset=["value"]).groupby("run", sort=False):
        xs += [*run["x"], None]
        ys += [*run["value"], None]
    sketch.add(
        "scatter",
        x=xs,
        y=ys,
        mode="lines",
        line={"width": 1, "color": sketch.palette.faded(line.color, 0.55)},
        name=markup.text(line.name),
        hoverinfo="skip",
    )


def _mean(sketch: Sketch, line: Line, measure: Measure, *, band: str) -> None:
    """Draws the mean: in full where all runs are, dotted and thin where some are missing."""
    curve = line.curve[line.curve["n"] > 0]
    whole = curve["whole"].to_numpy(bool)
    known = curve.assign(shown=np.where(whole, curve["mean"], np.nan))
    known = known.assign(says=_says(curve, measure, band))
    _trace(sketch, line, known, {"width": 2, "dash": line.dash})
    if not whole.all():
        beside = ~whole | np.append(~whole[1:], False) | np.append(False, ~whole[:-1])
        rest = known.assign(shown=curve["mean"].where(beside), says=known["says"].mask(whole, ""))
        _trace(sketch, line, rest, {"width": 1.2, "dash": "dot"}, fewer=True)


def _trace(
    sketch: Sketch, line: Line, frame: DataFrame, looks: dict[str, object], *, fewer: bool = False
) -> None:
    sketch.add(
        "scatter",
        x=frame["x"],
        y=frame["shown"],
        name=f"{markup.text(line.name)}{', fewer seeds' if fewer else ''}",
        customdata=frame["says"],
        hovertemplate="%{customdata}",
        line={**looks, "color": line.color},
        **canvas.marks(len(frame) if not fewer else 99),
    )


def _says(curve: DataFrame, measure: Measure, band: str) -> ndarray:
    """Returns what hovering over each point says."""
    said = []
    for mean, low, high, n in curve[["mean", "low", "high", "n"]].to_numpy(float):
        between = f" ({band} {measure.write_interval(low, high)})" if wording.is_known(low) else ""
        said.append(f"{measure.write(mean)}{between}, n = {n:.0f}")
    return np.array(said, dtype=object)


def _range(lines: Sequence[Line], measure: Measure) -> tuple[float, float]:
    """Returns the lowest and highest value that is drawn, NaN for none; on decades none below 0."""
    frames = [line.curve[["mean", "low", "high"]].to_numpy(float).ravel() for line in lines]
    frames += [line.runs["value"].to_numpy(float) for line in lines if line.runs is not None]
    values = np.concatenate(frames) if frames else np.array([])
    values = values[np.isfinite(values) & ((values > 0) | (not measure.is_log))]
    return (float(values.min()), float(values.max())) if len(values) else (np.nan, np.nan)


def _ends(lines: Sequence[Line]) -> list[end_labels.End]:
    """Returns where each named line ends."""
    found = []
    for line in lines:
        known = line.curve[np.isfinite(line.curve["mean"].to_numpy(float))]
        if line.is_named and len(known):
            found.append(end_labels.End(line.name, line.n, line.color, float(known["mean"].iloc[-1])))
    return found


def _pieces(curve: DataFrame, inside: ndarray) -> list[DataFrame]:
    """Returns the unbroken stretches of the rows that are inside."""
    starts = np.flatnonzero(np.diff(np.append(False, inside).astype(int)) == 1)
    ends = np.flatnonzero(np.diff(np.append(inside, False).astype(int)) == -1)
    return [curve.iloc[start : end + 1] for start, end in zip(starts, ends, strict=True)]
