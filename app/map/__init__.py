"""The map as a component of the page: its files, its addresses and what passes between page and browser.

Bytes travel by their own addresses and are kept by the browser; page and browser exchange only an epoch, a
lasso and the bits of the selection, so that a rerun stays small at any number of samples.
"""

import base64
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy import ndarray

from app.map.keyframes import Colouring, Keyframes
from store.run import Run

HEIGHT, BAR = 720, 46  # pixels of the stage and of the bar below it; the panel beside them is as high as both
# On a low screen the stage shrinks until the bar is seen without scrolling; 206 px are what stands around it.
STAGE = f"clamp(420px, 100vh - 206px, {HEIGHT}px)"
KEY = "map"

_FOLDER = Path(__file__).parent
# One module for the browser: a component takes a single script, and files this size are easier to read.
_SCRIPTS = ("drawing.js", "sums.js", "legend.js", "picture.js", "index.js")
_COMPONENT = st.components.v2.component(
    "undertow_map",
    html=(_FOLDER / "index.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "style.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


@dataclass(frozen=True)
class Scene:
    """What the map shows. kept: "off", "ring" or "dim"; mark: "off", "suspects" or "flipped".

    serial: the last choice of the person that selection already answers. pair: maps of one name follow each
    other's epoch while it is scrubbed or played; of these only one needs the bar with the epochs.
    """

    epoch: int
    selection: tuple[int, ...]
    kept: str
    mark: str
    serial: int | None
    pair: str = ""
    has_bar: bool = True


def show(run: Run, *, frames: Keyframes, colouring: Colouring, scene: Scene, key: str = KEY) -> None:
    """Draws the map; what the person does comes back in the session under its key as moment and choice."""
    about = run.about()
    _COMPONENT(
        key=key,
        data={
            "height": STAGE,
            "urls": _addresses(run, colouring, len(frames.epochs), mark=scene.mark),
            "epochs": list(frames.epochs),
            "frame": asdict(frames.frame),
            "epoch": scene.epoch,
            "classes": list(about.get("class_names", [])),
            "colouring": _described(colouring),
            "kept": scene.kept,
            "mark": scene.mark,
            "selection": _bits(np.isin(frames.ids, scene.selection)),
            "serial": scene.serial,
            "pair": scene.pair,
            "has_bar": scene.has_bar,
        },
        on_moment_change=_nothing,
        on_choice_change=_nothing,
    )


def event(name: str, key: str = KEY) -> Mapping[str, Any]:
    """Returns the last "moment" or "choice" that a map sent, with its serial; empty if there is none."""
    sent = (st.session_state.get(key) or {}).get(name)
    return sent if isinstance(sent, Mapping) else {}


def _addresses(run: Run, colouring: Colouring, keyframes: int, *, mark: str) -> dict[str, str]:
    root, pictures, version = f"/api/map/{run.id}", f"/api/thumbnail/{run.id}", run.data_version()
    # k: while an epoch arrives, the answer still has as many keyframes as the page speaks of.
    asked = f"?v={version}&k={keyframes}"
    scale = f"&low={colouring.low!r}&high={colouring.high!r}" if colouring.is_shared else ""
    return {
        "ids": f"{root}/ids{asked}",
        "positions": f"{root}/positions{asked}",
        "flags": f"{root}/flags{asked}" + ("&suspects=1" if mark == "suspects" else ""),
        "labels": f"{root}/values/label{asked}",
        "values": f"{root}/values/{colouring.column.name}{asked}{scale}",
        "thumbnail": "" if run.thumbnails() is None else f"{pictures}/{{sample}}.webp?size=64&v=1",
    }


def _described(colouring: Colouring) -> dict[str, Any]:
    declared = colouring.column
    is_known = not math.isnan(colouring.low)
    return {
        "name": declared.name,
        "label": declared.label,
        "kind": colouring.kind,
        "low": colouring.low if is_known else None,
        "high": colouring.high if is_known else None,
        "is_root": colouring.is_root,
        "note": colouring.note,
    }


def _bits(chosen: ndarray) -> str:
    """Packs (n,) booleans eight to a byte, the first in the lowest bit, as base64."""
    return base64.b64encode(np.packbits(chosen, bitorder="little").tobytes()).decode()


def _nothing() -> None:
    """Declares an event of the component; what it says is read from the session."""
