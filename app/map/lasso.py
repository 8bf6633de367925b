"""Who is inside a lasso: the browser sends its polygon and epoch, and this decides.

Corners are in map units: a map that arrives after the drawing may widen the frame but moves no sample there.
The browser highlights at once by the same sums on positions rounded to its frame; only this answer counts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from app.map.keyframes import Keyframes

MOST_CORNERS = 200
_NUMBER = r"-?\d{1,6}(?:\.\d{1,10})?(?:e[+-]\d\d)?"  # as six significant digits are written
_TEXT = re.compile(rf"\d{{1,9}}(?:;{_NUMBER},{_NUMBER}){{3,{MOST_CORNERS}}}")


@dataclass(frozen=True)
class Lasso:
    """A polygon drawn on the map of an epoch; corners are in map units, to six digits."""

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
            return cls.parse(";".join([str(epoch), *(f"{float(x):.6g},{float(y):.6g}" for x, y in corners)]))
        except (TypeError, ValueError):
            return None

    def __str__(self) -> str:
        return ";".join([str(self.epoch), *(f"{x:.6g},{y:.6g}" for x, y in self.corners)])

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
