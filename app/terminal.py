"""What the terminal is told: sentences and tables.

What a person asked for goes to stdout, what went wrong to stderr in one sentence.
"""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

if TYPE_CHECKING:
    from pandas import DataFrame  # loading pandas would delay the first line by half a second

_NARROWEST = 10  # columns of a text beside numbers
WIDE = 240  # columns of a table that a file or a program reads

out = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(sentence: str) -> None:
    """Writes a sentence for the person, as it is, without breaking long lines."""
    out.print(sentence, markup=False, soft_wrap=True)


def put(piece: "str | Table") -> None:
    """Writes a sentence, or a table that is laid out already; a table is never folded where nobody looks."""
    if isinstance(piece, str):
        say(piece)
        return
    (out if out.is_terminal else Console(highlight=False, width=WIDE)).print(piece, markup=False)


def refuse(sentence: str) -> None:
    """Writes what went wrong to stderr."""
    errors.print(sentence, markup=False, soft_wrap=True)


def show(frame: "DataFrame", *, right_from: int = 1) -> None:
    """Writes a frame of texts as a table; the columns from right_from on are numbers and stand right."""
    table = Table()
    for position, name in enumerate(frame.columns):
        table.add_column(str(name), justify="right" if position >= right_from else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(str(cell) for cell in row))
    _spare_numbers(table, frame, right_from)
    out.print(table, markup=False)


def _spare_numbers(table: Table, frame: "DataFrame", right_from: int) -> None:
    """Lets texts give way before a number or a word of its head is broken, where that is enough."""
    numbers = {
        position: max(map(len, (*str(name).split(), *map(str, frame.iloc[:, position]))))
        for position, name in enumerate(frame.columns)
        if position >= right_from
    }
    texts = len(table.columns) - len(numbers)
    taken = sum(numbers.values()) + 3 * len(table.columns) + 1 + _NARROWEST * texts
    wanted = Measurement.get(out, out.options.update(width=10_000), table).maximum
    if taken <= out.width < wanted:
        for position, width in numbers.items():
            table.columns[position].width = width
