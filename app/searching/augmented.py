"""What a sample looked like to the net: views drawn by the engine at the strength of an epoch.

The engine draws in a process of its own, once a sample and epoch for every strength, so that the slider
answers at once.
"""

from functools import partial
from typing import Any, NamedTuple

import streamlit as st
from pandas import DataFrame

from app import cards, launch, markup, naming, wording
from engine.operations import OPERATIONS
from store.run import Run, default_root, find_run

KEPT_ANSWERS = 32
_WANTED, _ON = "samples_views", "samples_views_on"
_HINT = (
    "The engine's own augmentation: one operation at the strength, then crop and flip, with the ranges of "
    "augmentation.ranges of the run. Strength: 0 none to 1 full (arXiv 2510.00434; ranges ours)"
)

_STYLE = """<style>
.ut-views { display: grid; gap: 8px; grid-template-columns: repeat(12, minmax(0, 1fr)); }
@media (max-width: 900px) { .ut-views { grid-template-columns: repeat(6, minmax(0, 1fr)); } }
.ut-views figure { margin: 0; min-width: 0; }
.ut-views i { display: block; aspect-ratio: 1; border: 1px solid var(--ut-border); border-radius: 6px;
  background: var(--strip) no-repeat; background-size: 1200% 100%; image-rendering: pixelated; }
.ut-views .ut-own i { outline: 2px solid var(--ut-kept); outline-offset: 1px; }
.ut-views figcaption { font-size: 0.78rem; line-height: 1.35; color: var(--ut-muted); margin-top: 3px;
  overflow-wrap: anywhere; }
.ut-views .ut-own figcaption { color: var(--ut-text); font-weight: 600; }
</style>"""


class EngineSilent(RuntimeError):
    """The engine could not draw."""


class Visit(NamedTuple):
    """The epoch whose chance and strength views are drawn with; strength None where none was used."""

    epoch: int
    strength: float | None
    operation: int | None  # as logged, a place in OPERATIONS


def visit(history: DataFrame, epoch: int) -> Visit:
    """Returns the visit to show: that of the epoch, else the last before, else the first after.

    history: epochs of one sample in order. An epoch that dropped the sample used no strength.
    """
    used = history[history["selected"].fillna(False).astype(bool) & history["strength"].notna()]
    if used.empty:
        return Visit(epoch, None, None)
    before = used[used["epoch"] <= epoch]
    row = before.iloc[-1] if len(before) else used.iloc[0]
    operation = None if row["operation"] != row["operation"] else int(row["operation"])
    return Visit(int(row["epoch"]), float(row["strength"]), operation)


def show(run: Run, history: DataFrame, epoch: int) -> None:
    """Draws the card. history: epochs of the sample in order."""
    with st.container(border=True, gap="xsmall", key="card_views"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            cards.head("What the net saw", hint=_HINT)
            st.space("stretch")
            st.session_state.setdefault(_WANTED, st.session_state.get(_ON, False))
            if naming.is_tracked(run.config()):
                wanted = None
            else:
                wanted = st.toggle("Let the engine draw", key=_WANTED, on_change=_remember)
        if wanted is None:
            st.caption(
                "The program that trained this run augmented the images itself, so the engine cannot draw "
                "what the net saw; the strengths that it logged stand above."
            )
        elif not wanted:
            st.caption(
                "Twelve views of the image as the engine augments it for training appear here, at the "
                "strength of the epoch or any other. Turn it on; a sample takes a second or two."
            )
        else:
            _views(run, int(history["sample_id"].iloc[0]), visit(history, epoch), epoch)


@st.fragment
def _views(run: Run, sample_id: int, seen: Visit, epoch: int) -> None:
    """Draws the views at a strength that a slider chooses; its move runs this part of the page alone."""
    try:
        with st.spinner("The engine draws …"):
            answer = _drawn(run.id, sample_id, seen)
    except EngineSilent as failure:
        st.caption(f"The engine could not draw this sample: {markup.markdown(failure)}")
        return
    strength = _strength(answer["strengths"], sample_id, seen)
    strip = answer["strips"][answer["strengths"].index(strength)]
    st.caption(said(seen, epoch, strength=strength, operations=answer["operations"]))
    is_seen = strength == seen.strength and _is_logged(seen, answer["operations"])
    cards.html(_pictures(strip, answer["operations"], first=f"epoch {seen.epoch}" if is_seen else ""))


def said(seen: Visit, epoch: int, *, strength: float, operations: list[str]) -> str:
    """Returns what the views are: which of them training saw, and where the strength comes from."""
    at, others = f"epoch {seen.epoch}", len(operations) - 1
    if seen.strength is None:
        return (
            f"No epoch trained on it, so none of these views was seen; strength {wording.number(strength)}."
        )
    dropped = f"Epoch {epoch} dropped it; {at} is its nearest visit. " if seen.epoch != epoch else ""
    if not _is_logged(seen, operations):
        logged = wording.UNKNOWN if seen.operation is None else _words(OPERATIONS[seen.operation])
        return (
            f"{dropped}Draws at its strength; none is known to be the one trained on: the log says that {at} "
            f"drew {logged}, this version of the engine draws {_words(operations[0])}."
        )
    if strength != seen.strength:
        return (
            f"{dropped}At strength {wording.number(strength)} instead of the {wording.number(seen.strength)} "
            f"of {at}: none of these was trained on. The first has the chance of {at}."
        )
    return (
        f"{dropped}The first is the view that {at} trained on, at strength {wording.number(strength)}: its "
        "chance follows from seed, epoch and sample, and the operation is the logged one. The other "
        f"{others} are new draws at that strength, which training never saw."
    )


def _is_logged(seen: Visit, operations: list[str]) -> bool:
    return seen.operation is not None and OPERATIONS[seen.operation] == operations[0]


def _strength(strengths: list[float], sample_id: int, seen: Visit) -> float:
    """Draws the slider over the strengths that were drawn, the visit's own marked, and returns its place."""
    own = seen.strength
    chosen = st.select_slider(
        "Strength",
        sorted(set(strengths)),
        value=0.5 if own is None else own,
        format_func=partial(_mark, seen),
        key=f"samples_strength_{sample_id}_{seen.epoch}",
    )
    return float(chosen)


def _mark(seen: Visit, strength: float) -> str:
    is_own = strength == seen.strength
    return f"{wording.number(strength)} · epoch {seen.epoch}" if is_own else f"{strength:g}"


def _pictures(strip: str, operations: list[str], *, first: str) -> str:
    """Returns the views with their operations; first: its mark, "" for none."""
    cells = []
    for place, operation in enumerate(operations):
        is_own = place == 0 and bool(first)
        name = f"{first} {_words(operation)}" if is_own else _words(operation)
        shift = 100 * place / (len(operations) - 1)
        cells.append(
            f'<figure class="{"ut-own" if is_own else ""}" title="{markup.text(name)}">'
            f'<i role="img" aria-label="view, {markup.text(name)}" '
            f'style="background-position:{shift:.4f}% 0"></i>'
            f"<figcaption>{markup.text(name)}</figcaption></figure>"
        )
    source = f"url(data:image/webp;base64,{markup.text(strip)})"
    return f'{_STYLE}<div class="ut-views" style="--strip:{source}">{"".join(cells)}</div>'


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _drawn(run_id: str, sample_id: int, seen: Visit) -> dict[str, Any]:
    run = find_run(default_root(), run_id)
    words = ["-m", "engine.draws", str(run.folder), str(sample_id), str(seen.epoch)]
    if seen.strength is not None:
        words.append(f"--strength={seen.strength!r}")
    answer = launch.ask_engine(*words)
    if "error" in answer:
        raise EngineSilent(answer["error"])
    return answer


def _words(operation: str) -> str:
    return operation.replace("_", " ")


def _remember() -> None:
    st.session_state[_ON] = st.session_state[_WANTED]
