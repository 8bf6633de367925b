"""A report as one HTML file that opens anywhere: charts, pictures and numbers are inside, nothing is fetched.

It is written from the same panels and tables as the pages, so the two cannot disagree. Always light, since it
is made to be sent and printed.
"""

import base64
import datetime
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy import ndarray
from pandas import DataFrame
from plotly.offline import get_plotlyjs

from app import canvas, gallery, markup, theme, wording
from app.panel import Panel

_APP = Path(__file__).parents[1]
_FONT = _APP / "static" / "inter-latin-wght-normal.woff2"
_SIDE = 96  # pixels of a picture
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
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(110px, 1fr)); gap: 10px; }
figure { margin: 0; min-width: 0; overflow-wrap: anywhere; font-size: 0.82rem; }
img { width: 100%; image-rendering: pixelated; border-radius: 6px; border: 1px solid var(--ut-border); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
details > summary { cursor: pointer; color: var(--ut-muted); }
pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 36px; color: var(--ut-muted); font-size: 0.88rem; }
@media print { .card { break-inside: avoid; } }
"""
_DRAW = """
for (const chart of document.querySelectorAll(".chart")) {
  const { data, layout } = JSON.parse(chart.firstElementChild.textContent);
  chart.replaceChildren();
  Plotly.newPlot(chart, data, { ...layout, width: undefined, autosize: true }, config);
}
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
        f"<footer>Written by Undertow on {markup.text(made)}.</footer></main>"
        f"<script>const config = {json.dumps({**canvas.CONFIG, 'responsive': True})};{_DRAW}</script>"
        "</body></html>"
    )


def panels(shown: Sequence[Panel]) -> str:
    """Returns panels side by side, as many in a row as fit."""
    return f'<div class="grid">{"".join(panel(one) for one in shown)}</div>'


def panel(shown: Panel) -> str:
    """Returns a figure in a card with its note, its takeaway for who does not see it, and its numbers."""
    if shown.figure is None:
        return card(markup.head(shown.title), f"<p>{markup.text(shown.note)}</p>")
    # As text, so that nothing in a name can end the script; drawn at the end, when all widths are known.
    drawing = (shown.figure.to_json() or "").replace("<", "\\u003c")
    height = shown.figure.layout.height or 220
    drawn = (
        f'<div class="chart" role="img" aria-label="{markup.text(shown.alt)}" style="height:{height}px">'
        f'<script type="application/json">{drawing}</script></div>'
    )
    numbers = "" if shown.table is None else fold("Numbers", table(shown.table, says=shown.title))
    return card(markup.head(shown.title, shown.note), drawn, numbers)


def pictures(images: ndarray | None, captioned: Sequence[tuple[int, str]]) -> str:
    """Returns samples as pictures with their ids and captions; images: (N, H, W, C) uint8, None without."""
    return f'<div class="pictures">{"".join(_picture(images, *one) for one in captioned)}</div>'


def _picture(images: ndarray | None, sample_id: int, caption: str) -> str:
    words = f"<figcaption><b>#{sample_id}</b> {markup.text(caption)}</figcaption>"
    if images is None:
        return f"<figure>{words}</figure>"
    content = base64.b64encode(gallery.sprite(np.asarray(images[sample_id : sample_id + 1]), _SIDE)).decode()
    return f'<figure><img src="data:image/webp;base64,{content}" alt="sample {sample_id}">{words}</figure>'


def card(*pieces: str) -> str:
    """Returns pieces of HTML in a frame."""
    return f'<div class="card">{"".join(pieces)}</div>'


def fold(name: str, content: str) -> str:
    """Returns content that is opened by a click on its name."""
    return f"<details><summary>{markup.text(name)}</summary>{content}</details>"


def table(rows: DataFrame, *, says: str) -> str:
    """Returns a table that scrolls within itself where it is wider than the page; histograms are left out."""
    shown = rows.drop(columns=["histogram"], errors="ignore")
    for name in shown.select_dtypes("float"):
        shown = shown.assign(**{str(name): shown[name].map(wording.number)})
    return markup.wide(markup.table(shown, says=says))
