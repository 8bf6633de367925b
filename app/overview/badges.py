"""The diagnostics of a run as a person reads them: failures first and in full, all else folded into one line.

What was measured and fine is only counted until somebody unfolds it, because a list of twenty lines hides the
one that matters; what was not measured is never counted among the fine.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

from app import focus, links, markup, wording
from engine.diagnostics import Badge
from store.run import Run

_SEEN = {"map": "Map", "noise": "Noise", "samples": "Samples", "runs": "Runs"}
_COLORS = {"red": "bad", "green": "good", "unknown": "muted"}
_COUNTED = ("measured and fine", "not measured")
_SAYS = {"red": "failed", "green": "fine", "unknown": "not measured"}

STYLE = """<style>
.ut-badges { font-size: 0.93rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
.ut-badges ul { list-style: none; margin: 0; padding: 0; }
.ut-badges li { display: grid; grid-template-columns: 8px 13rem minmax(0, 1fr) 7rem;
  gap: 2px 12px; align-items: baseline; padding: 6px 0; border-top: 1px solid var(--ut-border); }
.ut-badges > ul:first-of-type > li:first-child { border-top: 0; }
.ut-badges i { width: 8px; height: 8px; border-radius: 50%; background: currentColor; }
.ut-badges i.ut-bad { color: var(--ut-bad); }
.ut-badges i.ut-good { color: var(--ut-good); }
.ut-badges i.ut-muted { color: var(--ut-muted); background: none;
  box-shadow: inset 0 0 0 1.5px currentColor; }
.ut-badges li > b { font-weight: 600; cursor: help; }
.ut-badges p { margin: 0; }
.ut-badges p b { font-weight: 600; }
.ut-badges small { color: var(--ut-muted); font-size: 0.82rem; white-space: nowrap; }
.ut-badges a { color: var(--ut-kept); font-size: 0.88rem; text-decoration: none; white-space: nowrap;
  text-align: right; }
.ut-badges a:hover, .ut-badges a:focus-visible { text-decoration: underline; }
.ut-badges summary { color: var(--ut-muted); cursor: pointer; padding: 6px 0; }
.ut-badges ul + details { border-top: 1px solid var(--ut-border); }
.ut-badges .ut-note { display: block; color: var(--ut-muted); }
@media (max-width: 900px) {
  .ut-badges li { grid-template-columns: 8px minmax(0, 1fr) auto; }
  .ut-badges li > p { grid-column: 2 / -1; grid-row: 2; }
}
</style>"""


def draw(run: Run, badges: Sequence[Badge], notes: Sequence[str]) -> None:
    """Draws the badges of a run and below them what its engine noted."""
    links.draw(STYLE + content(run, badges, notes), key="overview_badges")


def content(run: Run, badges: Sequence[Badge], notes: Sequence[str] = (), *, is_linked: bool = True) -> str:
    """Returns badges as HTML, the red ones in full, then the others in a fold; every text is escaped.

    is_linked: each says where in the app to see it.
    """
    red, green, unknown = _by_verdict(badges)
    counts = [f"{len(of)} {says}" for of, says in zip((green, unknown), _COUNTED, strict=True) if of]
    clear = "No known failure was found: " if green and not red else ""
    failed = "".join(_row(run, badge, is_linked=is_linked) for badge in red)
    others = "".join(_row(run, badge, is_linked=is_linked) for badge in (*green, *unknown))
    noted = "".join(f'<li class="ut-note">{markup.text(note)}</li>' for note in notes)
    listed = f"<ul>{failed}{noted}</ul>" if failed or noted else ""
    folded = (
        f"<details><summary>{clear}{' · '.join(counts)}</summary><ul>{others}</ul></details>"
        if others
        else ""
    )
    return f'<div class="ut-badges">{listed}{folded}</div>'


def address(run: Run, badge: Badge) -> str:
    """Returns where to see what a badge says: a card of this page, or a page with its samples selected."""
    page, _, card = badge.view.partition("#")
    if card:
        return f"#card_{card}"
    ids = ",".join(str(sample_id) for sample_id in badge.ids[: focus.IDS_IN_URL])
    return f"/{page}?{urlencode({'run': run.id} | ({'ids': ids} if ids else {}))}"


def _row(run: Run, badge: Badge, *, is_linked: bool) -> str:
    page = badge.view.partition("#")[0]
    seen = f"See on {_SEEN[page]}" if page in _SEEN else "See below"
    known = badge.verdict != "unknown"
    number = f"<b>{markup.text(badge.number)}</b> " if known else ""
    of = f" <small>n = {wording.count(badge.n)} {markup.text(badge.counted)}</small>" if known else ""
    link = (
        f'<a href="{markup.text(address(run, badge))}" target="_self" '
        f'aria-label="{markup.text(f"{badge.name}: {seen.lower()}")}">{seen}</a>'
    )
    return (
        f'<li><i class="ut-{_COLORS[badge.verdict]}" role="img" aria-label="{_SAYS[badge.verdict]}"></i>'
        f'<b title="{markup.text(_definition(badge))}">{markup.text(badge.name)}</b>'
        f"<p>{number}{markup.text(badge.sentence)}{of}</p>"
        f"{link if known and is_linked else '<span></span>'}</li>"
    )


def _definition(badge: Badge) -> str:
    return wording.capital(badge.definition)


def _by_verdict(badges: Sequence[Badge]) -> tuple[list[Badge], list[Badge], list[Badge]]:
    red, green, unknown = (
        [badge for badge in badges if badge.verdict == verdict] for verdict in ("red", "green", "unknown")
    )
    return red, green, unknown
