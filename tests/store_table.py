"""Writes the README's tables of how the store scales from what the bench measured.

`python tests/store_table.py FILE.json …` takes the files that `undertow bench store --json FILE.json` and
`undertow bench store-1.28M --json FILE.json` wrote: too long a work for a test, and one for an idle machine.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.bench.report import number
from engine.bench.store import LARGE, MIDDLE, SMALL, label
from engine.bench.store_size import HALF, HOT, WHOLE

README = Path(__file__).parents[1] / "README.md"
MARKS = "<!-- store: made by tests/store_table.py -->\n", "<!-- end of store -->"
STATES = (HOT, HALF, WHOLE)

LEFT_OUT = "not counted"  # in the name of a figure that is about the bench alone

Figures = Mapping[str, Mapping[str, Any]]


def tables(contents: Iterable[Mapping[str, Any]]) -> str:
    """Returns two tables as Markdown from the bench's JSON: what a run takes, and what reading it takes."""
    figures = {
        figure["name"]: figure
        for content in contents
        for line in content["lines"]
        for figure in line["figures"]
        if LEFT_OUT not in figure["name"]
    }
    sizes = [label(size) for size in (SMALL, MIDDLE, LARGE) if any(of(name, label(size)) for name in figures)]
    names = list(dict.fromkeys(own for name in figures for size in sizes if (own := of(name, size))))
    asked = dict.fromkeys(name.removesuffix(f", {HOT}") for name in names if name.endswith(f", {HOT}"))
    kept = [name for name in names if not any(name == f"{one}, {state}" for one in asked for state in STATES)]
    return f"{_kept(figures, kept, sizes)}\n{_asked(figures, list(asked), sizes)}"


def of(name: str, size: str) -> str:
    """Returns the name of a figure without its size, empty where it is of another."""
    return name.removeprefix(f"{size}: ") if name.startswith(f"{size}: ") else ""


def cell(figure: Mapping[str, Any] | None) -> str:
    """Returns the median, and p95 or the range of a few repeats in brackets, with the verdict of a goal."""
    if figure is None:
        return "–"
    text = number(figure["median"])
    if figure["p95"] is not None:
        text += f" ({number(figure['p95'])})"
    elif len(figure["values"]) > 1:
        text += f" ({number(figure['min'])}–{number(figure['max'])})"
    return f"{text}, {figure['verdict']}" if figure["verdict"] else text


def with_tables(text: str, made: str) -> str:
    """Returns the README with the tables between its marks; ValueError where it has no place for them."""
    begin, end = MARKS
    pattern = f"(?<={re.escape(begin)}).*?(?={re.escape(end)})"
    text, found = re.subn(pattern, lambda _: made, text, flags=re.DOTALL)
    if found != 1:
        raise ValueError(
            f"README.md must have the marks of the store's tables once; it has them {found} times"
        )
    return text


def _kept(figures: Figures, names: Sequence[str], sizes: Sequence[str]) -> str:
    """One column a size: what a run takes to write, to fold and to keep."""
    rows = [("writing and keeping: median (p95)", *sizes, "goal")]
    for name in names:
        found = [figures.get(f"{size}: {name}") for size in sizes]
        rows.append((f"{name}{_unit(found)}", *map(cell, found), _goal(found) or "–"))
    return _markdown(rows)


def _asked(figures: Figures, names: Sequence[str], sizes: Sequence[str]) -> str:
    """One column a size and state: what a reader takes."""
    columns = [(size, state) for size in sizes for state in STATES]
    rows = [("reading: median (p95)", *(f"{size} {state}" for size, state in columns), "goal")]
    for name in names:
        found = [figures.get(f"{size}: {name}, {state}") for size, state in columns]
        goals = [
            f"{state} {goal}"
            for state in STATES
            if (goal := _goal(found[STATES.index(state) :: len(STATES)]))
        ]
        rows.append((f"{name}{_unit(found)}", *map(cell, found), ", ".join(goals) or "–"))
    return _markdown(rows)


def _unit(found: Iterable[Mapping[str, Any] | None]) -> str:
    return next((f", {figure['unit']}" for figure in found if figure and figure["unit"]), "")


def _goal(found: Iterable[Mapping[str, Any] | None]) -> str:
    return next((str(figure["goal"]) for figure in found if figure and figure["goal"]), "")


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    measured = [json.loads(Path(file).read_text(encoding="utf-8")) for file in sys.argv[1:]]
    README.write_text(with_tables(README.read_text(encoding="utf-8"), tables(measured)), encoding="utf-8")
