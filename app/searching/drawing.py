"""Search by a drawn curve: the field to draw in, curves ready to take, and the text that the address holds.

A curve is 32 heights at even steps from the first to the last epoch, each 0 to 99; for a comparison by value
the ends of the axis belong to it, so that a link means the same later.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import streamlit as st
from numpy import ndarray

from app import focus
from store.questions.curves import Measure
from store.schema import SIGNALS, column

KNOTS = 32
HIGHEST = 99
MOST_POINTS = 64
SEARCHED = tuple(known.name for known in SIGNALS if known.name not in ("clean_loss", "neighbour_distance"))
KEY = "samples_curve"

# Heights at even steps, 0 to 1; drawn through them in straight lines.
PRESETS: dict[str, tuple[float, ...]] = {
    "Falls early": (0.95, 0.3, 0.12, 0.07, 0.05, 0.04, 0.04, 0.04),
    "Steps down late": (0.9, 0.9, 0.9, 0.9, 0.88, 0.5, 0.12, 0.1, 0.1),
    "Falls, then rises": (0.9, 0.55, 0.25, 0.1, 0.1, 0.25, 0.55, 0.9),
    "Rises": (0.1, 0.9),
    "Peaks in the middle": (0.1, 0.15, 0.5, 0.95, 0.5, 0.15, 0.1),
    "Never falls": (0.9, 0.9),
}

_FOLDER = Path(__file__).parent / "curve"
_COMPONENT = st.components.v2.component(
    "undertow_curve",
    html=(_FOLDER / "index.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "style.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "index.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Drawn:
    """A curve that somebody drew; heights: KNOTS whole numbers from 0 = low to HIGHEST = high."""

    signal: str
    by: Measure
    low: float
    high: float
    heights: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Drawn | None":
        """Reads what str() writes; None where the text is anything else."""
        parts = text.split(":")
        if len(parts) != 5 or parts[0] not in SEARCHED or parts[1] not in get_args(Measure):
            return None
        digits = parts[4]
        try:
            low, high = float(parts[2]), float(parts[3])
        except ValueError:
            return None
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            return None
        if len(digits) != 2 * KNOTS or not (digits.isascii() and digits.isdigit()):
            return None
        heights = tuple(int(digits[place : place + 2]) for place in range(0, 2 * KNOTS, 2))
        return cls(parts[0], cast(Measure, parts[1]), low, high, heights)

    def __str__(self) -> str:
        digits = "".join(f"{height:02d}" for height in self.heights)
        return f"{self.signal}:{self.by}:{self.low:.3g}:{self.high:.3g}:{digits}"

    @property
    def is_level(self) -> bool:
        """Whether all heights are the same, which has no shape."""
        return len(set(self.heights)) == 1

    def at_epochs(self, epochs: int) -> ndarray:
        """Returns the curve at each of so many epochs, (E,), in the unit of the signal."""
        places = np.linspace(0, 1, epochs) if epochs > 1 else np.zeros(1)
        shares = np.interp(places, np.linspace(0, 1, KNOTS), np.array(self.heights) / HIGHEST)
        return self.low + (self.high - self.low) * shares


def asked() -> Drawn | None:
    """Returns the curve that was drawn or that an opened link asks for."""
    return Drawn.parse(focus.choice("curve") or "")


def heights_of(points: Sequence[Any]) -> tuple[int, ...] | None:
    """Returns the heights of points (x, y) from 0 to 1 that the browser sent; None where they are none.

    The ends of a line that does not reach the first or last epoch are drawn on level.
    """
    try:
        places = np.array([[float(x), float(y)] for x, y in points])
    except (TypeError, ValueError):
        return None
    if not 2 <= len(places) <= MOST_POINTS or not np.isfinite(places).all():
        return None
    places = np.clip(places[np.argsort(places[:, 0], kind="stable")], 0, 1)
    shares = np.interp(np.linspace(0, 1, KNOTS), places[:, 0], places[:, 1])
    return tuple(np.rint(shares * HIGHEST).astype(int).tolist())


def preset(name: str) -> tuple[int, ...]:
    """Returns the heights of one of PRESETS."""
    shares = PRESETS[name]
    heights = heights_of(list(zip(np.linspace(0, 1, len(shares)), shares, strict=True)))
    assert heights is not None, name
    return heights


def field(drawn: Drawn, *, epochs: int, is_empty: bool, behind: Sequence[Sequence[Sequence[float]]]) -> None:
    """Draws the field; a line that is drawn there, or moved by the arrow keys, becomes the asked curve.

    is_empty: nothing was drawn yet, drawn only names signal and axis. behind: lines of points (x, y), 0 to 1.
    """
    has_values = drawn.by == "value"
    _COMPONENT(
        key=KEY,
        data={
            "heights": None if is_empty else [height / HIGHEST for height in drawn.heights],
            "knots": KNOTS,
            "last": epochs - 1,
            "low": f"{drawn.low:.3g}" if has_values else "low",
            "high": f"{drawn.high:.3g}" if has_values else "high",
            "signal": column("history", drawn.signal).label,
            "behind": behind,
        },
        on_points_change=lambda: _take(drawn),
    )


def _take(drawn: Drawn) -> None:
    heights = heights_of((st.session_state.get(KEY) or {}).get("points") or [])
    if heights is not None:
        focus.choose("curve", str(Drawn(drawn.signal, drawn.by, drawn.low, drawn.high, heights)))
