"""Colours by meaning and scales by signal, for light and dark.

A colour stands for one thing on every page, so it is named here after what it means; the palettes were
checked for contrast and for the three kinds of colour blindness.
"""

from dataclasses import dataclass
from typing import Literal

from store.schema import SIGNALS

FONT = "InterVar, Inter, sans-serif"

STATE_COLORS: dict[str, str] = {
    "queued": "gray",
    "running": "blue",
    "stopping": "blue",
    "done": "green",
    "stopped": "orange",
    "stalled": "orange",
    "failed": "red",
    "lost": "red",
}

# Positive signals that span decades; everything else is read on a linear axis.
_LOGARITHMIC = frozenset({"variance"})


@dataclass(frozen=True)
class Palette:
    """The colours of one appearance; sequential runs from low to high, high being far from the background."""

    name: Literal["light", "dark"]
    background: str
    surface: str
    text: str
    muted: str
    border: str
    primary: str
    categorical: tuple[str, ...]
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]
    good: str
    warning: str
    bad: str

    @property
    def grid(self) -> str:
        """Lines that guide the eye; half transparent, so that they stay faint when the appearance changes."""
        return "rgba(128,136,150,0.25)"

    @property
    def kept(self) -> str:
        """A sample that the epoch trains on."""
        return self.categorical[0]

    @property
    def dropped(self) -> str:
        """A sample that the epoch leaves out."""
        return self.muted

    @property
    def flipped(self) -> str:
        """A label known to be wrong."""
        return self.categorical[1]

    @property
    def training(self) -> str:
        """What is measured on training samples."""
        return self.categorical[4]

    @property
    def testing(self) -> str:
        """What is measured on the test set."""
        return self.categorical[0]

    @property
    def validating(self) -> str:
        """What is measured on training samples that were held out."""
        return self.categorical[2]

    def faded(self, color: str, opacity: float) -> str:
        """Returns the "#rrggbb" color as rgba text of this opacity, 0 to 1."""
        red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
        return f"rgba({red},{green},{blue},{opacity:g})"


# fmt: off
LIGHT = Palette(
    name="light", background="#ffffff", surface="#f5f6f8", text="#16191f", muted="#5b6472", border="#e1e4ea",
    primary="#2f5bd7",
    categorical=("#2f5bd7", "#be2e00", "#9b9717", "#8a5082", "#3999eb", "#740c1a", "#de6d99", "#4d1a8c"),
    sequential=("#eaf2c6", "#c9e3a4", "#9fd38f", "#6fc088", "#42aa88", "#2a9288", "#2b7886", "#325d80",
                "#373f72", "#36215a"),
    diverging=("#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee0b6", "#d8daeb", "#b2abd2", "#8073ac",
               "#542788", "#2d004b"),
    good="#1f7a4d", warning="#a85a00", bad="#c0271f",
)
DARK = Palette(
    name="dark", background="#0f1216", surface="#181c22", text="#e6e9ee", muted="#9aa5b5", border="#2a3038",
    primary="#4169e1",
    categorical=("#6f9bff", "#f9ca2a", "#f47fa0", "#4d8d4d", "#6bfbc3", "#a469b0", "#bbc4ff", "#a7ac15"),
    sequential=("#36215a", "#373f72", "#325d80", "#2b7886", "#2a9288", "#42aa88", "#6fc088", "#9fd38f",
                "#c9e3a4", "#eaf2c6"),
    diverging=("#fdb863", "#e08214", "#b35806", "#7f3b08", "#43342a", "#2f2d40", "#542788", "#8073ac",
               "#b2abd2", "#d8daeb"),
    good="#5fca94", warning="#f0a94b", bad="#ff7b72",
)
# fmt: on


def palette(appearance: str | None) -> Palette:
    """Returns the colours of "dark", and the light ones of anything else, None included."""
    return DARK if appearance == "dark" else LIGHT


def scale(signal: str) -> Literal["log", "linear"]:
    """Returns the axis that a signal is read on; raises KeyError for what is no signal."""
    if signal not in {column.name for column in SIGNALS} | {"consistency"}:
        raise KeyError(f"{signal!r} is no signal; the signals are declared in store/schema.py")
    return "log" if signal in _LOGARITHMIC else "linear"


def css() -> str:
    """Returns the variables that style.css draws with; each follows the appearance of the page at once."""
    pairs = (
        (name.replace("_", "-"), getattr(LIGHT, name), getattr(DARK, name))
        for name in (
            "surface", "text", "muted", "border", "kept", "flipped", "good", "warning", "bad", "background",
        )
    )  # fmt: skip
    body = "".join(f"--ut-{name}: light-dark({light}, {dark});" for name, light, dark in pairs)
    return f".stApp {{{body}}}"
