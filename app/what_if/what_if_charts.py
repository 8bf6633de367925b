"""The charts of What if: where the cut runs, which classes gain and lose, and how a prediction fared.

Frames in, figures out, as all charts.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy import ndarray
from pandas import DataFrame

from app import canvas, decision_plane
from app.canvas import Sketch
from app.samples import sample_life
from app.theme import Palette
from store.questions import decision

_FATES = ("stays dropped", "stays kept", "leaves", "enters")  # drawn in this order, the rarest on top


def scatter(
    points: DataFrame, palette: Palette, *, cuts: Sequence[tuple[str, DataFrame, bool]] = (),
    thresholds: tuple[float, float] = (1.0, 0.0),
) -> go.Figure:  # fmt: skip
    """Draws rarity against consistency by what becomes of each sample, with the cut before and after.

    points: sample_id, rarity, consistency, score, fate; cuts: name, a frame of rarity and consistency, and
    whether it is the new one; thresholds: the highest rarity and the lowest consistency allowed.
    """
    sketch = decision_plane.plane(palette, height=430)
    for fate in _FATES:
        _points(sketch, points[points["fate"] == fate], fate)
    for name, curve, is_new in cuts:
        color = palette.text if is_new else palette.muted
        sketch.add(
            "scatter", x=curve["rarity"], y=curve["consistency"], mode="lines", name=name, hoverinfo="skip",
            line={"color": color, "width": 2, "dash": "solid" if is_new else "dash"},
        )  # fmt: skip
    highest_rarity, lowest_consistency = thresholds
    if highest_rarity < 1:
        sketch.line(x=highest_rarity, color=palette.bad, width=1.5, dash="dot")
    if lowest_consistency > 0:
        sketch.line(y=lowest_consistency, color=palette.bad, width=1.5, dash="dot")
    return sketch.figure()


def contour(cut: float, exponents: tuple[float, float]) -> DataFrame:
    """Returns rarity and consistency along which the score is the cut, inside the unit square.

    exponents: of rarity and consistency, not both 0; no rows where the cut is NaN or runs outside.
    """
    of_rarity, of_consistency = exponents
    if not cut > 0 or not (of_rarity or of_consistency):
        return DataFrame({"rarity": [], "consistency": []})
    grid = np.linspace(0, 1, 401)
    if not of_consistency:
        rarity = np.full(2, cut ** (1 / of_rarity) - decision.FLOOR)
        return _inside(rarity, np.array([0.0, 1.0]))
    rest = cut / (grid + decision.FLOOR) ** of_rarity
    return _inside(grid, rest ** (1 / of_consistency) - decision.FLOOR)


def classes(by_class: DataFrame, names: Sequence[str], palette: Palette) -> go.Figure:
    """Draws the share of each class that is kept, before and after.

    by_class: label, n, before, after; names: of the classes, by label.
    """
    sketch = Sketch(palette, height=130 + 24 * len(by_class), x="Kept / samples of the class")
    shown = [sample_life.class_name(names, label) for label in by_class["label"]]
    looks = (("before", "as logged", palette.faded(palette.muted, 0.6)),
             ("after", "with these settings", palette.kept))  # fmt: skip
    for column, name, color in looks:
        sketch.add(
            "bar", orientation="h", y=shown, x=by_class[column] / by_class["n"], name=name,
            customdata=by_class[[column, "n"]], marker={"color": color},
            hovertemplate="%{customdata[0]:,} of %{customdata[1]:,}, %{x:.1%}",
        )  # fmt: skip
    sketch.x(tickformat=".0%", rangemode="tozero", showgrid=True)
    sketch.y(autorange="reversed", type="category", showgrid=False)
    sketch.layout |= {"hovermode": "y unified", "barmode": "group", "bargap": 0.25}
    return sketch.figure()


def agreement(curves: DataFrame, palette: Palette, *, last_epoch: int) -> go.Figure:
    """Draws how well predictions fared beside what seeds alone and chance give.

    curves: name, kind (predicted, seeds or chance), epoch, jaccard.
    """
    sketch = Sketch(palette, height=300, x="Epoch", y="Jaccard of kept sets")
    place = 0
    for (name, kind), curve in curves.groupby(["name", "kind"], sort=False):
        dash = {"predicted": "solid", "seeds": "dash", "chance": "dot"}[str(kind)]
        color = (
            palette.categorical[place % len(palette.categorical)] if kind == "predicted" else palette.muted
        )
        place += kind == "predicted"
        looks = canvas.marks(len(curve)) if kind == "predicted" else {"mode": "lines"}
        sketch.add(
            "scatter", x=curve["epoch"], y=curve["jaccard"], name=name,
            line={"color": color, "width": 2 if kind == "predicted" else 1.5, "dash": dash},
            **looks, hovertemplate="%{y:.3f}",
        )  # fmt: skip
    canvas.epoch_axis(sketch, last_epoch)
    sketch.y(range=[0, 1.03])
    return sketch.figure()


def _points(sketch: Sketch, samples: DataFrame, fate: str) -> None:
    palette = sketch.palette
    color = {
        "stays dropped": palette.faded(palette.dropped, 0.3),
        "stays kept": palette.faded(palette.kept, 0.35),
        "enters": palette.good,
        "leaves": palette.bad,
    }[fate]
    symbol = {"enters": "triangle-up", "leaves": "triangle-down"}.get(fate, "circle")
    marker = {"size": 5 if symbol == "circle" else 7, "color": color, "symbol": symbol}
    decision_plane.add(sketch, samples, name=fate, marker=marker, scored=True)


def _inside(rarity: ndarray, consistency: ndarray) -> DataFrame:
    inside = (rarity >= 0) & (rarity <= 1) & (consistency >= 0) & (consistency <= 1)
    return DataFrame({"rarity": rarity[inside], "consistency": consistency[inside]})
