"""How well a ranking finds wrong labels, and which samples are rare instead of wrong: frames in, figures out.

Kept apart from the charts of a run because these compare samples, not epochs.
"""

import plotly.graph_objects as go
from pandas import DataFrame

from app import canvas
from app.theme import Palette

# WebGL only pays from here on; below, vector points look sharper and start at once.
_WEBGL_FROM = 5_000


def precision_recall(
    curve: DataFrame, palette: Palette, *, share: float, top: int | None = None
) -> go.Figure:
    """Draws precision against recall of a ranking by suspicion, and what a random order would reach.

    curve: k, precision, recall; share: of wrong labels in the data; top: the k that is marked.
    """
    figure = canvas.blank(palette, height=260, x="Recall: share of all flipped labels found", y="Precision")
    figure.add_scatter(
        x=curve["recall"],
        y=curve["precision"],
        customdata=curve["k"],
        mode="lines",
        line={"color": palette.categorical[0], "width": 2},
        name="this ranking",
        hovertemplate="top %{customdata:,}: %{y:.1%} are flipped, %{x:.1%} of all found<extra></extra>",
    )
    figure.add_scatter(
        x=[0, 1],
        y=[share, share],
        mode="lines",
        line={"color": palette.muted, "width": 1.5, "dash": "dash"},
        name="random order",
        hoverinfo="skip",
    )
    marked = curve[curve["k"] == top]
    if len(marked):
        figure.add_scatter(
            x=marked["recall"],
            y=marked["precision"],
            mode="markers",
            marker={"size": 10, "color": palette.flipped},
            name=f"top {top}",
            hoverinfo="skip",
        )
    figure.update_xaxes(tickformat=".0%", range=[-0.01, 1.01], showgrid=True)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.03])
    figure.update_layout(hovermode="closest")
    return figure


def quadrant(samples: DataFrame, palette: Palette, *, chosen: int | None = None) -> go.Figure:
    """Draws rarity against consistency with the four corners named; chosen: a sample that is circled.

    samples: sample_id, rarity, consistency, flipped (true, false or unknown); unknown values are left out.
    """
    known = samples.dropna(subset=["rarity", "consistency"])
    figure = canvas.blank(palette, height=450, x="Rarity, high = sparse", y="Consistency, high = agrees")
    flipped = known["flipped"].astype("boolean")
    groups = (
        (
            "label as in the data" if flipped.notna().any() else "",
            flipped.ne(True).fillna(True),
            palette.kept,
            0.55,
        ),
        ("flipped label", flipped.eq(True).fillna(False), palette.flipped, 0.9),
    )
    for name, members, color, opacity in groups:
        _points(figure, known[members.to_numpy(bool)], name=name, color=palette.faded(color, opacity))
    circled = known[known["sample_id"] == chosen]
    figure.add_scatter(
        x=circled["rarity"],
        y=circled["consistency"],
        mode="markers",
        marker={"size": 16, "color": "rgba(0,0,0,0)", "line": {"color": palette.text, "width": 2}},
        hoverinfo="skip",
        showlegend=False,
    )
    _name_corners(figure, palette)
    figure.update_xaxes(range=[-0.03, 1.03], showgrid=True)
    figure.update_yaxes(range=[-0.03, 1.03])
    figure.update_layout(hovermode="closest")
    return figure


def _points(figure: go.Figure, samples: DataFrame, *, name: str, color: str) -> None:
    if samples.empty:
        return
    kind = go.Scattergl if len(samples) >= _WEBGL_FROM else go.Scatter
    figure.add_trace(
        kind(
            x=samples["rarity"],
            y=samples["consistency"],
            customdata=samples["sample_id"],
            mode="markers",
            marker={"size": 6, "color": color, "line_width": 0},
            name=name,
            showlegend=bool(name),
            hovertemplate="sample %{customdata}<br>rarity %{x:.3f}, consistency %{y:.3f}<extra></extra>",
        )
    )


def _name_corners(figure: go.Figure, palette: Palette) -> None:
    line = {"color": palette.grid, "width": 2}
    figure.add_hline(y=0.5, line=line, layer="below")
    figure.add_vline(x=0.5, line=line, layer="below")
    corners = (
        (0.01, 1.0, "left", "top", "common and right: dropped as redundant"),
        (0.99, 1.0, "right", "top", "rare and right: kept"),
        (0.01, 0.0, "left", "bottom", "common and doubtful"),
        (0.99, 0.0, "right", "bottom", "rare and doubtful: likely wrong"),
    )
    for x, y, xanchor, yanchor, text in corners:
        figure.add_annotation(
            x=x, y=y, text=text, xanchor=xanchor, yanchor=yanchor, showarrow=False,
            font={"size": 11, "color": palette.muted}, bgcolor=palette.faded(palette.background, 0.75),
        )  # fmt: skip
