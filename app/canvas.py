"""The chart that every chart starts from, as plain dictionaries, and the marks that all of them share.

Axes, margins, fonts and hover are decided once, so that charts on different pages line up and read alike.
Changing a plotly figure step by step checks every step: the ten panels of one sample took 440 ms that way,
and 29 ms as dictionaries that become a figure at the end.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from pandas import Series

from app import theme
from app.theme import Palette

# What a person can do with a chart beside looking: save it as an image, go back from a zoom.
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "modeBarButtons": [["toImage", "resetScale2d"]],
    "toImageButtonOptions": {"scale": 2},
}

_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_TICKS_AT_MOST = 11
_LEGEND_ROOM = 54  # pixels: two rows of names, which is what the narrowest card needs


class Sketch:
    """A chart in the making: plotly's own dictionaries, checked once, when they become a figure.

    A chart has one panel or several, numbered from 1; each has its own axes.
    """

    def __init__(self, palette: Palette, *, height: int = 220, x: str = "", y: str = "") -> None:
        self.palette = palette
        self.traces: list[dict[str, Any]] = []
        self.shapes: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.layout = _layout(palette, height)
        self.axes: dict[str, dict[str, Any]] = {}
        self.x(title=axis_title(x), showgrid=False)
        self.y(title=axis_title(y))

    def add(self, kind: str, *, panel: int = 1, **trace: Any) -> None:
        """Adds a trace of a kind that plotly knows, such as "scatter", to a panel."""
        self.traces.append({"type": kind, "xaxis": _axis("x", panel), "yaxis": _axis("y", panel), **trace})

    def x(self, panel: int = 1, **changes: Any) -> None:
        """Changes the x axis of a panel."""
        self._change("x", panel, changes)

    def y(self, panel: int = 1, **changes: Any) -> None:
        """Changes the y axis of a panel."""
        self._change("y", panel, changes)

    def note(self, text: str, **place: Any) -> None:
        """Writes a text into the chart, by default without an arrow and in the colour of text."""
        looks = {"showarrow": False, "font": {"size": 12, "color": self.palette.text}}
        self.notes.append({"text": text, **looks, **place})

    def line(self, panel: int = 1, *, x: float | None = None, y: float | None = None, **looks: Any) -> None:
        """Draws a line across a panel, upright at x or level at y, below the traces."""
        across = {"x": _axis("x", panel), "y": _axis("y", panel)}
        if x is not None:
            ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "xref": across["x"], "yref": f"{across['y']} domain"}
        else:
            ends = {"x0": 0, "x1": 1, "y0": y, "y1": y, "xref": f"{across['x']} domain", "yref": across["y"]}
        self.shapes.append({"type": "line", "layer": "below", **ends, "line": looks})

    def panels(self) -> int:
        """Returns how many panels there are."""
        return sum(name.startswith("x") for name in self.axes)

    def figure(self) -> go.Figure:
        """Returns the chart as a plotly figure."""
        layout = {**self.layout, **self.axes, "shapes": self.shapes, "annotations": self.notes}
        if self._has_legend():
            layout["margin"] = {**layout["margin"], "t": max(layout["margin"]["t"], _LEGEND_ROOM)}
        return go.Figure(data=self.traces, layout=layout)

    def _has_legend(self) -> bool:
        """Says whether plotly draws a legend: of itself, from two named traces on."""
        named = [trace for trace in self.traces if trace.get("showlegend", True)]
        return len(named) > 1 and self.layout.get("showlegend", True) is not False

    def _change(self, letter: str, panel: int, changes: dict[str, Any]) -> None:
        name = f"{letter}axis{'' if panel == 1 else panel}"
        axis = self.axes.setdefault(name, _axis_looks(self.palette))
        axis.update(changes)


def say_unknown(sketch: Sketch, panel: int = 1) -> None:
    """Writes into a panel without any value that there is none, instead of axes that mean nothing."""
    sketch.y(panel, showticklabels=False, showgrid=False)
    middle = {
        "xref": f"{_axis('x', panel)} domain",
        "yref": f"{_axis('y', panel)} domain",
        "x": 0.5,
        "y": 0.5,
    }
    looks = {"font": {"size": 12, "color": sketch.palette.muted}, "bgcolor": sketch.palette.background}
    sketch.note("no value yet", **middle, **looks)


def axis_title(text: str) -> dict[str, Any]:
    """Returns the title of an axis, as large as its numbers."""
    return {"text": text, "standoff": 6, "font": {"size": 12}}


def epoch_axis(sketch: Sketch, last_epoch: int) -> None:
    """Gives every x axis whole epochs, 0 to last_epoch, with at most eleven ticks."""
    step = next((step for step in _STEPS if last_epoch / step < _TICKS_AT_MOST), _STEPS[-1])
    room = max(0.5, 0.02 * last_epoch)
    for panel in range(1, sketch.panels() + 1):
        sketch.x(panel, tick0=0, dtick=step, range=[-room, last_epoch + room], hoverformat="d")


def epoch_rule(sketch: Sketch, epoch: int | None) -> None:
    """Draws a thin upright line at the epoch that is looked at, on every panel; None draws nothing."""
    if epoch is None:
        return
    for panel in range(1, sketch.panels() + 1):
        sketch.line(panel, x=epoch, color=sketch.palette.muted, width=1, dash="dot")


def share_axis(sketch: Sketch, *, whole: bool = False) -> None:
    """Writes the y axis in percent; whole: shows all of 0 to 100 %."""
    sketch.y(tickformat=".0%", hoverformat=".1%", rangemode="tozero")
    if whole:
        sketch.y(range=[0, 1.02])


def marks(points: int) -> dict[str, Any]:
    """Returns how a curve of so many points is drawn: with its points while they can be told apart."""
    return {
        "mode": "lines+markers" if points <= 30 else "lines",
        "marker": {"size": 8 if points <= 3 else 4},
        "connectgaps": False,
    }


def marks_of(values: "Series[float]") -> dict[str, Any]:
    """Returns how a curve with gaps is drawn: also of a long one, a value between two gaps has its point."""
    looks, known = marks(len(values)), values.notna()
    is_lone = known & ~known.shift(1, fill_value=False) & ~known.shift(-1, fill_value=False)
    if looks["mode"] == "lines" and is_lone.any():
        looks |= {"mode": "lines+markers", "marker": {"size": np.where(is_lone, 5, 0)}}
    return looks


def _axis(letter: str, panel: int) -> str:
    return letter if panel == 1 else f"{letter}{panel}"


def _axis_looks(palette: Palette) -> dict[str, Any]:
    return {
        "gridcolor": palette.grid,
        "linecolor": palette.grid,
        "showline": True,
        "zeroline": False,
        "automargin": True,
    }


def _layout(palette: Palette, height: int) -> dict[str, Any]:
    return {
        "height": height,
        "template": {},
        "margin": {"l": 8, "r": 12, "t": 28, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": theme.FONT, "size": 12, "color": palette.muted},
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": palette.background,
            "bordercolor": palette.border,
            "font": {"family": theme.FONT, "size": 12, "color": palette.text},
        },
        "legend": {
            # Tied to the card and not to the axes: plotly's own room for a legend goes stale on a resize.
            "orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "top", "yref": "container",
            "traceorder": "normal",
        },
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "activecolor": palette.primary},
        "bargap": 0.08,
        "uirevision": "keep",
    }  # fmt: skip
