"""Tables that stay readable in a narrow terminal: whole columns are left out before words are broken.

Where nobody looks (a pipe, a file) every column is there and every row is one line.
"""

from collections.abc import Iterable, Sequence

from rich.measure import Measurement
from rich.table import Table

from app import terminal

_NARROWEST = 20  # columns of a text that may be folded


def fitting(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    left_out_first: Sequence[str] = (),
    folded: Sequence[str] = ("Study", "Method"),
) -> tuple[Table, list[str]]:
    """Returns a table that fits the terminal, and the columns that were left out for it.

    right: heads of numbers; folded: heads of texts that may take several lines.
    """
    kept, left_out = list(heads), list[str]()
    while True:
        table = _table(heads, rows, kept, right=right, folded=folded)
        width = Measurement.get(terminal.out, terminal.out.options.update(width=10_000), table).minimum
        droppable = [head for head in left_out_first if head in kept]
        if not terminal.out.is_terminal or width <= terminal.out.width or not droppable:
            return table, left_out
        kept.remove(droppable[0])
        left_out.append(droppable[0])


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Returns names with what they are, one below the other."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    kept: Sequence[str],
    *,
    right: Sequence[str],
    folded: Sequence[str],
) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for head in kept:
        texts, place = head in folded, heads.index(head)
        longest = max((len(row[place]) for row in rows), default=0)
        table.add_column(
            head,
            justify="right" if head in right else "left",
            no_wrap=not texts,
            min_width=min(longest, _NARROWEST) if texts else None,
            overflow="fold",
        )
    places = [heads.index(head) for head in kept]
    for row in rows:
        table.add_row(*(row[place] for place in places))
    return table
