"""Names at the ends of lines, moved apart so that none covers another.

A name beside its line needs no legend to look up; its text is in the colour of text, which can be read on
every background, behind a dash in the colour of the line.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app import markup, wording
from app.canvas import Sketch

LONGEST = 32  # letters of a name
_ROW = 17  # pixels between two names
_LETTER = 6.6  # pixels, on average
_FRAME = 75  # pixels above and below the panel


@dataclass(frozen=True)
class End:
    """Where the line of n seeds ends, and what it is called."""

    name: str
    n: int
    color: str
    value: float


def draw(sketch: Sketch, ends: Sequence[End], *, low: float, high: float, is_log: bool = False) -> None:
    """Writes the names to the right of the panel.

    low, high: the range of its y axis, as exponents of 10 where is_log.
    """
    if not ends:
        return
    values = np.array([np.log10(max(end.value, 1e-300)) if is_log else end.value for end in ends])
    panel = sketch.layout["height"] - _FRAME
    order = np.argsort(-values, kind="stable")
    moved = apart((high - values[order]) * panel / ((high - low) or 1.0), most=panel)
    names = shortened([end.name for end in ends])
    for place, at in zip(order, moved, strict=True):
        dash = f'<span style="color:{ends[place].color}"><b>━</b></span>'
        sketch.note(
            f"{dash} {markup.text(names[place])}, n = {ends[place].n}",
            x=1,
            xref="x domain",
            xanchor="left",
            align="left",
            y=1 - at / panel,
            yref="y domain",
            yanchor="middle",
            xshift=4,
        )
    longest = max(len(name) for name in names)
    sketch.layout["margin"] = {**sketch.layout["margin"], "r": round(72 + _LETTER * longest)}


def apart(places: Sequence[float], *, most: float, row: float = _ROW) -> list[float]:
    """Returns ascending places moved as little as keeps each a row below the one before it.

    Those that touch are moved together, around the middle of where they belong, and all of them up until the
    last is at most there and the first is not above 0.
    """
    blocks: list[tuple[float, int]] = []  # where the first of a block stands, and how many it holds
    for place in places:
        blocks.append((place, 1))
        while len(blocks) > 1 and blocks[-1][0] < blocks[-2][0] + row * blocks[-2][1]:
            (first, many), (second, more) = blocks[-2], blocks[-1]
            start = (many * first + more * (second - row * many)) / (many + more)
            blocks[-2:] = [(start, many + more)]
    moved = [start + row * step for start, many in blocks for step in range(many)]
    below = [min(at, most - row * (len(moved) - 1 - step)) for step, at in enumerate(moved)]
    return [max(at, row * step) for step, at in enumerate(below)]


def shortened(names: Sequence[str]) -> list[str]:
    """Returns names that are short enough to stand there; those that only differ at their end keep that."""
    short = [wording.shortened(name, LONGEST) for name in names]
    shared = {name for name, times in Counter(short).items() if times > 1}
    return [
        f"…{name[1 - LONGEST :].lstrip()}" if cut in shared and len(name) > LONGEST else cut
        for name, cut in zip(names, short, strict=True)
    ]
