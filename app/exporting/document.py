"""A report as one HTML file that opens anywhere: charts, pictures and numbers are inside, nothing is fetched.

It is written from the same panels and tables as the pages, so the two cannot disagree. Always light, since it
is made to be sent and printed.
"""

import base64
import datetime
from collections.abc import Sequence
from pathlib import Path

import plotly.io as pio
from pandas import DataFrame
from plotly.offline import get_plotlyjs

from app import canvas, markup, theme
from app.panel import Panel

_APP = Path(__file__).parents[1]
_FONT = _APP / "static" / "inter-latin-wght-normal.woff2"
_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 InterVar, sans-serif; margin: 0 auto; max-width: 1200px; padding: 32px 24px 64px; }
body, .stApp { background: var(--ut-background); color: var(--ut-text); }
h1 { font-size: 1.6rem; font-weight: 650; margin: 0 0 4px; }
h2 { font-size: 1.2rem; font-weight: 600; margin: 36px 0 12px; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(360px, 1fr)); gap: 14px; }
.card { border: 1px solid var(--ut-border); border-radius: 8px; padding: 14px; min-width: 0; margin: 0; }
.card + .card { margin-top: 14px; }
.grid > .card + .card { margin-top: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
details > summary { cursor: pointer; color: var(--ut-muted); }
pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 36px; color: var(--ut-muted); font-size: 0.88rem; }
@media print { .card { break-inside: avoid; } }
"""


def document(title: str, lead: Sequence[str], sections: Sequence[tuple[str, str]]) -> str:
    """Returns the whole file: a title, pieces of HTML below it, and sections as (heading, HTML)."""
    font = base64.b64encode(_FONT.read_bytes()).decode()
    face = (
        "@font-face { font-family: InterVar; font-weight: 100 900; "
        f"src: url(data:font/woff2;base64,{font}) format('woff2'); }}"
    )
    style = "\n".join((face, theme.css(), (_APP / "style.css").read_text(encoding="utf-8"), _STYLE))
    body = "".join(f"<section><h2>{markup.text(name)}</h2>{content}</section>" for name, content in sections)
    made = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{markup.text(title)}</title><style>{style}</style><script>{get_plotlyjs()}</script></head>"
        f'<body class="stApp"><main class="ut"><h1>{markup.text(title)}</h1>{"".join(lead)}{body}'
        f"<footer>Written by Undertow on {markup.text(made)}.</footer></main></body></html>"
    )


def panels(shown: Sequence[Panel]) -> str:
    """Returns panels side by side, as many in a row as fit."""
    return f'<div class="grid">{"".join(panel(one) for one in shown)}</div>'


def panel(shown: Panel) -> str:
    """Returns a figure in a card with its note, its takeaway for who does not see it, and its numbers."""
    if shown.figure is None:
        return card(markup.head(shown.title), f"<p>{markup.text(shown.note)}</p>")
    figure = pio.to_html(
        shown.figure, config=canvas.CONFIG, include_plotlyjs=False, full_html=False, default_width="100%",
        default_height=f"{shown.figure.layout.height or 220}px",
    )  # fmt: skip
    drawn = f'<div role="img" aria-label="{markup.text(shown.alt)}">{figure}</div>'
    numbers = "" if shown.table is None else fold("Numbers", table(shown.table, says=shown.title))
    return card(markup.head(shown.title, shown.note), drawn, numbers)


def card(*pieces: str) -> str:
    """Returns pieces of HTML in a frame."""
    return f'<div class="card">{"".join(pieces)}</div>'


def fold(name: str, content: str) -> str:
    """Returns content that is opened by a click on its name."""
    return f"<details><summary>{markup.text(name)}</summary>{content}</details>"


def table(rows: DataFrame, *, says: str) -> str:
    """Returns a table that scrolls within itself where it is wider than the page; histograms are left out."""
    shown = rows.drop(columns=["histogram"], errors="ignore")
    return f'<div class="wide">{markup.table(shown, says=says)}</div>'
