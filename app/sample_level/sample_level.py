"""Samples: where two groups differ sample by sample, and whether they differ more than their seeds do.

Only groups that were trained on the same samples can be set side by side here; each part below answers one
question about the same two groups.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from app import cards
from app.ablations import choices
from app.ablations.groups import Group
from app.sample_level import differing_card, flips_card, histories_card, kept_sets_card, maps_card, sides
from app.sample_level.sides import Sides

TITLE = "Samples"


def render(groups: Sequence[Group]) -> None:
    """Draws the section: groups A and B, then the part that was chosen."""
    if len(groups) < 2:
        cards.empty(
            "One group alone",
            "Which samples two methods learn differently appears here once runs of a second method are "
            "chosen above.",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chosen = sides.pick(groups)
        names = {name: title for name, (title, _) in _PARTS.items()}
        part = choices.segmented("Show", "part", names)
    if sentence := sides.refusal(chosen):
        cards.empty("Samples that are not the same", sentence)
        return
    _PARTS[part][1](chosen)


def _flips(chosen: Sides) -> None:
    flips_card.draw(chosen)
    differing_card.draw(chosen)


_PARTS: dict[str, tuple[str, Callable[[Sides], None]]] = {
    "flips": ("Flips", _flips),
    "kept": ("Kept sets", kept_sets_card.draw),
    "histories": ("Histories", histories_card.draw),
    "maps": ("Maps", maps_card.draw),
}
