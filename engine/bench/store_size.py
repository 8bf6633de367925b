"""One size of the store's bench: a run is written, folded in two steps, and read before, between and after.

Whoever reads or folds is a process of its own, as in the app; who writes is this one, as in training.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from engine import recorder
from engine.bench import store_peers, store_scale
from engine.bench.line import Figure, Goal
from engine.bench.repeats import interleaved, ratios
from engine.bench.store_peers import HELD, OWN, REOPENED, Content
from engine.bench.store_questions import FOLDED, HISTORIES, TABLE
from engine.bench.store_scale import Size
from engine.recorder import Epoch
from store import manifest
from store.run import Run

SEED = 0
HOT, HALF, WHOLE = "hot", "half folded", "folded"
WRITE_RATIO = "write an epoch, over opening and closing a DuckDB file"

_CODE = Path(__file__).parents[2]
_STATISTICS_TIMED = 10  # times while a run is written


@dataclass(frozen=True)
class Place:
    """Where a size is measured, and who hears how far it is."""

    folder: Path  # empty
    budget: float  # seconds for each question
    say: Callable[[str], object]
    with_half: bool = True  # whether the run is read half folded too


@dataclass(frozen=True)
class Written:
    """A run whose epochs are parts, and the seconds that it took."""

    run: Run
    seconds: Mapping[str, list[float]]  # of writing an epoch, by the place where it is kept
    statistics: list[float]  # of those, for statistics
    inventing: list[float]  # an epoch, and not a part of writing it


@dataclass
class _Source:
    """Hands out one epoch after another and keeps the newest."""

    epochs: Iterator[Epoch]
    content: Content
    planned: int
    say: Callable[[str], object]
    inventing: list[float] = field(default_factory=list)
    statistics: list[float] = field(default_factory=list)
    done: Epoch | None = None

    def invent(self, epoch: int) -> None:
        """Makes the epoch that is due, and now and then times its statistics alone."""
        started = perf_counter()
        self.done = next(self.epochs)
        self.inventing.append(perf_counter() - started)
        if epoch % max(1, self.planned // _STATISTICS_TIMED) == 0:
            columns, started = recorder.history_columns(self.done), perf_counter()
            self.content.statistics(self.done, columns)
            self.statistics.append(perf_counter() - started)
            self.say(f"writing epoch {epoch} of {self.planned}")

    @property
    def epoch(self) -> Epoch:
        """The newest epoch."""
        if self.done is None:
            raise LookupError("there is no epoch yet; invent one")
        return self.done


def write(place: Place, size: Size, *, with_peers: bool, method: Any = store_scale.HALF) -> Written:
    """Writes a run through the recorder; with_peers: each epoch into the peers' files as well, in turns.

    Raises RuntimeError where a peer does not hold the same rows.
    """
    world = store_scale.invent(size, SEED)
    run = store_scale.begin(place.folder, size, world)
    content = Content(world.labels, size.classes)
    epochs = store_scale.invented_epochs(size, world, seed=SEED, method=method)
    source = _Source(epochs, content, size.epochs, place.say)

    def record(_: int) -> None:
        done = source.epoch
        recorder.record(done, run, recorder.metrics(done, seconds_record=0.0))

    candidates: dict[str, Callable[[int], object]] = {OWN: record}
    with store_peers.peers(place.folder, content) if with_peers else nullcontext() as others:
        if others:
            candidates[REOPENED] = lambda _: others.reopen(source.epoch)
            candidates[HELD] = lambda _: others.append(source.epoch)
        seconds = interleaved(candidates, size.epochs, prepare=source.invent)
        if others and others.rows() != [size.rows] * 2:
            raise RuntimeError(f"every peer must hold {size.rows} rows; got {others.rows()}")
    return Written(run, seconds, source.statistics, source.inventing)


def measure(
    place: Place, size: Size, *, with_peers: bool, goals: Mapping[str, Goal] | None = None
) -> list[Figure]:
    """Returns all that is measured of one size; goals by the name of the figure."""
    written = write(place, size, with_peers=with_peers)
    run = written.run
    figures = [*written_figures(written, size)]
    folders = [str(run.folder), str(_another_path(run))]
    order = {"do": "read", "folders": folders, "samples": size.samples, "epochs": size.epochs}
    for state, up_to in _states(size, with_half=place.with_half):
        if up_to is not None:
            place.say(f"folding up to epoch {up_to}")
            folding = ordered({"do": "fold", "folder": str(run.folder), "up_to": up_to})
            figures += folded_figures(folding, state)
        place.say(f"asking the {state} run")
        figures += read_figures(ordered({**order, "budget": place.budget}), state)
    figures.append(Figure("bytes a row, database", [database_bytes(run) / size.rows]))
    if with_peers:
        place.say("asking the peer")
        figures += compared_figures(place, run, size)
    goals = goals or {}
    return [Figure(one.name, one.values, one.unit, goals.get(one.name)) for one in figures]


def written_figures(written: Written, size: Size) -> list[Figure]:
    """Returns bytes of the parts and seconds of writing, against the peers where there are any."""
    seconds = written.seconds
    figures = [
        Figure("bytes a row, parts", [parts_bytes(written.run) / size.rows]),
        Figure("write an epoch", seconds[OWN], "s"),
        Figure("write an epoch, statistics alone", written.statistics, "s"),
        Figure("invent an epoch, not counted", written.inventing, "s"),
    ]
    if REOPENED in seconds:
        figures += [Figure(f"write an epoch, {name}", seconds[name], "s") for name in (REOPENED, HELD)]
        figures += [
            Figure(WRITE_RATIO, ratios(seconds[OWN], seconds[REOPENED]), "x"),
            Figure(f"{WRITE_RATIO}, both without statistics", _without(written), "x"),
            Figure("write an epoch, over a DuckDB file held open", ratios(seconds[OWN], seconds[HELD]), "x"),
        ]
    return figures


def _states(size: Size, *, with_half: bool) -> list[tuple[str, int | None]]:
    """Returns what is read, and the epoch up to which the run is folded before that."""
    halves: list[tuple[str, int | None]] = [(HALF, size.epochs // 2 - 1)] if with_half else []
    return [(HOT, None), *halves, (WHOLE, size.epochs - 1)]


def _without(written: Written) -> list[float]:
    """Ratios of writing where neither counts the statistics, which take as long in both."""
    spared = median(written.statistics)
    own, reopened = ([value - spared for value in written.seconds[name]] for name in (OWN, REOPENED))
    return ratios(own, reopened)


def folded_figures(found: Mapping[str, Any], state: str) -> list[Figure]:
    """Returns seconds and memory of a fold that led to a state."""
    name = f"fold until it is {state}"
    return [
        Figure(name, [found["seconds"]], "s"),
        Figure(f"{name}, memory", [found["peak"] / 1e6], "MB"),
    ]


def read_figures(found: Mapping[str, Any], state: str) -> list[Figure]:
    """Returns what a reader took in one state."""
    asked = [
        Figure(f"{name}, {state}", [1000 * value for value in values], "ms")
        for name, values in found["seconds"].items()
    ]
    return [
        Figure(f"first question of a process, {state}", [1000 * found["first"]], "ms"),
        *asked,
        Figure(f"memory of the reader before its first question, {state}", [found["loaded"] / 1e6], "MB"),
        Figure(f"memory after the histories, {state}", [found["peaks"][HISTORIES] / 1e6], "MB"),
        Figure(f"memory after all questions, {state}", [max(found["peaks"].values()) / 1e6], "MB"),
    ]


def compared_figures(place: Place, run: Run, size: Size) -> list[Figure]:
    """Returns histories from the folded run against those from one long table."""
    table, repeats = str(place.folder / "held.duckdb"), 60
    order = {"do": "compare", "folder": str(run.folder), "table": table}
    found = ordered({**order, "samples": size.samples, "repeats": repeats})
    if set(found["rows"].values()) != {size.epochs}:
        raise RuntimeError(f"a history must have {size.epochs} rows; got {found['rows']}")
    seconds = found["seconds"]
    return [
        Figure(f"history of one sample, {TABLE}", [1000 * value for value in seconds[TABLE]], "ms"),
        Figure(f"history of one sample, {FOLDED} over it", ratios(seconds[FOLDED], seconds[TABLE]), "x"),
    ]


def parts_bytes(run: Run) -> int:
    """Returns the bytes of all parts: history, metrics and statistics."""
    return sum(path.stat().st_size for path in (run.folder / "parts").iterdir())


def database_bytes(run: Run) -> int:
    """Returns the bytes of the database that readers open now."""
    return (run.folder / str(manifest.read_manifest(run.folder).database)).stat().st_size


def ordered(order: Mapping[str, Any]) -> dict[str, Any]:
    """Has a fresh process do what is ordered and returns what it found; RuntimeError where it broke."""
    command = [sys.executable, "-m", "engine.bench.store_questions", json.dumps(order)]
    done = subprocess.run(command, cwd=_CODE, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(f"the process that should {order['do']} ended with {done.returncode}; see above")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _another_path(run: Run) -> Path:
    """Returns the run's folder as another run of the same size.

    Under another path it is opened, attached and read anew, and takes no room of its own.
    """
    folder = run.folder.parent / "other" / run.id
    folder.parent.mkdir()
    folder.symlink_to(run.folder, target_is_directory=True)
    return folder
