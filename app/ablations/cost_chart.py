"""What groups reached against what they spent, with the Pareto front of their means."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from app import markup, wording
from app.ablations import end_labels
from app.ablations.measures import Measure
from app.canvas import Sketch
from app.theme import Palette

_HEIGHT = 340
_PADDING = 0.12


def costs(
    points: DataFrame, palette: Palette, *, measure: Measure, x: str, colors: Mapping[str, str]
) -> go.Figure:
    """Draws one point a group with its band in both directions; open where a run is not done.

    points: group, key, n, done, front, x, y and the ends of their bands; colors by key; x: what it is called.
    """
    known = points.dropna(subset=["x", "y"])
    sketch = Sketch(palette, height=_HEIGHT, x=x, y=measure.label)
    sketch.layout |= {"showlegend": False, "hovermode": "closest"}
    sketch.x(rangemode="tozero", showgrid=True)
    _front(sketch, known)
    rows = [{str(name): value for name, value in row.items()} for row in known.to_dict("records")]
    for row in rows:
        _point(sketch, row, measure, color=colors[row["key"]], x=x)
    if measure.is_share:
        sketch.y(tickformat=".1~%")
    if len(known):
        low, high = _range(known)
        sketch.y(range=[low, min(high, 1.005) if measure.is_share else high])
        ends = [
            end_labels.End(row["group"], row["n"], colors[row["key"]], row["y"])
            for row in rows
            if colors[row["key"]] != palette.muted
        ]
        end_labels.draw(sketch, ends, low=low, high=high)
    return sketch.figure()


def _front(sketch: Sketch, points: DataFrame) -> None:
    """Draws what can be reached for each cost, as steps; a lone point has no front."""
    front = points[points["front"]].sort_values("x")
    if len(front) < 2:
        return
    sketch.add(
        "scatter",
        x=front["x"],
        y=front["y"],
        mode="lines",
        line={"color": sketch.palette.muted, "width": 1.2, "dash": "dash", "shape": "hv"},
        name="Pareto front",
        hoverinfo="skip",
    )


def _point(sketch: Sketch, row: Mapping[str, object], measure: Measure, *, color: str, x: str) -> None:
    reached = f"{measure.write(_number(row['y']))}{_between(row, 'y', measure)}"
    says = f"{reached}<br>{wording.number(_number(row['x']))} {x.lower()}, n = {row['n']}"
    ending = "" if row["done"] else "<br>not all runs are done"
    sketch.add(
        "scatter",
        x=[row["x"]],
        y=[row["y"]],
        mode="markers",
        marker={"size": 11, "color": color, "symbol": "circle" if row["done"] else "circle-open"},
        error_x=_bar(row, "x", color),
        error_y=_bar(row, "y", color),
        name=markup.text(row["group"]),
        hovertemplate=f"<b>{markup.text(row['group'])}</b><br>{says}{ending}<extra></extra>",
    )


def _bar(row: Mapping[str, object], name: str, color: str) -> dict[str, object]:
    value, low, high = (_number(row[key]) for key in (name, f"{name}_low", f"{name}_high"))
    if not np.isfinite(low):
        return {"visible": False}
    bar = {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]}
    return {**bar, "color": color, "thickness": 1.5, "width": 4}


def _between(row: Mapping[str, object], name: str, measure: Measure) -> str:
    low, high = _number(row[f"{name}_low"]), _number(row[f"{name}_high"])
    return f" ({measure.write_interval(low, high)})" if wording.is_known(low) else ""


def _range(points: DataFrame) -> tuple[float, float]:
    values = points[["y", "y_low", "y_high"]].to_numpy(float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = _PADDING * (high - low or abs(high) or 1.0)
    return low - pad, high + pad


def _number(value: object) -> float:
    return float(str(value))
