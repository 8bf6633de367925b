"""A panel: a figure with all that is said about it, so that a page and a report show the same."""

from dataclasses import dataclass

import plotly.graph_objects as go
from pandas import DataFrame


@dataclass(frozen=True)
class Panel:
    """A figure with its title, what it is of and how much, its takeaway in words, and its numbers.

    figure: None where there is nothing to draw; note then says why, and what to do.
    """

    title: str
    figure: go.Figure | None
    note: str
    alt: str = ""
    table: DataFrame | None = None
