"""Rarity against consistency, the plane in which a selection by score decides: its axes and its points."""

from typing import Any

from pandas import DataFrame

from app.canvas import Sketch
from app.theme import Palette

# WebGL only pays from here on; below, vector points look sharper and start at once.
_WEBGL_FROM = 5_000
_ENDS = [-0.03, 1.03]  # a little beyond 0 and 1, so that no point is cut in half


def plane(palette: Palette, *, height: int) -> Sketch:
    """Returns the empty plane."""
    sketch = Sketch(palette, height=height, x="Rarity, high = sparse", y="Consistency, high = agrees")
    sketch.x(range=_ENDS, showgrid=True)
    sketch.y(range=_ENDS)
    sketch.layout["hovermode"] = "closest"
    return sketch


def add(
    sketch: Sketch, samples: DataFrame, *, name: str, marker: dict[str, Any], scored: bool = False
) -> None:
    """Draws samples, if any: sample_id, rarity, consistency, and, where hovering tells it too, score.

    The first value behind a point is its sample_id, so that a click can open the sample.
    """
    if samples.empty:
        return
    told = ["sample_id", "score"] if scored else ["sample_id"]
    sketch.add(
        "scattergl" if len(samples) >= _WEBGL_FROM else "scatter",
        x=samples["rarity"], y=samples["consistency"], customdata=samples[told],
        mode="markers", name=name, marker={"line_width": 0, **marker}, showlegend=bool(name),
        hovertemplate="sample %{customdata[0]:.0f}<br>rarity %{x:.3f}, consistency %{y:.3f}"
        f"{'<br>score %{customdata[1]:.3g}' if scored else ''}<extra></extra>",
    )  # fmt: skip
