"""Wall seconds by phase, so that the cost of each part of a method is logged beside its result."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """Adds up wall seconds under names; runs from the moment it is made."""

    def __init__(self) -> None:
        self._started = perf_counter()
        self._phases: list[str] = []
        self._turned = self._started
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Counts the time inside the block towards the phase; blocks within it count for themselves."""
        self._turn()
        self._phases.append(phase)
        yield
        self._turn()
        self._phases.pop()

    @property
    def total(self) -> float:
        """Wall seconds since it was made."""
        return perf_counter() - self._started

    def _turn(self) -> None:
        now = perf_counter()
        if self._phases:
            self.seconds[self._phases[-1]] += now - self._turned
        self._turned = now
