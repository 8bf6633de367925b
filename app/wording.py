"""Numbers as a person reads them: separators, three significant digits, units, and "–" for the unknown.

One place says how a number looks, so that the same value is written alike in a card, on an axis and in a
table.
"""

import math
from collections.abc import Callable, Sequence

from store.schema import Column

UNKNOWN = "–"
_SPACE = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_known(value: float | None) -> bool:
    """Says whether there is a number: neither None nor NaN."""
    return value is not None and not math.isnan(value)


def capital(sentence: str) -> str:
    """Writes a sentence with a capital first letter, the rest as it is: a name inside keeps its own."""
    return f"{sentence[:1].upper()}{sentence[1:]}"


def count(value: float | None) -> str:
    """Writes a whole number with separators: 12,130."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{round(value):,}".replace("-", _MINUS)


def number(value: float | None, *, signed: bool = False) -> str:
    """Writes three significant digits: 0.412, 31.4, 12,130; below 0.001 as 4.1e-5; NaN and None as "–"."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    sign = _MINUS if value < 0 else "+" if signed and value > 0 else ""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.001:
        return f"{sign}{size:.1e}".replace("e-0", f"e{_MINUS}").replace("e-", f"e{_MINUS}")
    decimals = max(0, 2 - math.floor(math.log10(float(f"{size:.2e}"))))
    return f"{sign}{size:,.{decimals}f}"


def power(exponent: float) -> str:
    """Writes an exponent to stand behind its base: ² and so on for whole digits, ^1.5 else, nothing for 1."""
    if exponent == 1:
        return ""
    whole = f"{exponent:g}"
    return whole.translate(_RAISED) if whole.isdigit() else f"^{whole}".replace("-", _MINUS)


def percent(share: float | None) -> str:
    """Writes a measured share of 1 with one decimal: 0.9385 is 93.8 %; 1 is 100 %."""
    if share is None or math.isnan(share):
        return UNKNOWN
    text = f"{share * 100:.1f}".replace("-", _MINUS)
    return f"{'100' if text == '100.0' else text}{_SPACE}%"


def setting_percent(share: float | None) -> str:
    """Writes a share that somebody chose, as short as it is: 0.5 is 50 %, 0.125 is 12.5 %."""
    return UNKNOWN if share is None else f"{share * 100:g}{_SPACE}%"


def points(difference: float | None) -> str:
    """Writes a difference of two shares with its sign: +5.9 pts."""
    if difference is None or math.isnan(difference):
        return UNKNOWN
    sign = _MINUS if difference < 0 else "+"
    return f"{sign}{abs(difference) * 100:.1f}{_SPACE}pts"


def duration(seconds: float | None) -> str:
    """Writes a time with two units at most: 0.4 s, 42 s, 3 min 05 s, 1 h 04 min."""
    if seconds is None or math.isnan(seconds):
        return UNKNOWN
    if seconds < 9.95:
        return f"{seconds:.1f}{_SPACE}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{_SPACE}s"
    if whole < 3600:
        return f"{whole // 60}{_SPACE}min {whole % 60:02d}{_SPACE}s"
    minutes = round(whole / 60)
    return f"{minutes // 60:,}{_SPACE}h {minutes % 60:02d}{_SPACE}min"


def size(amount: float | None) -> str:
    """Writes bytes with three significant digits: 0 bytes, 812 bytes, 41.2 kB, 3.41 GB."""
    if not is_known(amount):
        return UNKNOWN
    value, units = float(amount or 0), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{f'{value:.0f}' if units[0] == 'bytes' else number(value)}{_SPACE}{units[0]}"


def shortened(text: str, most: int) -> str:
    """Returns a name of at most so many characters: the rest of a longer one becomes an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def spread(values: Sequence[float], *, as_percent: bool = False) -> str:
    """Writes mean ± standard deviation (of a sample, n - 1); the mean alone of one value; "–" of none."""
    known = [value for value in values if is_known(value)]
    write = percent if as_percent else number
    if not known:
        return UNKNOWN
    mean = sum(known) / len(known)
    if len(known) == 1:
        return write(mean)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1))
    if as_percent:
        return f"{percent(mean).removesuffix(_SPACE + '%')} ± {deviation * 100:.1f}{_SPACE}%"
    return f"{number(mean)} ± {number(deviation)}"


def interval(
    low: float,
    high: float,
    write: Callable[[float], str],
    *,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> str:
    """Writes the ends of an interval; one that reaches beyond what can be ends there: 97.3 % to 100 % (cut).

    within: the least and the largest value that the number can have. "–" where an end is unknown.
    """
    if not is_known(low) or not is_known(high):
        return UNKNOWN
    least, most = within
    cut = " (cut)" if low < least or high > most else ""
    return f"{write(max(low, least))} to {write(min(high, most))}{cut}"


def meaning(column: Column) -> str:
    """Writes what a number is, when it holds, its range and what a high value says."""
    direction = f"; {column.direction}" if column.direction else ""
    return f"{column.label}: {column.meaning}; {column.when}; {column.range}{direction}"


def plural(amount: int, noun: str, nouns: str | None = None) -> str:
    """Writes a count with its noun: 1 run, 12 runs."""
    return f"{count(amount)} {noun if amount == 1 else nouns or noun + 's'}"
