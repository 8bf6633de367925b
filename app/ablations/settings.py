"""Settings of the groups."""

from collections.abc import Sequence

from app import cards
from app.ablations.groups import Group

TITLE = "Settings"


def render(groups: Sequence[Group]) -> None:
    """Draws the section."""
    cards.empty(f"{len(groups)} groups", "The section follows.")
