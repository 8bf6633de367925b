"""Charts of groups draw what their frames hold, in few traces, and can be read without colours."""

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from pandas import DataFrame

from app.ablations import bands, cost_chart, curve_chart, curves, looks
from app.ablations.curve_chart import Line
from app.ablations.measures import Measure
from app.theme import DARK, LIGHT, Palette

NAN = math.nan
ACCURACY = Measure("test_accuracy", "Test accuracy", "share correct on the test set", is_share=True)
LOSS = Measure("test_loss", "Test loss", "mean loss")


def line(name: str, *runs: list[float], color: str = LIGHT.categorical[0], single: bool = False) -> Line:
    """A group of runs with these values by epoch."""
    values = np.array(runs)
    epochs = np.arange(values.shape[1])
    curve = bands.summary(values, "range").assign(epoch=epochs, x=epochs)
    rows = [DataFrame({"run": place, "x": epochs, "value": own}) for place, own in enumerate(values)]
    return Line(name, len(runs), color, "solid", curve, pd.concat(rows) if single else None)


def drawn(*lines: Line, measure: Measure = ACCURACY, palette: Palette = LIGHT) -> go.Figure:
    return curve_chart.curves(lines, palette, measure=measure, x="Epoch", band="min–max")


def filled(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.fill == "toself"]


def means(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.hovertemplate]


def test_a_group_is_a_mean_and_one_outline_however_many_seeds_it_has():
    figure = drawn(line("a", [0.5, 0.7], [0.6, 0.8], [0.7, 0.9]))
    assert len(figure.data) == 2
    assert list(means(figure)[0].y) == pytest.approx([0.6, 0.8])
    assert list(filled(figure)[0].y)[:4] == pytest.approx([0.7, 0.9, 0.7, 0.5])  # there above, back below


def test_eight_groups_with_bands_stay_within_the_budget_of_traces():
    values = np.random.default_rng(0).random((3, 200)).tolist()
    assert len(drawn(*(line(f"group {place}", *values) for place in range(8))).data) == 16


def test_hovering_says_the_band_by_its_name_and_n():
    figure = drawn(line("a", [0.5], [0.7]))
    assert means(figure)[0].customdata[0].replace("\N{NO-BREAK SPACE}", " ") == (
        "60.0 % (min–max 50.0 % to 70.0 %), n = 2"
    )


def test_line_and_band_go_on_over_epochs_in_which_nobody_measured():
    figure = drawn(line("a", [0.5, NAN, 0.7], [0.6, NAN, 0.9]))
    assert (list(means(figure)[0].x), list(means(figure)[0].y)) == ([0, 2], pytest.approx([0.55, 0.8]))
    (band,) = filled(figure)
    assert list(band.x)[:4] == [0, 2, 2, 0]
    assert list(band.y)[:4] == pytest.approx([0.6, 0.9, 0.7, 0.5])


def test_one_seed_is_a_line_without_a_band():
    figure = drawn(line("a", [0.5, 0.7]))
    assert filled(figure) == []
    assert means(figure)[0].customdata[0].endswith("n = 1")


def test_where_seeds_are_missing_the_mean_is_dotted_and_says_how_many_are_left():
    whole, rest = means(drawn(line("a", [0.5, 0.6, 0.9], [0.7, 0.8, NAN])))
    assert list(whole.y)[:2] == pytest.approx([0.6, 0.7])
    assert math.isnan(whole.y[2])
    assert list(rest.y)[1:] == pytest.approx([0.7, 0.9])
    assert rest.line.dash == "dot"
    assert rest.customdata[2].endswith("n = 1")


def test_single_runs_are_one_trace_with_gaps():
    figure = drawn(line("a", [0.5, 0.7], [0.6, 0.8], single=True))
    thin = next(trace for trace in figure.data if trace.line.width == 1)
    assert list(thin.y) == [0.5, 0.7, None, 0.6, 0.8, None]


def test_each_line_carries_its_name_and_n_as_text_within_the_panel():
    notes = drawn(line("a <b>", [0.5, 0.7]), line("b", [0.5, 0.7])).layout.annotations
    assert [note.text.split("</span> ")[1] for note in notes] == ["a &lt;b&gt;, n = 1", "b, n = 1"]
    assert all(0 <= note.y <= 1 and note.yref == "y domain" for note in notes)


def test_a_group_without_colour_has_no_name_at_its_line():
    plain = line("a", [0.5, 0.7])
    grey = Line("grey", 1, LIGHT.muted, "solid", plain.curve, is_named=False)
    assert len(drawn(grey, plain).layout.annotations) == 1


def test_a_share_is_shown_within_0_and_1():
    wide = line("a", [0.0, 1.0], [1.0, 1.0])
    assert drawn(wide).layout.yaxis.range == (0.0, 1.02)
    assert drawn(line("a", [1.0, 2.0]), measure=LOSS).layout.yaxis.range == pytest.approx((0.95, 2.05))


def test_values_on_decades_leave_out_what_is_not_above_0():
    measure = Measure("variance.mean", "Variance, mean", "", is_log=True)
    axis = drawn(line("a", [0.0, 0.01, 1.0]), measure=measure).layout.yaxis
    assert axis.type == "log"
    assert axis.range == pytest.approx((-2.1, 0.1))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
def test_what_nobody_measured_is_said_instead_of_drawn(palette: Palette):
    figure = drawn(line("a", [NAN, NAN]), palette=palette)
    assert [note.text for note in figure.layout.annotations] == ["no value yet"]
    assert drawn(palette=palette).layout.annotations[0].text == "no value yet"


def test_against_cost_a_point_is_the_mean_of_the_seeds_in_both_directions():
    rows = DataFrame(
        {
            "run": ["a", "a", "b"],
            "epoch": [0, 1, 0],
            "value": [0.5, 0.7, 0.6],
            "x": [100.0, 200.0, 120.0],
        }
    )
    curve = curves.curve(rows, "sd")
    assert curve["x"].tolist() == [110, 200]
    assert curve["mean"].tolist() == pytest.approx([0.55, 0.7])
    assert curve["whole"].tolist() == [True, False]


def points(**columns: list[object]) -> DataFrame:
    frame = {
        "group": ["a", "b"],
        "key": ["a", "b"],
        "n": [3, 1],
        "done": [True, False],
        "front": [True, True],
    }
    ends = {"x": [10.0, 20.0], "x_low": [9.0, NAN], "x_high": [11.0, NAN]}
    reached = {"y": [0.8, 0.9], "y_low": [0.7, NAN], "y_high": [0.85, NAN]}
    return DataFrame({**frame, **ends, **reached, **columns})


COLORS = dict(zip(("a", "b"), LIGHT.categorical, strict=False))


def test_costs_are_points_with_bars_and_a_front_in_steps():
    figure = cost_chart.costs(points(), LIGHT, measure=ACCURACY, x="Seconds", colors=COLORS)
    front, one, other = figure.data
    assert (list(front.x), front.line.shape) == ([10, 20], "hv")
    assert (one.error_y.array[0], one.error_y.arrayminus[0]) == pytest.approx((0.05, 0.1))
    assert (one.marker.symbol, other.marker.symbol) == ("circle", "circle-open")
    assert other.error_y.visible is False
    assert "not all runs are done" in other.hovertemplate


def test_a_lone_point_has_no_front_and_an_unknown_one_is_not_drawn():
    unknown = points(y=[0.8, NAN], front=[True, False])
    figure = cost_chart.costs(unknown, LIGHT, measure=ACCURACY, x="Seconds", colors=COLORS)
    assert [trace.name for trace in figure.data] == ["a"]


def test_the_dash_of_missing_seeds_is_no_dash_of_a_family():
    assert "dot" not in looks.DASHES
