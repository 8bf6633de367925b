"""How well a ranking finds wrong labels, and which samples are rare instead of wrong: frames in, figures out.

Kept apart from the charts of a run because these compare samples, not epochs.
"""

from collections.abc import Mapping

import plotly.graph_objects as go
from pandas import DataFrame

from app import canvas, decision_plane
from app.canvas import Sketch
from app.noise.suspects import AGREES_FROM, QUADRANTS, RARE_FROM
from app.theme import Palette


def precision_recall(
    curve: DataFrame, palette: Palette, *, share: float, top: int | None = None
) -> go.Figure:
    """Draws precision against recall of a ranking by suspicion, and what a random order would reach.

    curve: k, precision, recall; share: of wrong labels in the data; top: the k that is marked.
    """
    sketch = Sketch(palette, height=260, x="Recall: share of all flipped labels found", y="Precision")
    sketch.add(
        "scatter", x=curve["recall"], y=curve["precision"], customdata=curve["k"], mode="lines",
        line={"color": palette.categorical[0], "width": 2}, name="this ranking",
        hovertemplate="top %{customdata:,}: %{y:.1%} are flipped, %{x:.1%} of all found<extra></extra>",
    )  # fmt: skip
    sketch.add(
        "scatter", x=[0, 1], y=[share, share], mode="lines", name="random order", hoverinfo="skip",
        line={"color": palette.muted, "width": 1.5, "dash": "dash"},
    )  # fmt: skip
    marked = curve[curve["k"] == top]
    if len(marked):
        sketch.add(
            "scatter", x=marked["recall"], y=marked["precision"], mode="markers", name=f"top {top}",
            marker={"size": 10, "color": palette.flipped}, hoverinfo="skip",
        )  # fmt: skip
    sketch.x(tickformat=".0%", range=[-0.01, 1.01], showgrid=True)
    sketch.y(tickformat=".0%", range=[0, 1.03])
    sketch.layout["hovermode"] = "closest"
    return sketch.figure()


def quadrant(samples: DataFrame, palette: Palette) -> go.Figure:
    """Draws rarity against consistency with the four corners named.

    samples: sample_id, rarity, consistency, flipped (true, false or unknown); unknown values are left out.
    """
    known = samples.dropna(subset=["rarity", "consistency"])
    sketch = decision_plane.plane(palette, height=450)
    flipped = known["flipped"].astype("boolean")
    is_wrong = flipped.fillna(False).to_numpy(bool)
    name = "label as in the data" if flipped.notna().any() else ""
    looks = {"size": 6, "color": palette.faded(palette.kept, 0.55)}
    decision_plane.add(sketch, known[~is_wrong], name=name, marker=looks)
    looks = {"size": 6, "color": palette.faded(palette.flipped, 0.9)}
    decision_plane.add(sketch, known[is_wrong], name="flipped label", marker=looks)
    _name_corners(sketch)
    sketch.layout["legend"]["itemsizing"] = "constant"  # its points are too small to show their colour
    return sketch.figure()


def _name_corners(sketch: Sketch) -> None:
    palette = sketch.palette
    sketch.line(y=AGREES_FROM, color=palette.grid, width=2)
    sketch.line(x=RARE_FROM, color=palette.grid, width=2)
    looks = {"font": {"size": 11, "color": palette.muted}, "bgcolor": palette.faded(palette.background, 0.9)}
    for name, _, is_rare, agrees in QUADRANTS:
        sketch.note(
            name.lower(),
            x=0.99 if is_rare else 0.01,
            y=1.0 if agrees else 0.0,
            xanchor="right" if is_rare else "left",
            yanchor="top" if agrees else "bottom",
            **looks,
        )


def grades_by_epoch(
    grades: DataFrame,
    palette: Palette,
    *,
    measure: str,
    names: Mapping[str, str],
    epoch: int | None = None,
) -> go.Figure:
    """Draws how well each ranking finds wrong labels by epoch.

    grades: epoch, signal and the measure, average_precision or auroc; names: rankings as they are called.
    """
    title = "Average precision" if measure == "average_precision" else "AUROC"
    sketch = Sketch(palette, height=270, x="Means over the epochs up to", y=title)
    for place, (signal, name) in enumerate(names.items()):
        known = grades[grades["signal"] == signal].dropna(subset=[measure])
        if known.empty:
            continue
        sketch.add(
            "scatter",
            x=known["epoch"],
            y=known[measure],
            name=name,
            line={"color": palette.categorical[place], "width": 2},
            hovertemplate="%{y:.3f}",
            **canvas.marks(len(known)),
        )
    canvas.epoch_axis(sketch, int(grades["epoch"].max()) if len(grades) else 0)
    canvas.epoch_rule(sketch, epoch)
    sketch.y(hoverformat=".3f")
    return sketch.figure()
