"""What the terminal is told: sentences and tables.

What a person asked for goes to stdout, what went wrong to stderr in one sentence.
"""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pandas import DataFrame  # loading pandas would delay the first line by half a second

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
    out.print(table, markup=False)
