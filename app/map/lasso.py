"""Who is inside a lasso: the browser sends its polygon and epoch, and this decides.

The browser highlights at once by the same sums on the same numbers; only the answer here is counted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from app.map.keyframes import Keyframes

MOST_CORNERS = 200
_CORNER = r"-?\d{1,3}(?:\.\d{1,6})?"
_TEXT = re.compile(rf"\d{{1,9}}(?:;{_CORNER},{_CORNER}){{3,{MOST_CORNERS}}}")


@dataclass(frozen=True)
class Lasso:
    """A polygon drawn on the map of an epoch; corners are shares of the frame, y pointing up."""

    epoch: int
    corners: tuple[tuple[float, float], ...]

    @classmethod
    def parse(cls, text: str) -> "Lasso | None":
        """Reads "epoch;x,y;x,y;…" as str() writes it; None where the text is anything else."""
        if not _TEXT.fullmatch(text):
            return None
        epoch, *corners = text.split(";")
        places = (corner.split(",") for corner in corners)
        return cls(int(epoch), tuple((float(x), float(y)) for x, y in places))

    @classmethod
    def received(cls, choice: Mapping[str, Any]) -> "Lasso | None":
        """Reads what the browser sent; None where it is no polygon on an epoch, whoever sent it."""
        corners, epoch = choice.get("polygon"), choice.get("epoch")
        if not isinstance(corners, list) or not isinstance(epoch, int):
            return None
        try:
            return cls.parse(";".join([str(epoch), *(f"{float(x):.4f},{float(y):.4f}" for x, y in corners)]))
        except (TypeError, ValueError):
            return None

    def __str__(self) -> str:
        return ";".join([str(self.epoch), *(f"{x:g},{y:g}" for x, y in self.corners)])

    def ids(self, frames: Keyframes) -> ndarray:
        """Returns the ids of the samples inside, ascending."""
        return np.asarray(frames.ids[is_inside(frames.at(self.epoch), self.corners)])


def is_inside(places: ndarray, corners: Sequence[tuple[float, float]]) -> ndarray:
    """Returns (n,) whether each of places (n, 2) is inside the polygon, by the even-odd rule."""
    x, y = places[:, 0], places[:, 1]
    inside = np.zeros(len(places), bool)
    for (xi, yi), (xj, yj) in zip(corners, [corners[-1], *corners[:-1]], strict=True):
        if yi == yj:
            continue
        crosses = (yi > y) != (yj > y)
        inside ^= crosses & (x < (xj - xi) * (y - yi) / (yj - yi) + xi)
    return inside
