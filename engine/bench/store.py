"""The lines `store` and `store-1.28M`: what runs of three sizes take to write, to fold, to read and to keep.

Against one DuckDB file for all, which is what one would write without thinking of readers.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from engine.bench import store_scale, store_size
from engine.bench.line import Figure, Goal, Line, Missing, Surroundings, at_most
from engine.bench.repeats import versions
from engine.bench.store_questions import HISTORY
from engine.bench.store_scale import Size
from engine.bench.store_size import HOT, WHOLE, WRITE_RATIO, Place
from store import files

SMALL, MIDDLE, LARGE = Size(2_000, 30), Size(50_000, 200), Size(1_280_000, 90, classes=1_000)

BYTES = {f"bytes a row, {kept}": at_most(32) for kept in ("parts", "database")}
FOLDED = {f"{HISTORY}, {WHOLE}": at_most(60, quantile=0.95)}
GOALS: dict[Size, Mapping[str, Goal]] = {
    MIDDLE: {**BYTES, **FOLDED, f"{HISTORY}, {HOT}": at_most(200, quantile=0.95), WRITE_RATIO: at_most(0.3)},
    LARGE: {**BYTES, **FOLDED},
}
# The most that is on disk at one time: parts, a database of half of them and one of all; with the peers' two.
BYTES_A_ROW, BYTES_A_ROW_WITH_PEERS = 100, 220


@dataclass(frozen=True)
class Store:
    """A run of each size, written, folded and read; the last one beside its peers."""

    name: str = "store"
    summary: str = "parts and folds against one DuckDB file, at 60 thousand and 10 million rows"
    sizes: tuple[Size, ...] = (SMALL, MIDDLE)
    with_peers: bool = True
    known_epochs: int = 40  # of the run of which every cell is known
    budget: float = 15.0  # seconds for each question in each state
    with_half: bool = True
    judged: bool = True

    def quick(self) -> Self:
        """Returns the line on two small runs, which are read hot and folded."""
        small = replace(self, sizes=(SMALL, Size(5_000, 12)), known_epochs=12, judged=False)
        return replace(small, budget=0.1, with_half=False)

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns bytes, seconds and memory. Raises Missing where the disk has too little room."""
        with self._folder(surroundings) as folder:
            figures = [
                replace(figure, name=f"{label(size)}: {figure.name}")
                for size in self.sizes
                for figure in self._of_size(size, folder, surroundings.say)
            ]
            if self.with_peers:
                figures += self._all_known(folder, surroundings.say)
        sizes = " and ".join(label(size) for size in self.sizes)
        return Line(
            self.name,
            f"runs of joint selection at keep 0.5 and SADA with invented losses, {sizes} (samples x epochs), "
            "through the recorder; hot: parts alone, half folded: one half in the database",
            figures,
            versions("duckdb", "pyarrow", "pandas"),
            NOTES,
            judged=self.judged,
        )

    def _of_size(self, size: Size, folder: Path, say: Callable[[str], object]) -> list[Figure]:
        own = folder / f"{size.samples}x{size.epochs}"
        own.mkdir()
        place = Place(
            own, self.budget, lambda text: say(f"{self.name}, {label(size)}: {text}"), self.with_half
        )
        with_peers = self.with_peers and size == self.sizes[-1]
        try:
            return store_size.measure(place, size, with_peers=with_peers, goals=GOALS.get(size))
        finally:
            shutil.rmtree(own)

    def _all_known(self, folder: Path, say: Callable[[str], object]) -> list[Figure]:
        """Bytes a row where every cell is known: all samples kept, features refreshed in every epoch."""
        size = Size(self.sizes[-1].samples, self.known_epochs)
        place = Place(folder, self.budget, lambda text: say(f"{self.name}, every cell known: {text}"))
        written = store_size.write(place, size, with_peers=False, method=store_scale.WHOLE)
        parted = store_size.parts_bytes(written.run) / size.rows
        store_size.ordered({"do": "fold", "folder": str(written.run.folder), "up_to": size.epochs - 1})
        folded = store_size.database_bytes(written.run) / size.rows
        name = f"{label(self.sizes[-1])}: bytes a row, every cell known"
        return [Figure(f"{name}, parts", [parted]), Figure(f"{name}, database", [folded])]

    @contextmanager
    def _folder(self, surroundings: Surroundings) -> Iterator[Path]:
        """Yields an empty folder that is deleted whatever happens; Missing where it has too little room."""
        surroundings.cache.mkdir(parents=True, exist_ok=True)
        files.remove_strays(surroundings.cache)  # of a bench that was killed
        largest = max(self.sizes, key=lambda size: size.rows)
        needed = largest.rows * (BYTES_A_ROW_WITH_PEERS if self.with_peers else BYTES_A_ROW)
        free = shutil.disk_usage(surroundings.cache).free
        if free < needed:
            raise Missing(
                f"needs {needed / 1e9:.1f} GB of disk and {free / 1e9:.1f} GB are free in "
                f"{surroundings.cache}; free some, or name a folder on another disk with UNDERTOW_CACHE"
            )
        folder = files.scratch_path(surroundings.cache / "bench-store")
        surroundings.say(f"{self.name}: writes up to {needed / 1e6:,.0f} MB to {folder}, deleted at the end")
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def label(size: Size) -> str:
    """Returns a size as text, as in 50,000 x 200."""
    return f"{size.samples:,} x {size.epochs}"


AT_SCALE = Store(
    name="store-1.28M",
    summary="the same at 115 million rows; only when named, for it writes 12 GB and takes long",
    sizes=(LARGE,),
    with_peers=False,
)

NOTES = (
    "Every state is read by a process of its own; its first question, which opens the run, stands apart. "
    "p95 where there are 20 repeats: a slow question is asked until its seconds are spent, at least 3 times.",
    "All writers keep the same rows and compute the same statistics; one repeat is one epoch. The table in "
    "the order of epochs is the DuckDB file that was held open.",
    "Every cell is known where all samples are kept and features refreshed in every epoch; measured on fewer "
    "epochs.",
    "The difference of two runs compares the run with itself under another path: both are read in whole.",
)
