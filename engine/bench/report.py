"""What the bench tells: the machine and its noise first, then a table a line; the same as JSON."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from engine.bench.line import Figure, Line
from engine.describe import machine

HEADS = ("figure", "median", "p95", "min", "max", "unit", "goal", "")
NUMBERS = range(1, 5)
P95 = HEADS.index("p95")


def machine_found() -> dict[str, Any]:
    """Returns what the bench runs on, and how busy it is as it starts."""
    found = machine(torch.device("cpu"), Path(__file__).parent)
    load = list(os.getloadavg()) if hasattr(os, "getloadavg") else []
    return {**found, "load": load}


def machine_text(found: dict[str, Any], noise: Figure) -> str:
    """Returns the first lines: machine, load, versions and the A/A ratio."""
    load = ", ".join(f"{value:.2f}" for value in found["load"]) or "unknown"
    versions = found["versions"]
    low, high = min(noise.values), max(noise.values)
    return (
        f"Machine: {found['processor']}, {found['cores']} cores, load {load} (1, 5 and 15 minutes); "
        f"Python {versions['python']}, torch {versions.get('torch', 'unknown')}, "
        f"{_threads(found['threads'])}\nNoise: the same work against itself (A/A) "
        f"{median(noise.values):.3f}, from {low:.3f} to {high:.3f} in {len(noise.values)} interleaved pairs"
    )


def line_text(line: Line) -> str:
    """Returns the line for a terminal, ended by what is missing or by its notes."""
    if line.skipped:
        return f"{line.name}: skipped; {line.skipped}"
    if line.failed:
        return f"{line.name}: failed; {line.failed}"
    versions = ", ".join(f"{name} {version}" for name, version in line.versions.items())
    parts = [f"{line.name}: {line.compared}", f"  {versions}; {_threads(line.threads)}"]
    rows = [_row(figure, line.judged) for figure in line.figures]
    shown = [place for place in range(len(HEADS)) if place != P95 or any(row[P95] for row in rows)]
    parts += _table([[row[place] for place in shown] for row in (HEADS, *rows)], shown)
    return "\n".join([*parts, *(f"  {note}" for note in line.notes)])


def as_json(found: dict[str, Any], noise: Figure, lines: Sequence[Line]) -> dict[str, Any]:
    """Returns all that was printed, with every repeat."""
    return {
        "machine": found,
        "noise": noise.as_json(judged=True),
        "lines": [line.as_json() for line in lines],
    }


def number(value: float) -> str:
    """Three digits after the point below 10, one below 1,000, none above."""
    if abs(value) < 10:
        return f"{value:.3f}"
    return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def _row(figure: Figure, judged: bool) -> tuple[str, ...]:
    values = figure.values
    goal = "" if figure.goal is None else str(figure.goal)
    middle, low, high = median(values), min(values), max(values)
    verdict = figure.verdict(judged=judged)
    p95 = "" if figure.p95 is None else number(figure.p95)
    return figure.name, number(middle), p95, number(low), number(high), figure.unit, goal, verdict


def _table(rows: Sequence[Sequence[str]], places: Sequence[int]) -> list[str]:
    """Texts to the left but for the numbers, two spaces between; places: of the columns among HEADS."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if place in NUMBERS else cell.ljust(width)
            for place, cell, width in zip(places, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _threads(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"
