"""The maps of a run as bytes: positions, values and flags of every recorded epoch, ready for the browser.

All maps share one square frame and one scale of values, so that what moves or changes colour on screen moved
or changed in the run. Bytes keep it small: 21 maps of 50,000 samples are 4.2 MB and 1 MB a signal. Each new
map may widen the frame, so what must last longer than a picture, as a lasso, is in map units.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy import ndarray

from store import queries
from store.run import Run
from store.schema import SIGNALS, Column, column

UNKNOWN = 255  # the byte of a cell without a value; values take 0 to 254
KEPT, FLIPPED, SUSPECT = 1, 2, 4  # bits of a flag byte
GRID = 65535  # steps of the frame along each axis
MARGIN = 0.02  # share of the frame left free on each side, so that no point is cut
CLIPPED = (1, 99)  # percentiles beyond which the colour no longer changes
SUSPECT_SHARE = 0.01  # of the samples; more marks than these hide the map

# Heavy tails: on a linear ramp nearly all points of these would have the lowest colour.
_ROOT_SIGNALS = frozenset({"loss", "clean_loss", "influence", "variance", "density", "neighbour_distance"})
_CLASS_COLUMNS = (
    column("samples", "label"),
    column("samples", "true_label"),
    column("history", "prediction"),
)
_FIXED = frozenset({"label", "true_label", "consistency"})


@dataclass(frozen=True)
class Frame:
    """The square around all maps of a run, with its margin; low: its lower left corner, in map units."""

    low: tuple[float, float]
    side: float


@dataclass(frozen=True)
class Keyframes:
    """The maps of a run. epochs: (K,); ids: (n,) uint32; places: (K, n, 2) float32 in map units."""

    epochs: tuple[int, ...]
    ids: ndarray
    places: ndarray

    @cached_property
    def frame(self) -> Frame:
        """The frame of these maps; the unit square where there are none."""
        if not self.places.size:
            return Frame((0.0, 0.0), 1.0)
        low, high = (end(self.places, axis=(0, 1)).astype(np.float64) for end in (np.min, np.max))
        side = max(float((high - low).max()), 1e-9) / (1 - 2 * MARGIN)
        x, y = ((low + high - side) / 2).tolist()
        return Frame((x, y), side)

    @property
    def positions(self) -> ndarray:
        """The places in steps of the frame, (K, n, 2) uint16; the map keeps its shape.

        Made when they are asked for: a browser asks once, and keeps them.
        """
        steps = np.empty(self.places.shape, np.uint16)
        for row, places in zip(steps, self.places, strict=True):
            shares = (places - np.array(self.frame.low)) / self.frame.side
            row[:] = np.round(shares * GRID)
        return _frozen(steps)

    def first(self, count: int) -> "Keyframes":
        """Returns only so many of the maps, in a frame of their own."""
        if count >= len(self.epochs):
            return self
        return Keyframes(self.epochs[:count], self.ids, self.places[:count])

    def at(self, epoch: float) -> ndarray:
        """Returns the places (n, 2) at an epoch in map units, linear between keyframes."""
        start = max(int(np.searchsorted(self.epochs, epoch, side="right")) - 1, 0)
        end = min(start + 1, len(self.epochs) - 1)
        span = self.epochs[end] - self.epochs[start]
        share = min(max((epoch - self.epochs[start]) / span, 0.0), 1.0) if span else 0.0
        before, after = (self.places[place].astype(np.float64) for place in (start, end))
        return before * (1 - share) + after * share


@dataclass(frozen=True)
class Colouring:
    """What a colour says. codes: (K, n) uint8, or (1, n) where it is fixed; low, high: NaN if unknown.

    is_root: colours are spread evenly over square roots; is_shared: low and high were given, not found here.
    """

    column: Column
    kind: Literal["signal", "diverging", "class"]
    codes: ndarray
    low: float
    high: float
    is_root: bool = False
    is_shared: bool = False

    @property
    def note(self) -> str:
        """What the legend must say about the scale."""
        percentiles = "clipped at the 1st and 99th percentile"
        return f"{percentiles}; square-root scale" if self.is_root else percentiles


def colourings(classes: int) -> dict[str, Column]:
    """Returns what the points can be coloured by; classes only where their codes fit into a byte."""
    names = _CLASS_COLUMNS if classes <= UNKNOWN else ()
    return {declared.name: declared for declared in (*names, column("samples", "consistency"), *SIGNALS)}


@lru_cache(maxsize=4)
def keyframes(run: Run, version: str) -> Keyframes:  # noqa: ARG001 - the version is part of the key
    """Returns the maps that both a map and its epoch are recorded of. version: the run's data version."""
    last = run.last_epoch()
    epochs = tuple(epoch for epoch in run.map_epochs() if epoch <= last)
    if not epochs:
        return Keyframes((), np.zeros(0, np.uint32), np.zeros((0, 0, 2), np.float32))
    shared = np.unique(run.read_map(epochs[0], ("sample_id",))["sample_id"])
    for epoch in epochs[1:]:
        shared = np.intersect1d(shared, run.read_map(epoch, ("sample_id",))["sample_id"])
    places = np.empty((len(epochs), len(shared), 2), np.float32)
    for row, epoch in zip(places, epochs, strict=True):  # one after the other: all at once are many megabytes
        row[:] = run.read_map(epoch, ("sample_id", "x", "y")).set_index("sample_id").loc[shared]
    return Keyframes(epochs, _frozen(shared.astype(np.uint32)), _frozen(places))


@lru_cache(maxsize=12)
def colouring(run: Run, version: str, name: str, ends: tuple[float, float] | None = None) -> Colouring:
    """Returns the colours of one signal or class at every keyframe; KeyError for what is neither.

    ends: the values of the first and the last colour, None: those of this run.
    """
    declared = colourings(UNKNOWN)[name]
    values = _values(run, keyframes(run, version), name)
    if declared in _CLASS_COLUMNS:
        codes = np.where(np.isnan(values), UNKNOWN, values).astype(np.uint8)
        return Colouring(declared, "class", _frozen(codes), 0.0, 0.0)
    is_root, is_diverging = name in _ROOT_SIGNALS, declared.low is None
    low, high = found = ends or _ends(values, is_diverging=is_diverging)
    if is_root:
        np.sqrt(values, out=values)
        low, high = math.sqrt(low), math.sqrt(high)
    codes = np.empty(values.shape, np.uint8)
    for row, known in zip(codes, values, strict=True):
        row[:] = _scaled(known, low, high)
    kind: Literal["diverging", "signal"] = "diverging" if is_diverging else "signal"
    return Colouring(declared, kind, _frozen(codes), *found, is_root, is_shared=ends is not None)


def on_one_scale(runs: Sequence[Run], name: str) -> list[Colouring]:
    """Returns the colours of a signal or class of several runs, from the lowest to the highest end of all."""
    alone = [colouring(run, run.data_version(), name) for run in runs]
    ends = [end for found in alone for end in (found.low, found.high) if not math.isnan(end)]
    if not ends or alone[0].kind == "class":
        return alone
    return [colouring(run, run.data_version(), name, (min(ends), max(ends))) for run in runs]


@lru_cache(maxsize=8)
def flags(run: Run, version: str, *, with_suspects: bool = False) -> ndarray:
    """Returns the bits KEPT, FLIPPED and SUSPECT of every keyframe and sample, (K, n) uint8.

    Flipped: the true label is known and another. Suspect: among the first 1 % by mean rank after the last
    epoch, set only where asked for because ranking reads the whole history.
    """
    frames = keyframes(run, version)
    bits = np.zeros((len(frames.epochs), len(frames.ids)), np.uint8)
    for place, epoch in enumerate(frames.epochs):
        selected = _column(run, epoch, ["selected"], name="selected", ids=frames.ids)
        bits[place] |= np.where(selected == 1, KEPT, 0).astype(np.uint8)
    if frames.epochs:
        labels, true_labels = (
            _column(run, frames.epochs[0], [], name=name, ids=frames.ids) for name in ("label", "true_label")
        )
        is_flipped = (labels != true_labels) & ~np.isnan(true_labels)
        bits |= np.where(is_flipped, FLIPPED, 0).astype(np.uint8)
    if frames.epochs and with_suspects:
        is_suspect = np.isin(frames.ids, _suspects(run, len(frames.ids)))
        bits |= np.where(is_suspect, SUSPECT, 0).astype(np.uint8)
    return _frozen(bits)


def _values(run: Run, frames: Keyframes, name: str) -> ndarray:
    """Returns a signal or class at every keyframe, (K, n) float32, or (1, n) where fixed; NaN = unknown."""
    is_fixed = name in _FIXED
    epochs = frames.epochs[:1] if is_fixed else frames.epochs
    values = np.empty((len(epochs), len(frames.ids)), np.float32)
    for row, epoch in zip(values, epochs, strict=True):
        row[:] = _column(run, epoch, [] if is_fixed else [name], name=name, ids=frames.ids)
    return values


def _suspects(run: Run, samples: int) -> ndarray:
    top = max(round(SUSPECT_SHARE * samples), 10)
    ids: ndarray = queries.suspects(run, "mean_rank", top)["sample_id"].to_numpy()
    return ids


def _column(run: Run, epoch: int, columns: list[str], *, name: str, ids: ndarray) -> ndarray:
    """Returns one column of an epoch as (n,) float32 in the order of ids; NaN where it is unknown."""
    rows = queries.epoch_rows(run, epoch, columns).set_index("sample_id")[name]
    return rows.reindex(ids).to_numpy(np.float32, na_value=np.nan)


def _ends(values: ndarray, *, is_diverging: bool) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not known.size:
        return np.nan, np.nan
    low, high = (float(end) for end in np.percentile(known, CLIPPED))
    if is_diverging:
        high = max(abs(low), abs(high))
        low = -high
    return low, high


def _scaled(values: ndarray, low: float, high: float) -> ndarray:
    """Turns values into codes 0 to 254 between low and high; equal ends give the middle, NaN UNKNOWN."""
    if not low < high:
        return np.where(np.isnan(values), UNKNOWN, 127).astype(np.uint8)
    steps = np.round(np.clip((values - low) / (high - low), 0, 1) * (UNKNOWN - 1))
    return np.where(np.isnan(steps), UNKNOWN, steps).astype(np.uint8)


def _frozen(values: ndarray) -> ndarray:
    """Returns the array, contiguous and no longer writable: it is kept and shared by all who ask."""
    values = np.ascontiguousarray(values)
    values.setflags(write=False)
    return values
