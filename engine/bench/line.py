"""What a line of the bench is and answers with: figures from several repeats, each beside its goal.

A figure without its spread, its threads and what it was compared with can be neither repeated nor doubted, so
a line cannot be made without them. What is missing is said and the line skipped; no figure is ever made up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

ENOUGH_FOR_P95 = 20  # repeats of which one may lie beyond it


class Missing(RuntimeError):
    """What a line needs and does not find; the message says how to provide it."""


class Goal(NamedTuple):
    """The bound that the median of a figure, or another quantile of its repeats, is held against."""

    bound: float
    at_least: bool
    quantile: float = 0.5

    def __str__(self) -> str:
        of = "" if self.quantile == 0.5 else f"p{100 * self.quantile:g} "
        return f"{of}{'≥' if self.at_least else '≤'} {self.bound:g}"

    def is_met_by(self, value: float) -> bool:
        """Whether the value is on the right side of the bound; never for NaN."""
        return value >= self.bound if self.at_least else value <= self.bound


def at_least(bound: float) -> Goal:
    """A goal that larger values meet."""
    return Goal(bound, at_least=True)


def at_most(bound: float, *, quantile: float = 0.5) -> Goal:
    """A goal that smaller values meet."""
    return Goal(bound, at_least=False, quantile=quantile)


@dataclass(frozen=True)
class Figure:
    """One measured quantity: its value in every repeat."""

    name: str
    values: Sequence[float]  # one a repeat, at least one
    unit: str = ""
    goal: Goal | None = None

    @property
    def p95(self) -> float | None:
        """What 95 % of the repeats stay at or below, interpolated; None where they are fewer than 20."""
        return float(np.quantile(self.values, 0.95)) if len(self.values) >= ENOUGH_FOR_P95 else None

    def verdict(self, *, judged: bool) -> str:
        """Returns met, missed, "not judged" where the sizes are not those of the goal, or "" without one."""
        if self.goal is None:
            return ""
        if not judged:
            return "not judged"
        value = float(np.quantile(self.values, self.goal.quantile))
        return "met" if self.goal.is_met_by(value) else "missed"

    def as_json(self, *, judged: bool) -> dict[str, Any]:
        """Returns the figure as JSON has it."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": median(self.values),
            "p95": self.p95,
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
            "goal": None if self.goal is None else str(self.goal),
            "verdict": self.verdict(judged=judged),
        }


@dataclass(frozen=True)
class Line:
    """What a bench found, or why it was skipped or failed."""

    name: str
    compared: str  # what with what, on what, as a sentence
    figures: Sequence[Figure] = ()
    versions: dict[str, str] = field(default_factory=dict)  # of the packages that were timed
    notes: Sequence[str] = ()  # sentences, of peers that are not installed too
    skipped: str = ""  # what it needs
    failed: str = ""  # the reason
    judged: bool = True  # the sizes are those that the goals are for
    threads: int = 1

    def as_json(self) -> dict[str, Any]:
        """Returns the line as JSON has it."""
        return {
            "name": self.name,
            "compared": self.compared,
            "threads": self.threads,
            "versions": self.versions,
            "figures": [figure.as_json(judged=self.judged) for figure in self.figures],
            "notes": list(self.notes),
            "skipped": self.skipped,
            "failed": self.failed,
        }


@dataclass(frozen=True)
class Surroundings:
    """Where a line finds what it needs."""

    cache: Path  # of what is built once, such as the packaged encoder
    data: Path | None = None  # folder with cifar10_train.parquet and cifar10_test.parquet
    say: Callable[[str], object] = lambda _: None  # hears how far a long line is

    def cifar(self) -> tuple[Path, Path]:
        """Returns the files of CIFAR-10's training and test images; raises Missing."""
        needs = "needs cifar10_train.parquet and cifar10_test.parquet with columns image and label"
        if self.data is None:
            raise Missing(f"{needs}; give their folder with --data FOLDER or UNDERTOW_DATA")
        files = self.data / "cifar10_train.parquet", self.data / "cifar10_test.parquet"
        if not all(file.is_file() for file in files):
            raise Missing(f"{needs}; {self.data} has not both, give another folder with --data FOLDER")
        return files


class Bench(Protocol):
    """A comparison that can be asked for by name; its sizes are its fields."""

    @property
    def name(self) -> str:
        """What the line is asked for by."""
        ...

    @property
    def summary(self) -> str:
        """What is compared with what, in a few words."""
        ...

    def quick(self) -> Self:
        """Returns the same comparison in sizes that take seconds; its goals are not judged."""
        ...

    def measure(self, surroundings: Surroundings) -> Line:
        """Returns what was found. Raises Missing where something is not there."""
        ...
