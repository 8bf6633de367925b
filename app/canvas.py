"""The empty figure that every chart starts from, and the marks that all of them share.

Axes, margins, fonts and hover are decided once, so that charts on different pages line up and read alike.
"""

from typing import Any

import plotly.graph_objects as go

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


def blank(palette: Palette, *, height: int = 220, x: str = "", y: str = "") -> go.Figure:
    """Returns an empty figure of this height in pixels with named axes."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 28, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": theme.FONT, "size": 12, "color": palette.muted},
        hovermode="x unified",
        hoverlabel={
            "bgcolor": palette.background,
            "bordercolor": palette.border,
            "font": {"family": theme.FONT, "size": 12, "color": palette.text},
        },
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1,
            "xanchor": "left",
            "yanchor": "bottom",
            "traceorder": "normal",
        },
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "activecolor": palette.primary},
        bargap=0.08,
        uirevision="keep",
    )
    figure.update_xaxes(title_text=x, **axis(palette), showgrid=False)
    figure.update_yaxes(title_text=y, **axis(palette), showgrid=True)
    return figure


def axis(palette: Palette) -> dict[str, Any]:
    """Returns how an axis looks, whatever it measures."""
    return {
        "gridcolor": palette.grid,
        "linecolor": palette.grid,
        "tickcolor": palette.grid,
        "zeroline": False,
        "automargin": True,
        "title_standoff": 6,
        "title_font": {"size": 12, "color": palette.muted},
    }


def epoch_axis(figure: go.Figure, last_epoch: int) -> None:
    """Gives the x axis whole epochs, 0 to last_epoch, with at most eleven ticks."""
    step = next((step for step in _STEPS if last_epoch / step < _TICKS_AT_MOST), _STEPS[-1])
    room = max(0.5, 0.02 * last_epoch)
    figure.update_xaxes(tick0=0, dtick=step, range=[-room, last_epoch + room], hoverformat="d")


def epoch_rule(figure: go.Figure, epoch: int | None, palette: Palette) -> None:
    """Draws a thin vertical line at the epoch that is looked at, on every panel; None draws nothing."""
    if epoch is not None:
        figure.add_vline(x=epoch, line={"color": palette.muted, "width": 1, "dash": "dot"}, layer="below")


def share_axis(figure: go.Figure, *, whole: bool = False) -> None:
    """Writes the y axis in percent; whole: shows all of 0 to 100 %."""
    figure.update_yaxes(tickformat=".0%", hoverformat=".1%", rangemode="tozero")
    if whole:
        figure.update_yaxes(range=[0, 1.02])


def mode(points: int) -> str:
    """Returns how a curve of so many points is drawn: with its points while they can be told apart."""
    return "lines+markers" if points <= 30 else "lines"
