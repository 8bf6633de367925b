"""Colours carry meaning, can be told from their background, and every state and signal has its own rule."""

from typing import get_args

import pytest

from app import theme
from app.theme import DARK, LIGHT, Palette
from store.schema import SIGNALS
from store.status import State


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_the_largest_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_a_curve_can_be_seen(palette: Palette):
    assert min(contrast(color, palette.background) for color in palette.categorical) >= 3


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["text", "muted", "good", "warning", "bad"])
def test_every_colour_of_a_word_can_be_read(palette: Palette, name: str):
    for ground in (palette.background, palette.surface):
        assert contrast(getattr(palette, name), ground) >= 4.5


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_high_values_stand_farthest_from_the_background(palette: Palette):
    steps = [contrast(color, palette.background) for color in palette.sequential]
    assert steps == sorted(steps)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_what_must_be_told_apart_has_different_colours(palette: Palette):
    assert len({palette.kept, palette.dropped, palette.flipped, palette.training}) == 4


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_a_colour(state: str):
    assert state in theme.STATE_COLORS


def test_appearance__unknown_is_light():
    assert (theme.palette("dark"), theme.palette("light"), theme.palette(None)) == (DARK, LIGHT, LIGHT)


@pytest.mark.parametrize("name", [*(signal.name for signal in SIGNALS), "consistency"])
def test_every_signal_has_a_scale(name: str):
    assert theme.scale(name) == ("log" if name == "variance" else "linear")


def test_scale__no_signal():
    with pytest.raises(KeyError, match="'entropy' is no signal"):
        theme.scale("entropy")


def test_fading_keeps_the_colour():
    assert LIGHT.faded("#2f5bd7", 0.25) == "rgba(47,91,215,0.25)"


def test_the_style_sheet_gets_both_appearances_of_each_variable():
    assert "--ut-kept: light-dark(#2f5bd7, #6f9bff);" in theme.css()
