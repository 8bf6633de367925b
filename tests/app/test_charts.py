"""Charts draw what the frame holds: no point is invented, gaps stay gaps, and no page is needed."""

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from pandas import DataFrame

from app import charts
from app.noise import noise_charts
from app.samples import history_charts
from app.samples.history_charts import PANELS
from app.theme import DARK, LIGHT

NAN = math.nan


def metrics(epochs: int = 3) -> DataFrame:
    frame = DataFrame({"epoch": np.arange(epochs)})
    for name in ("mean_loss", "test_loss", "train_accuracy", "test_accuracy", "recall", "map_trust"):
        frame[name] = np.linspace(0.5, 0.9, epochs)
    frame["validation_loss"] = frame["validation_accuracy"] = NAN
    frame["kept"], frame["kept_share"] = 10, 0.5
    for name in charts.TIME_COLUMNS:
        frame[name] = 0.0
    return frame


def stats(epochs: int = 3) -> DataFrame:
    quantiles = {"q05": 0.1, "q25": 0.2, "q50": 0.3, "q75": 0.4, "q95": 0.5}
    return DataFrame({"epoch": np.arange(epochs), "n": 8, "low": 0.0, "high": 1.0, **quantiles})


def history(epochs: int = 4, **columns: list[float]) -> DataFrame:
    frame = DataFrame(
        {"epoch": np.arange(epochs), "sample_id": 7, "label": 3, "true_label": NAN, "selected": True}
    )
    for name in PANELS:
        frame[name] = np.linspace(0.1, 0.9, epochs)
    return frame.assign(**{"prediction": 3.0, "correct": True, **columns})


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(trace for trace in figure.data if trace.name == name)


def rules(figure: go.Figure) -> list[float]:
    return [shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1]


def test_curves_hold_the_values_of_the_frame():
    figure = charts.accuracies(metrics(), LIGHT)
    assert list(trace(figure, "test").y) == [0.5, 0.7, 0.9]
    assert list(trace(figure, "test").x) == [0, 1, 2]


def test_held_out_samples_and_tests_are_drawn_where_somebody_measured_them():
    held_out = charts.accuracies(metrics().assign(validation_accuracy=[0.4, 0.5, 0.6]), LIGHT)
    assert list(trace(held_out, "validation").y) == [0.4, 0.5, 0.6]
    assert trace(held_out, "validation").line.color != trace(held_out, "test").line.color
    untested = charts.losses(metrics().assign(test_loss=NAN), LIGHT)
    assert [drawn.name for drawn in untested.data] == ["training, kept samples"]


def test_a_class_name_is_text_beside_the_axis_and_short_enough_to_leave_room():
    names = ["a" * 40, "bird <b>"]
    axis = history_charts.predictions(history(), LIGHT, names=[*names, "x", "y"], epoch=0).layout.yaxis
    assert axis.ticktext[:2] == ("a" * 19 + "…", "bird &lt;b&gt;")


def test_the_epoch_that_is_looked_at_is_marked():
    assert rules(charts.losses(metrics(), LIGHT, epoch=2)) == [2]
    assert rules(charts.losses(metrics(), LIGHT)) == []


def test_one_epoch_is_a_point_and_not_nothing():
    assert trace(charts.losses(metrics(1), LIGHT), "test").mode == "lines+markers"


@pytest.mark.parametrize(
    "draw", [charts.losses, charts.accuracies, charts.kept_shares, charts.times, charts.index_health]
)
def test_no_epoch_draws_empty_axes(draw):
    assert isinstance(draw(metrics(0), DARK), go.Figure)


def test_a_trustworthiness_is_no_share():
    axis = charts.index_health(metrics(), LIGHT).layout.yaxis
    assert (axis.title.text, axis.tickformat) == ("0 to 1", ".2~f")


def test_unknown_values_leave_a_gap():
    figure = charts.losses(metrics().assign(test_loss=[0.3, NAN, 0.1]), LIGHT)
    assert math.isnan(trace(figure, "test").y[1])
    assert trace(figure, "test").connectgaps is False


def test_bands_have_their_ends_around_the_median():
    figure = charts.quantile_bands(stats(), LIGHT, signal="strength")
    ends = [list(drawn.y) for drawn in figure.data]
    assert ends == [[0.1] * 3, [0.5] * 3, [0.2] * 3, [0.4] * 3, [0.3] * 3]
    assert figure.layout.yaxis.range == (0, 1)


def test_variance_is_read_on_a_log_axis():
    assert charts.quantile_bands(stats(), LIGHT, signal="variance").layout.yaxis.type == "log"


def test_bands__epochs_without_a_value_are_left_out():
    known = stats().assign(q05=[NAN, 0.1, 0.1], q25=[NAN, 0.2, 0.2], q50=[NAN, 0.3, 0.3])
    assert list(charts.quantile_bands(known, LIGHT, signal="variance").data[0].x) == [1, 2]


def test_bands__nothing_known_yet_says_so():
    unknown = stats().assign(q05=NAN, q25=NAN, q50=NAN, q75=NAN, q95=NAN)
    figure = charts.quantile_bands(unknown, LIGHT, signal="variance")
    assert [note.text for note in figure.layout.annotations] == ["no value yet"]
    assert not charts.quantile_bands(stats(), LIGHT, signal="variance").layout.annotations


def test_histogram_bars_span_from_lowest_to_highest():
    row = pd.Series({"low": 0.2, "high": 0.6, "histogram": [1, 3]})
    bars = charts.histogram(row, LIGHT, signal="strength").data[0]
    assert (list(bars.x), list(bars.y), bars.width) == (pytest.approx([0.3, 0.5]), [1, 3], pytest.approx(0.2))


def test_histogram__all_values_equal():
    row = pd.Series({"low": 0.5, "high": 0.5, "histogram": [4, 0]})
    assert charts.histogram(row, LIGHT, signal="strength").data[0].width > 0


def test_times_leave_out_what_took_none():
    figure = charts.times(metrics().assign(seconds_train=2.0, seconds_map=[1.0, NAN, 1.0]), LIGHT)
    assert [drawn.name for drawn in figure.data] == ["Training", "Map"]
    assert list(figure.data[1].y) == [1, 0, 1]


def test_a_bar_far_above_the_others_is_cut_and_says_how_high_it_is():
    figure = charts.times(metrics(5).assign(seconds_train=[60.0, 1, 1, 1, 2]), LIGHT)
    assert figure.layout.yaxis.range == pytest.approx((0, 2.5))
    assert [note.text for note in figure.layout.annotations] == [
        "↑ 1\N{NO-BREAK SPACE}min 00\N{NO-BREAK SPACE}s"
    ]
    even = charts.times(metrics(5).assign(seconds_train=[3.0, 1, 1, 1, 2]), LIGHT)
    assert (even.layout.yaxis.range, len(even.layout.annotations)) == (None, 0)


def test_every_kind_of_time_has_a_colour():
    assert set(charts.TIME_COLUMNS) == set(charts._TIME_COLORS)


def test_kept_noise_is_drawn_against_its_share_in_the_data():
    noise = DataFrame({"epoch": [0, 1], "share_noisy_kept": [0.1, 0.02], "share_noisy_all": [0.1, 0.1]})
    figure = charts.kept_noise(noise, LIGHT)
    assert (list(trace(figure, "among the kept").y), list(trace(figure, "in the data").y)) == (
        [0.1, 0.02],
        [0.1, 0.1],
    )


def test_a_life_has_one_panel_a_signal_under_the_kept_strip():
    figure = history_charts.life(history(), LIGHT, epoch=1)
    lines = [drawn for drawn in figure.data if drawn.type == "scatter"]
    assert len(lines) == len(PANELS)
    titles = [note.text for note in figure.layout.annotations]
    assert "Kept in 4 of 4 epochs" in titles
    assert any(title.startswith("Loss  <b>0.367") for title in titles)


def test_a_life_keeps_gaps_and_says_what_was_never_known():
    figure = history_charts.life(history(loss=[1.0, NAN, 0.5, NAN], variance=[NAN] * 4), LIGHT)
    loss = next(drawn for drawn in figure.data if drawn.name == "Loss")
    assert np.isnan(loss.y).tolist() == [False, True, False, True]
    assert "no value yet" in [note.text for note in figure.layout.annotations]


def test_a_lone_visit_in_a_long_life_has_its_point():
    loss = [NAN] * 40
    loss[3], loss[10:12] = 1.0, [0.5, 0.4]
    figure = history_charts.life(history(40, loss=loss), LIGHT)
    curve = next(trace for trace in figure.data if trace.name == "Loss")
    assert curve.mode == "lines+markers"
    assert np.flatnonzero(curve.marker.size).tolist() == [3]


def test_the_kept_strip_tells_kept_from_dropped():
    strip = history_charts.life(history(selected=[True, False, True, True]), LIGHT).data[0]
    assert list(strip.text) == ["kept", "dropped", "kept", "kept"]
    assert len(set(strip.marker.color)) == 2


def test_every_panel_explains_itself_on_hover():
    figure = history_charts.life(history(), LIGHT)
    hints = [note.hovertext for note in figure.layout.annotations if note.hovertext]
    assert len(hints) == len(PANELS)


def test_predictions_are_coloured_by_whether_they_are_the_label():
    figure = history_charts.predictions(
        history(prediction=[3.0, NAN, 5.0, 3.0]), LIGHT, names=[str(label) for label in range(10)], epoch=None
    )
    dots = figure.data[0]
    assert (list(dots.x), list(dots.text)) == ([0, 2, 3], ["3", "5", "3"])
    assert list(dots.marker.color) == [LIGHT.kept, LIGHT.flipped, LIGHT.kept]


def test_factors_are_lengths_that_add_up_to_the_score():
    figure = history_charts.decision(LIGHT, rarity=0.1, consistency=0.01, cut=0.1, kept=False)
    length = {bar.y[0].split()[0]: (bar.base[0], bar.x[0]) for bar in figure.data}
    # log10: rarity goes from 1 to 0.1, consistency on from there to 0.001, which is the score.
    assert length["Rarity"] == pytest.approx((0, -1))
    assert length["Consistency"] == pytest.approx((-1, -2))
    assert length["Score"] == pytest.approx((0, -3))
    assert rules(figure) == pytest.approx([-1])


def test_a_factor_with_an_exponent_is_drawn_and_named_as_its_power():
    figure = history_charts.decision(
        LIGHT, rarity=0.1, consistency=0.01, cut=0.1, kept=False, exponents=(2, 1)
    )
    ends = {bar.y[0].split()[0]: bar.base[0] + bar.x[0] for bar in figure.data}
    assert ends == pytest.approx({"Score": -4, "Consistency": -4, "Rarity²": -2})


@pytest.mark.parametrize(("kept", "color"), [(True, LIGHT.kept), (False, LIGHT.dropped)])
def test_the_score_is_coloured_by_what_it_decided(kept: bool, color: str):
    figure = history_charts.decision(LIGHT, rarity=0.5, consistency=0.5, cut=0.2, kept=kept)
    assert figure.data[0].marker.color == color


@pytest.mark.parametrize("cut", [NAN, 0.0])
def test_decision__no_cut(cut: float):
    assert rules(history_charts.decision(LIGHT, rarity=0.0, consistency=1.0, cut=cut, kept=None)) == []


def test_precision_recall_marks_the_top_that_is_shown():
    curve = DataFrame({"k": [1, 2, 4], "precision": [1, 1, 0.5], "recall": [0.5, 1, 1]})
    figure = noise_charts.precision_recall(curve, LIGHT, share=0.25, top=2)
    assert (list(trace(figure, "top 2").x), list(trace(figure, "random order").y)) == ([1], [0.25, 0.25])
    unmarked = noise_charts.precision_recall(curve, LIGHT, share=0.25, top=3)
    assert [drawn.name for drawn in unmarked.data] == ["this ranking", "random order"]


def samples(flipped: list[bool | None]) -> DataFrame:
    count = len(flipped)
    places = {"sample_id": np.arange(count), "rarity": 0.2, "consistency": 0.8}
    return DataFrame({**places, "flipped": pd.array(flipped, dtype="boolean")})


def test_quadrants_tell_flipped_labels_from_the_others():
    figure = noise_charts.quadrant(samples([False, True, False]), LIGHT)
    assert list(trace(figure, "flipped label").customdata[:, 0]) == [1]
    assert list(trace(figure, "label as in the data").customdata[:, 0]) == [0, 2]


def test_quadrants__nobody_knows_the_true_labels():
    drawn = noise_charts.quadrant(samples([None, None]), LIGHT).data[0]
    assert (list(drawn.customdata[:, 0]), drawn.showlegend) == ([0, 1], False)


def test_charts_need_no_page():
    of_subjects = "from app.noise import noise_charts; from app.samples import history_charts"
    program = f"import sys; from app import charts; {of_subjects}; assert 'streamlit' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_legend_has_a_room_of_its_own_that_no_resize_changes():
    layout = charts.losses(metrics(2), LIGHT).layout
    assert (layout.legend.yref, layout.legend.yanchor, layout.legend.y) == ("container", "top", 1)
    assert layout.margin.t >= 48  # two rows of names, as tall as they were measured in the narrowest card


@pytest.mark.parametrize(("epochs", "kind"), [(60, "bar"), (61, "scatter")])
def test_many_epochs_are_areas_instead_of_bars__with_the_same_amounts(epochs, kind):
    rows = metrics(epochs).assign(seconds_train=1.0)
    for figure in (charts.times(rows, LIGHT), charts.kept_shares(rows, LIGHT)):
        assert {trace.type for trace in figure.data} == {kind}
    np.testing.assert_array_equal(charts.kept_shares(rows, LIGHT).data[0].y, rows["kept_share"])
