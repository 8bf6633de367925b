"""Small pieces of HTML that Streamlit has no element for; every text in them is escaped here.

They hold no colours but names of classes, so that style.css can follow light and dark without a rerun.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from pandas import DataFrame

from app import theme, wording

_MARKDOWN = frozenset("\\`*_{}[]<>()#+-.!|~:$")
# Those of them without which a sentence draws no link, no picture, no formula and nothing bold.
_DRAWING = frozenset("\\`*[]<~$")


def text(value: object) -> str:
    """Returns a value as text that is safe inside HTML and attributes."""
    return html.escape(str(value), quote=True)


def markdown(value: object) -> str:
    """Returns a value as text that is safe inside Streamlit's Markdown."""
    return "".join(f"\\{sign}" if sign in _MARKDOWN else sign for sign in str(value))


def sentence(value: object) -> str:
    """Returns a sentence that quotes something, so that Streamlit's Markdown shows it as it stands."""
    return "".join(f"\\{sign}" if sign in _DRAWING else sign for sign in str(value)).replace("://", "\\://")


def block(*pieces: str) -> str:
    """Returns pieces of HTML in the frame that gives them this app's type."""
    return f'<div class="ut">{"".join(pieces)}</div>'


def state(name: str) -> str:
    """Returns a state as a coloured dot with its word."""
    return f'<span class="ut-state ut-{theme.STATE_COLORS.get(name, "gray")}">{text(name)}</span>'


def chips(pairs: Iterable[tuple[str, str]]) -> str:
    """Returns settings as small frames, each with the name of the setting on hover."""
    shown = "".join(
        f'<span class="ut-chip" title="{text(name)}">{text(value)}</span>' for name, value in pairs
    )
    return f'<div class="ut-chips">{shown}</div>'


def bar(share: float, *, state_name: str, says: str) -> str:
    """Returns a progress bar; says: what a screen reader reads."""
    color = theme.STATE_COLORS.get(state_name, "gray")
    return (
        f'<div class="ut-bar ut-{color}" role="img" aria-label="{text(says)}">'
        f'<span style="width:{100 * min(max(share, 0.0), 1.0):.1f}%"></span></div>'
    )


def sparkline(
    values: Sequence[float], *, says: str, low: float | None = None, high: float | None = None
) -> str:
    """Returns a curve without axes over all places, from its lowest (or low) to its highest value (or high).

    Unknown values leave a gap. Drawn as a mask, because the sanitiser of st.html lets no inline SVG through.
    """
    known = [value for value in values if wording.is_known(value)]
    if not known:
        return f'<span class="ut-spark-empty" role="img" aria-label="{text(says)}"></span>'
    bottom = min(known) if low is None else low
    span = (max(known) if high is None else high) - bottom or 1.0
    lines = "".join(
        f"<polyline points='{points}'/>" for points in _segments(values, bottom=bottom, span=span)
    )
    drawing = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 30' preserveAspectRatio='none'>"
        "<style>polyline{fill:none;stroke:#000;stroke-width:1.8px;vector-effect:non-scaling-stroke}</style>"
        f"{lines}</svg>"
    )
    mask = f"url(&quot;data:image/svg+xml,{quote(drawing)}&quot;) 0 0 / 100% 100% no-repeat"
    return f'<span class="ut-spark" role="img" aria-label="{text(says)}" style="mask:{mask}"></span>'


def _segments(values: Sequence[float], *, bottom: float, span: float) -> list[str]:
    """Returns the points of each unbroken stretch; a lone value becomes a dash that can be seen."""
    width = 100 / len(values)
    dash = max(width, 1.0) / 2
    stretches: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(values):
        if wording.is_known(value):
            stretches[-1].append(((place + 0.5) * width, 28 - 26 * (value - bottom) / span))
        else:
            stretches.append([])
    drawn = []
    for stretch in filter(None, stretches):
        if len(stretch) == 1:
            (x, y) = stretch[0]
            stretch = [(x - dash, y), (x + dash, y)]
        drawn.append(" ".join(f"{x:.1f},{y:.1f}" for x, y in stretch))
    return drawn


def strip(kept: Sequence[bool], *, now: int | None = None) -> str:
    """Returns one square an epoch, filled where the sample was kept; now: the epoch that is outlined."""
    squares = "".join(
        f'<span class="{"ut-kept" if was_kept else ""}{" ut-now" if epoch == now else ""}" '
        f'title="epoch {epoch}: {"kept" if was_kept else "dropped"}"></span>'
        for epoch, was_kept in enumerate(kept)
    )
    says = f"kept in {sum(kept)} of {wording.plural(len(kept), 'epoch')}"
    return f'<div class="ut-strip" role="img" aria-label="{text(says)}">{squares}</div>'


def columns(values: Sequence[float]) -> str:
    """Returns small bars from 0, each with its number on hover; none may be NaN."""
    highest = max(values, default=0) or 1.0
    bars = "".join(
        f'<span style="height:{100 * value / highest:.0f}%" title="{text(wording.number(value))}"></span>'
        for value in values
    )
    says = "influences " + ", ".join(wording.number(value) for value in values)
    return f'<div class="ut-columns" role="img" aria-label="{text(says)}">{bars}</div>'


def link(name: str, value: str, *, note: str = "", inner: str = "", hint: str = "") -> str:
    """Returns one box of a chain: name, value, a note below and a hint on hover; inner is HTML."""
    return (
        f'<div class="ut-link" title="{text(hint)}"><small>{text(name)}</small><strong>{text(value)}</strong>'
        f"{inner}<small>{text(note)}</small></div>"
    )


def chain(links: Sequence[str]) -> str:
    """Returns boxes beside each other, with arrows between them."""
    return f'<div class="ut-chain">{"".join(links)}</div>'


def head(title: str, note: str = "", *, hint: str = "") -> str:
    """Returns the head of a card: its title, with a hint on hover, and one line below."""
    below = f"<p>{text(note)}</p>" if note else ""
    return f'<div class="ut-head" title="{text(hint)}"><h3>{text(title)}</h3>{below}</div>'


def table(rows: DataFrame, *, says: str, chosen: int | None = None) -> str:
    """Returns a small table of texts; says: what it holds; chosen: the row that is bold."""
    names = "".join(f'<th scope="col">{text(name)}</th>' for name in rows.columns)
    lines = "".join(
        f'<tr class="{"ut-chosen" if place == chosen else ""}">'
        f"{''.join(f'<td>{text(cell)}</td>' for cell in line)}</tr>"
        for place, line in enumerate(rows.itertuples(index=False))
    )
    return (
        f'<table class="ut-table" aria-label="{text(says)}"><thead><tr>{names}</tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def wide(content: str) -> str:
    """Returns HTML that may be wider than its card, in a frame that scrolls sideways."""
    return f'<div style="overflow-x:auto" tabindex="0">{content}</div>'


def facts(pairs: Mapping[str, object]) -> str:
    """Returns names with their values below each other."""
    rows = "".join(
        f'<dt>{text(name)}</dt><dd title="{text(value)}">{text(value)}</dd>' for name, value in pairs.items()
    )
    return f'<dl class="ut-facts">{rows}</dl>'
