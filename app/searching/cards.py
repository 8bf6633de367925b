"""The two searches as cards: by conditions and by a drawn curve, each with what it found."""

from collections.abc import Sequence
from functools import partial
from typing import Any, get_args

import numpy as np
import streamlit as st
from numpy import ndarray
from pandas import DataFrame

from app import cached, focus, gallery, links, wording
from app.samples import sample_life
from app.searching import conditions, drawing, found
from app.searching.drawing import Drawn
from store.questions.curves import Measure, Nearest, least_visits
from store.run import Run
from store.schema import column

SHOWN = 24  # samples found by conditions, the first ones by id
BEHIND = 8  # nearest curves drawn behind the asked one
THUMBNAIL = 56  # pixels

_SIGNAL, _BY, _PRESET = "samples_curve_signal", "samples_curve_by", "samples_curve_preset"
_NAMES = {"shape": "Shape", "value": "Value"}
_BY_HELP = (
    "Both compare only the epochs that visited the sample (ours). Value: the root of the mean squared "
    "difference, in the unit of the signal. Shape: the same after both curves were brought to mean 0 and "
    "standard deviation 1: 0 is the same shape, 1.41 unrelated, 2 upside down."
)


def search(run: Run, samples: int, epoch: int) -> None:
    """Draws the search by conditions with the first samples that it found; samples: of the run."""
    names = list(run.about().get("class_names", []))
    with st.container(border=True, gap="small", key="card_search"):
        terms = conditions.pick(run)
        if not terms:
            st.caption(
                "Samples for which all chosen conditions hold appear here, and J and K step through them. "
                "Each condition's definition is on the ? beside it."
            )
            return
        ids = found.by_conditions(run, terms)
        says = conditions.sentence(terms, names)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            share = wording.percent(len(ids) / samples)
            st.markdown(f"**{wording.count(len(ids))}** of {wording.plural(samples, 'sample')} ({share})")
            _select(ids, key="samples_select_found")
        if not len(ids):
            st.caption(f"None: {says}. Take one condition away, or change a value.")
            return
        st.caption(f"{says}. The first {min(SHOWN, len(ids))} by number, with their labels.")
        _gallery(run, DataFrame({"sample_id": ids[:SHOWN]}), names, epoch=epoch, key="samples_found")


def curve(run: Run, samples: int, epoch: int) -> None:
    """Draws the search by a drawn curve with the samples whose curves are nearest; samples: of the run."""
    epochs = run.last_epoch() + 1
    with st.container(border=True, key="card_curve"):
        left, right = st.columns([1, 1.5], gap="medium")
        with left:
            drawn, is_empty = _pick(run, drawing.asked())
            nearest = None if is_empty or _has_no_shape(drawn) else found.by_curve(run, drawn)
            behind = [] if nearest is None else lines(found.of_signal(run, drawn.signal), nearest, drawn)
            drawing.field(drawn, epochs=epochs, is_empty=is_empty, behind=behind)
        with right:
            if is_empty:
                _nothing_drawn(drawn)
            elif nearest is None:
                st.markdown("**A level line has no shape**")
                st.caption("Compare by value instead, or draw a line that rises or falls.")
            else:
                _nearest(run, drawn, nearest, samples=samples, epoch=epoch)


def lines(curves: ndarray, nearest: Nearest, drawn: Drawn) -> list[list[list[float]]]:
    """Returns the nearest few curves as lines of points (x, y), 0 to 1, on the axis of the drawn one.

    Found by shape, each is moved and stretched to mean and standard deviation of the drawn curve.
    """
    wanted = drawn.at_epochs(curves.shape[1])
    shown = []
    for sample_id in nearest.ids[:BEHIND]:
        visited = np.flatnonzero(~np.isnan(curves[sample_id]))
        values = curves[sample_id, visited].astype(np.float64)
        if drawn.by == "shape":
            scaled = (values - values.mean()) / values.std()
            values = wanted[visited].mean() + wanted[visited].std() * scaled
        heights = (values - drawn.low) / (drawn.high - drawn.low)
        places = visited / max(curves.shape[1] - 1, 1)
        shown.append(np.round(np.column_stack([places, heights]), 3).tolist())
    return shown


def axis(run: Run, signal: str) -> tuple[float, float]:
    """Returns the ends of the axis of a signal: its range, else its 5 % and 95 % quantiles."""
    declared = column("history", signal)
    if declared.low is not None and declared.high is not None:
        return declared.low, declared.high
    stats = cached.epoch_stats(run, signal)[["q05", "q95"]].dropna()
    if stats.empty:
        return 0.0, 1.0
    low = float(stats["q05"].min()) if declared.low is None else declared.low
    high = float(stats["q95"].max())
    return low, high if high > low else low + 1


def _pick(run: Run, asked: Drawn | None) -> tuple[Drawn, bool]:
    """Draws signal, comparison and presets; returns the curve and whether it is yet to be drawn."""
    heights = None if asked is None else asked.heights
    st.session_state[_SIGNAL] = asked.signal if asked else st.session_state.get(_SIGNAL, "loss")
    st.session_state[_BY] = asked.by if asked else st.session_state.get(_BY, "shape")
    st.session_state[_PRESET] = next(
        (name for name in drawing.PRESETS if drawing.preset(name) == heights), None
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        signal = st.selectbox(
            "Curve of", drawing.SEARCHED, key=_SIGNAL, on_change=_take, args=(run,), width=190,
            format_func=lambda name: column("history", name).label,
        )  # fmt: skip
        by = st.segmented_control(
            "Compare by", get_args(Measure), key=_BY, required=True, on_change=_take, args=(run,),
            format_func=lambda name: _NAMES[name], help=_BY_HELP,
        )  # fmt: skip
    st.selectbox(
        "Take a curve, or draw one", list(drawing.PRESETS), key=_PRESET, on_change=_take_preset, args=(run,),
        index=None, placeholder="drawn by hand" if asked else "none yet",
    )  # fmt: skip
    if asked is not None:
        return asked, False
    low, high = axis(run, str(signal))
    return Drawn(str(signal), "value" if by == "value" else "shape", low, high, (0,) * drawing.KNOTS), True


def _nothing_drawn(drawn: Drawn) -> None:
    label = column("history", drawn.signal).label.lower()
    st.markdown("**Nothing drawn yet**")
    st.caption(
        f"Draw how the {label} should run from the first epoch to the last: the samples whose curves "
        "come nearest appear here, and J and K step through them."
    )


def _nearest(run: Run, drawn: Drawn, nearest: Nearest, *, samples: int, epoch: int) -> None:
    """Draws the samples found, below what was compared and what was left out."""
    label = column("history", drawn.signal).label.lower()
    least = least_visits(run.last_epoch() + 1)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**{len(nearest.ids)} nearest** of {wording.count(nearest.compared)} compared", help=_BY_HELP
        )
        _select(nearest.ids, key="samples_select_nearest")
    left_out = samples - nearest.compared
    why = f"fewer than {least} visits, or within half the epochs" + (
        ", or level" if drawn.by == "shape" else ""
    )
    out = f" {wording.plural(left_out, 'sample')} left out: {why}." if left_out else ""
    unit = "distance in shape" if drawn.by == "shape" else f"distance in {label}"
    st.caption(f"Below each: label and {unit}. Gray lines: the nearest {BEHIND}, gaps joined.{out}")
    shown = DataFrame({"sample_id": nearest.ids, "distance": nearest.distances})
    with st.container(height=300, border=False):
        names = list(run.about().get("class_names", []))
        _gallery(run, shown, names, epoch=epoch, key="samples_nearest")


def _gallery(run: Run, shown: DataFrame, names: list[str], *, epoch: int, key: str) -> None:
    labels = cached.epoch_rows(run, epoch, ("selected",), shown["sample_id"].tolist())
    rows = shown.merge(labels[["sample_id", "label"]], on="sample_id", how="left")
    links.draw(gallery.gallery(run, rows, partial(_caption, names), epoch=epoch, width=THUMBNAIL), key=key)


def _caption(names: list[str], row: Any) -> Sequence[str]:
    label = sample_life.class_name(names, row.label)
    return (label, wording.number(row.distance)) if hasattr(row, "distance") else (label,)


def _select(ids: ndarray, *, key: str) -> None:
    """Draws the button that makes these samples the selection and opens the map."""
    if st.button("Select on map", icon=":material/scatter_plot:", key=key, disabled=not len(ids)):
        focus.select(ids.tolist())
        focus.go("map")


def _has_no_shape(drawn: Drawn) -> bool:
    return drawn.by == "shape" and drawn.is_level


def _take(run: Run) -> None:
    """Compares the curve that is drawn with another signal or in another way."""
    asked = drawing.asked()
    if asked is not None:
        _ask(run, asked.heights)


def _take_preset(run: Run) -> None:
    name = st.session_state[_PRESET]
    if name is None:
        focus.choose("curve", None)
        return
    heights = drawing.preset(name)
    if len(set(heights)) == 1:
        st.session_state[_BY] = "value"
    _ask(run, heights)


def _ask(run: Run, heights: tuple[int, ...]) -> None:
    signal, by = st.session_state[_SIGNAL], st.session_state[_BY]
    low, high = axis(run, signal)
    focus.choose("curve", str(Drawn(signal, by, low, high, heights)))
