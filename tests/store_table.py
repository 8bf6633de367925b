"""Writes the README's table of how the store scales from what the bench measured.

`python tests/store_table.py FILE.json …` takes the files that `undertow bench store --json FILE.json` and
`undertow bench store-1.28M --json FILE.json` wrote: too long a work for a test, and one for an idle machine.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.bench.report import number
from engine.bench.store import LARGE, MIDDLE, SMALL, label

README = Path(__file__).parents[1] / "README.md"
MARKS = "<!-- store: made by tests/store_table.py -->\n", "<!-- end of store -->"

LEFT_OUT = "not counted"  # in the name of a figure that is about the bench alone


def table(contents: Iterable[Mapping[str, Any]]) -> str:
    """Returns Markdown: a row a figure, a column a size, from the JSON of the bench."""
    figures = {
        figure["name"]: figure
        for content in contents
        for line in content["lines"]
        for figure in line["figures"]
    }
    sizes = [label(size) for size in (SMALL, MIDDLE, LARGE) if any(of(name, label(size)) for name in figures)]
    names = dict.fromkeys(own for name in figures for size in sizes if (own := of(name, size)))
    rows = [("samples x epochs", *sizes, "goal"), ("---",) * (len(sizes) + 2)]
    for name in (name for name in names if LEFT_OUT not in name):
        found = [figures.get(f"{size}: {name}") for size in sizes]
        goal = next((figure["goal"] for figure in found if figure and figure["goal"]), "–")
        unit = next((f", {figure['unit']}" for figure in found if figure and figure["unit"]), "")
        rows.append((f"{name}{unit}", *map(cell, found), goal))
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def of(name: str, size: str) -> str:
    """Returns the name of a figure without its size, empty where it is of another."""
    return name.removeprefix(f"{size}: ") if name.startswith(f"{size}: ") else ""


def cell(figure: Mapping[str, Any] | None) -> str:
    """Returns the median, and p95 or the range of a few repeats in brackets, with the verdict of a goal."""
    if figure is None:
        return "–"
    text = number(figure["median"])
    if figure["p95"] is not None:
        text += f" (p95 {number(figure['p95'])})"
    elif len(figure["values"]) > 1:
        text += f" ({number(figure['min'])}–{number(figure['max'])})"
    return f"{text}, {figure['verdict']}" if figure["verdict"] else text


def with_table(text: str, made: str) -> str:
    """Returns the README with the table between its marks; ValueError where it has no place for it."""
    begin, end = MARKS
    pattern = f"(?<={re.escape(begin)}).*?(?={re.escape(end)})"
    text, found = re.subn(pattern, lambda _: made, text, flags=re.DOTALL)
    if found != 1:
        raise ValueError(
            f"README.md must have the marks of the store's table once; it has them {found} times"
        )
    return text


if __name__ == "__main__":
    measured = [json.loads(Path(file).read_text(encoding="utf-8")) for file in sys.argv[1:]]
    README.write_text(with_table(README.read_text(encoding="utf-8"), table(measured)), encoding="utf-8")
