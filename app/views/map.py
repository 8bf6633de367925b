"""Map: where samples lie in feature space, epoch by epoch, and what a selection of them is made of.

The map itself runs in the browser; this page decides what it shows, keeps the epoch and the selection that
all pages share, and lists the selected samples beside it.
"""

import math
from typing import Literal

import streamlit as st

import app.map as epoch_map
from app import cached, cards, focus, naming, wording
from app.map import keyframes, panel, taking
from app.map.keyframes import Keyframes
from store import schema
from store.run import Run

TITLE, ICON = "Map", ":material/scatter_plot:"

_KEPT = {"Plain": "off", "Ringed": "ring", "Dropped dimmed": "dim"}
_MARKS = {"None": "off", "Suspects": "suspects", "Flipped labels": "flipped"}
_DEFAULT_COLOURS = ("label", "loss")
_TRUST = {"map_trust": "Trustworthiness", "recall": "Neighbour recall", "map_movement": "Movement"}
# Below these the neighbours on screen are not to be trusted.
_GOOD, _FAIR = 0.9, 0.8


def render() -> None:
    """Draws the page."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", key="map_head"):
        st.title(TITLE, anchor=False, width="content")
        st.space("stretch")
        badges = st.container(horizontal=True, gap="xsmall", width="content")
    st.caption(
        "Samples by the features of the model: near is alike. Directions and long distances mean nothing."
    )
    run = cards.run_with_epochs()
    if run is None:
        return
    frames = keyframes.keyframes(run, run.data_version())
    if not frames.epochs:
        drawn = "Maps are drawn every few epochs while a run trains; `maps.every` of the run says how often."
        if naming.is_tracked(run.config()) and "index" not in run.about():
            drawn = "Its program logged no features; give its tracker `features_of`, a part of the net."
        cards.empty("No map has been recorded yet", drawn)
        return
    taking.take_moment()
    taking.take_choice(frames)
    taking.take_link(frames)
    with badges:
        _trust(run, focus.epoch(run.last_epoch()))
    _map_and_panel(run, frames, focus.epoch(run.last_epoch()))


def _map_and_panel(run: Run, frames: Keyframes, epoch: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        colour, kept, mark = _controls(run)
    left, right = st.columns([2.1, 1], gap="small")
    scene = epoch_map.Scene(epoch, focus.selection(), kept=kept, mark=mark, serial=taking.answered())
    with left:
        colouring = keyframes.colouring(run, run.data_version(), colour)
        epoch_map.show(run, frames=frames, colouring=colouring, scene=scene)
    height = epoch_map.HEIGHT + epoch_map.BAR
    st.html(f"<style>.st-key-map_panel {{ max-height: calc({epoch_map.STAGE} + {epoch_map.BAR}px) }}</style>")
    with right, st.container(border=True, height=height, gap="small", key="map_panel"):
        panel.show(run, focus.selection(), epoch)


def _controls(run: Run) -> tuple[str, str, str]:
    """Draws what the person may choose and returns the names of colour, kept and mark."""
    columns = keyframes.colourings(len(run.about().get("class_names", [])))
    names = {column.label: column for column in columns.values()}
    first = next(columns[name].label for name in _DEFAULT_COLOURS if name in columns)
    shown = names.get(st.session_state.get("map_colour", first), names[first])
    colour = st.selectbox(
        "Colour by", list(names), index=list(names).index(first), key="map_colour",
        persist_state="session", width=220, help=f"{shown.label}: {shown.meaning}.",
    )  # fmt: skip
    kept = st.segmented_control(
        "Kept samples", list(_KEPT), default="Plain", required=True, key="map_kept", persist_state="session",
        help="Kept: trained on in the epoch shown. Between two maps it is that of the earlier one.",
    )  # fmt: skip
    marks = [name for name in _MARKS if name != "Flipped labels" or cached.noise_known(run)]
    mark = st.segmented_control(
        "Mark", marks, default="None", required=True, key="map_mark", persist_state="session",
        help="Suspects: the 1 % (10 at least) of lowest mean rank, 1 being the worst, after the last epoch. "
        "Flipped labels: labels that are known to be wrong because noise was added.",
    )  # fmt: skip
    return names[colour or first].name, _KEPT[kept or "Plain"], _MARKS[mark or "None"]


def _trust(run: Run, epoch: int) -> None:
    """Draws how far the map of an epoch can be believed, each number with its meaning on hover."""
    rows = cached.metrics(run)
    drawn = rows[(rows["epoch"] <= epoch) & rows["map_trust"].notna()]
    for name, label in _TRUST.items() if len(drawn) else ():
        value, at = float(drawn[name].iloc[-1]), int(drawn["epoch"].iloc[-1])
        if not math.isnan(value):
            meaning = schema.column("metrics", name).meaning
            says = f"{meaning}. Of the map of epoch {at}."
            st.badge(f"{label} {wording.number(value)}", color=_trust_color(name, value), help=says)


def _trust_color(name: str, value: float) -> Literal["gray", "green", "orange", "red"]:
    if name == "map_movement":
        return "gray"
    return "green" if value >= _GOOD else "orange" if value >= _FAIR else "red"
