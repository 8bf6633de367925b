"""Writes the parts of the README that follow from the code: signals, strategies, policies, tables, recipes.

`python tests/readme.py` rewrites them in place; tests/test_documentation.py fails where they are out of date.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from pydantic.fields import FieldInfo

from engine.config import DATASETS, MODELS, NOISES, OPTIMIZERS, POLICIES, STRATEGIES, TAILS
from engine.settings import Settings
from store.derived import ALL_MEANINGS, ALL_TABLES
from store.schema import SCHEMA_VERSION, SIGNALS, Column, column
from store.sql.recipes import RECIPES

README = Path(__file__).parents[1] / "README.md"


def signals() -> str:
    """One row a signal: what it means, when it holds, range and direction."""
    rows = [
        (
            f"**{signal.label}** `{signal.name}`",
            signal.meaning,
            signal.when,
            signal.range,
            signal.direction or "–",
        )
        for signal in (*SIGNALS, column("samples", "consistency"))
    ]
    return _table(("signal", "meaning", "when it holds", "range", "direction"), rows)


def strategies() -> str:
    """One row a strategy, policy, data set, kind of noise, net and optimizer, with settings and defaults."""
    kinds = (
        ("strategy", STRATEGIES),
        ("policy", POLICIES),
        ("data set", DATASETS),
        ("tail", TAILS),
        ("noise", NOISES),
        ("model", MODELS),
        ("optimizer", OPTIMIZERS),
    )
    rows = [
        (part, _kinds(model), _summary(model), _settings(model)) for part, models in kinds for model in models
    ]
    return _table(("part", "kind", "what it does", "settings and defaults"), rows)


def tables() -> str:
    """One list a table, opened by a click: every column with type, range, meaning and when it holds."""
    pieces = [f"Schema version {SCHEMA_VERSION}; what is unknown is NULL.\n"]
    for name, columns in ALL_TABLES.items():
        head = f"<summary><code>{name}</code>: {ALL_MEANINGS[name]}</summary>"
        pieces.append(f"<details>{head}\n\n{_columns(columns)}\n</details>\n")
    return "\n".join(pieces)


def recipes() -> str:
    """The queries that the README shows, each with its question."""
    shown = (recipe for recipe in RECIPES if recipe.is_in_readme)
    return "\n".join(f"{recipe.question}:\n\n```sql\n{recipe.sql}\n```\n" for recipe in shown)


GENERATED = {"signals": signals, "strategies": strategies, "tables": tables, "recipes": recipes}


def with_generated_parts(text: str) -> str:
    """Returns the text with what stands between the marks of each generated part replaced."""
    for name, write in GENERATED.items():
        marks = rf"(?<=<!-- {name}: made by tests/readme.py -->\n).*?(?=<!-- end of {name} -->)"
        made = write().replace("\\", r"\\")
        text, found = re.subn(marks, made, text, flags=re.DOTALL)
        if found != 1:
            raise ValueError(f"README.md must have the part {name} once; it has it {found} times")
    return text


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = tuple(heads)
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _columns(columns: Iterable[Column]) -> str:
    rows = [(f"`{one.name}`", f"`{one.type}`", _range(one), one.meaning, one.when) for one in columns]
    return _table(("column", "type", "range", "meaning", "when it holds"), rows)


def _range(column: Column) -> str:
    other = {"VARCHAR": "text", "BOOLEAN": "true or false", "UINTEGER[]": "counts"}
    return other.get(column.type, column.range)


def _kinds(model: type[Settings]) -> str:
    return ", ".join(f"`{kind}`" for kind in get_args(model.model_fields["kind"].annotation))


def _summary(model: type[Settings]) -> str:
    return (model.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()


def _settings(model: type[Settings]) -> str:
    fields = {name: field for name, field in model.model_fields.items() if name != "kind"}
    return "; ".join(_setting(name, field) for name, field in fields.items()) or "–"


def _setting(name: str, field: FieldInfo) -> str:
    default = "; ".join(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{name}`{'' if default in ('', {}) else f' = {default}'}: {field.description}"


if __name__ == "__main__":
    README.write_text(with_generated_parts(README.read_text(encoding="utf-8")), encoding="utf-8")
