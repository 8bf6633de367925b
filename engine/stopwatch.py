"""Wall seconds by phase, so that the cost of each part of a method is logged beside its result."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """Adds up wall seconds under names; runs from the moment it is made."""

    def __init__(self) -> None:
        self._started = perf_counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Counts the time inside the block towards the phase."""
        started = perf_counter()
        yield
        self.seconds[phase] += perf_counter() - started

    @property
    def total(self) -> float:
        """Wall seconds since it was made."""
        return perf_counter() - self._started
