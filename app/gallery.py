"""Thumbnails of many samples as one picture, each with its numbers and a link to its page.

One request brings them all: 200 thumbnails took 0.2 to 0.9 s as a sprite and 2.4 s as 200 images.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy import ndarray
from pandas import DataFrame
from PIL import Image

from store import judgements
from store.errors import RunIsForeign
from store.run import Run

MOST = 512  # samples a sprite
COLUMNS = 16  # thumbnails a row of the sprite
QUALITY = 90  # of WebP; small pictures of digits show ringing below

_STYLE = """<style>
.ut-gallery { display: grid; gap: 8px;
  grid-template-columns: repeat(auto-fill, minmax(var(--ut-cell), 1fr)); }
.ut-gallery a { color: inherit; text-decoration: none; min-width: 0; }
.ut-gallery a:hover b, .ut-gallery a:focus-visible b { text-decoration: underline; }
.ut-gallery i { display: block; aspect-ratio: 1; border: 1px solid var(--ut-border); border-radius: 6px;
  background-repeat: no-repeat; image-rendering: pixelated; margin-bottom: 3px; }
.ut-gallery span { display: block; font-size: 0.78rem; line-height: 1.35; color: var(--ut-muted);
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-variant-numeric: tabular-nums; }
.ut-gallery i { position: relative; }
.ut-gallery i[data-verdict]::after { content: attr(data-verdict); position: absolute; left: 3px; top: 3px;
  padding: 0 5px; border-radius: 4px; font: 600 0.68rem/1.5 InterVar, Inter, sans-serif;
  color: var(--ut-text); background: color-mix(in srgb, var(--ut-background) 85%, transparent);
  border: 1px solid var(--ut-border); }
.ut-gallery b { color: var(--ut-text); font: 600 0.78rem/1.35 JBMono, monospace; }
</style>"""


def gallery(
    run: Run,
    frame: DataFrame,
    caption: Callable[[Any], Sequence[str]],
    *,
    epoch: int | None = None,
    width: int = 56,
) -> str:
    """Returns the thumbnails of a frame's samples as HTML, in its order, at most MOST.

    frame: a row a sample with sample_id; caption: a row (a named tuple) to the lines below its thumbnail.
    epoch: at which a click shows the sample, None = the newest; width: of a thumbnail, at least. Every text
    is escaped here. Without thumbnails in the run the cells are their numbers alone.
    """
    if len(frame) > MOST:
        raise ValueError(f"a gallery must have at most {MOST} samples; got {len(frame)}")
    if frame.empty:
        return ""
    ids = [int(sample_id) for sample_id in frame["sample_id"]]
    address = "" if run.thumbnails() is None else sprite_address(run, ids)
    verdicts = _verdicts(run)
    looked_at = {"run": run.id} if epoch is None else {"run": run.id, "epoch": epoch}
    cells = [
        _cell(looked_at, place, count=len(ids), address=address, lines=[f"#{row.sample_id}", *caption(row)])
        for place, row in enumerate(frame.itertuples(index=False))
    ]
    cells = [_badged(cell, verdicts.get(sample_id)) for cell, sample_id in zip(cells, ids, strict=True)]
    return f'{_STYLE}<div class="ut-gallery" style="--ut-cell:{width}px">{"".join(cells)}</div>'


def sprite_address(run: Run, ids: Sequence[int], size: int = 64) -> str:
    """Returns where the server draws the thumbnails of these samples in one picture."""
    return f"/api/sprite/{run.id}.webp?" + urlencode({"ids": ",".join(map(str, ids)), "size": size, "v": 1})


def sprite(images: ndarray, size: int) -> bytes:
    """Returns thumbnails (n, H, W, C) uint8 side by side as one WebP, each at most size pixels a side."""
    count, height, width, channels = images.shape
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[:count] = images
    sheet = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    picture = Image.fromarray(sheet[..., 0] if channels == 1 else sheet).convert("RGB")
    share = min(size / max(height, width), 1)
    if share < 1:
        shrunk = (columns * round(width * share), rows * round(height * share))
        picture = picture.resize(shrunk, Image.Resampling.BOX)
    written = BytesIO()
    picture.save(written, "WEBP", quality=QUALITY, method=2)
    return written.getvalue()


def _verdicts(run: Run) -> dict[int, str]:
    """Returns what somebody said of the label of each judged sample; a damaged file is Noise's to tell."""
    try:
        return {sample_id: one.verdict for sample_id, one in judgements.judgements(run).items()}
    except RunIsForeign:
        return {}


def _badged(cell: str, verdict: str | None) -> str:
    """Returns a cell with the verdict on its image, where there is one."""
    if verdict is None:
        return cell
    spoken = cell.replace('" title="', f', judged {verdict}" title="', 1)
    return spoken.replace('<i role="img"', f'<i data-verdict="{verdict}" role="img"', 1)


def _cell(
    looked_at: Mapping[str, object], place: int, *, count: int, address: str, lines: Sequence[str]
) -> str:
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    row, column = divmod(place, columns)
    x, y = (100 * at / (of - 1) if of > 1 else 0 for at, of in ((column, columns), (row, rows)))
    style = (
        f"background-image:url('{html.escape(address)}');background-size:{100 * columns}% {100 * rows}%;"
        f"background-position:{x:.4f}% {y:.4f}%"
    )
    title, *rest = (html.escape(line) for line in lines)
    words = "".join(f"<span>{line}</span>" for line in rest)
    spoken = ", ".join((f"sample {title.removeprefix('#')}", *rest))
    link = "/samples?" + html.escape(urlencode({**looked_at, "sample": title.removeprefix("#")}))
    image = f'<i role="img" aria-hidden="true" style="{style}"></i>' if address else ""
    return (
        f'<a href="{link}" target="_self" aria-label="{spoken}" title="{spoken}">'
        f"{image}<b>{title}</b>{words}</a>"
    )
