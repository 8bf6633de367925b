"""Repeats that can be compared: candidates take turns, so that a busy moment falls on all of them."""

from collections.abc import Callable, Mapping
from importlib import metadata
from time import perf_counter

import numpy as np

from engine.bench.line import Figure

Clock = Callable[[], float]

AA_PAIRS = 15


def interleaved(
    candidates: Mapping[str, Callable[[int], object]],
    repeats: int,
    *,
    prepare: Callable[[int], object] | None = None,
    clock: Clock = perf_counter,
) -> dict[str, list[float]]:
    """Returns the seconds of every repeat of each candidate, which gets the number of the repeat.

    In each repeat all of them run, each time another one first. They are warmed up by the caller. prepare
    makes what a repeat works on, before it and outside of the seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    for repeat in range(repeats):
        if prepare:
            prepare(repeat)
        first = repeat % len(names)
        for name in (*names[first:], *names[:first]):
            started = clock()
            candidates[name](repeat)
            seconds[name].append(clock() - started)
    return seconds


def ratios(over: list[float], under: list[float]) -> list[float]:
    """Returns over / under of each repeat: both saw the same moment of the machine."""
    return [one / other for one, other in zip(over, under, strict=True)]


def noise(pairs: int = AA_PAIRS, *, clock: Clock = perf_counter) -> Figure:
    """Returns the A/A ratio: the same work timed against itself, 1 where the machine is quiet."""
    work = np.random.default_rng(0).random((300, 300))

    def same(_repeat: int) -> None:
        for _ in range(30):
            np.sort(work @ work, axis=0)

    same(0)
    seconds = interleaved({"one": same, "other": same}, pairs, clock=clock)
    return Figure("A/A ratio", ratios(seconds["one"], seconds["other"]))


def versions(*packages: str) -> dict[str, str]:
    """Returns the versions of those of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def absent(package: str) -> str:
    """The sentence about a peer that cannot be compared with."""
    return (
        f"{package} is not installed, so it is not compared; in Undertow's folder: pip install -e '.[bench]'"
    )
