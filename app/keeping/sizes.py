"""What a run takes on the disk, by what it is kept for.

A file that goes away while it is counted counts for nothing: folds and engines are at work beside.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = ("database", "parts", "maps", "checkpoints", "other")


@dataclass(frozen=True)
class Size:
    """Files and their bytes."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(self.files + other.files, self.bytes + other.bytes)


def by_kind(folder: Path) -> dict[str, Size]:
    """Returns what each of KINDS takes in a run folder; earlier generations count as database."""
    found = dict.fromkeys(KINDS, Size())
    for place, name, size in _files(folder):
        kind = place if place in KINDS else "database" if name.endswith(".duckdb") else "other"
        found[kind] += Size(1, size)
    return found


def total(folder: Path) -> int:
    """Returns the bytes of all files of a run folder."""
    return sum(size for _, _, size in _files(folder))


def _files(folder: Path) -> Iterator[tuple[str, str, int]]:
    """Yields (name of the folder within the run, file name, bytes)."""
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size = (Path(place) / name).lstat().st_size
            except FileNotFoundError:
                continue
            yield str(Path(place).relative_to(folder)), name, size
