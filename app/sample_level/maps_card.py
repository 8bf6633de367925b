"""The maps of a run of A and a run of B side by side: one epoch, one scale of colours, one selection.

Each run has its own feature space, so a place on one map says nothing about the other; what carries over is
which samples are near each other, and therefore a lasso in one map shows its samples in the other.
"""

import streamlit as st

import app.map as epoch_map
from app import cached, cards, focus, markup, wording
from app.ablations import choices
from app.map import keyframes, taking
from app.map.keyframes import Keyframes
from app.sample_level.sides import Sides
from store import schema
from store.run import Run

_KEYS = ("map_a", "map_b")
_PAIR = "ablations"
_FIRST_COLOUR = "label"
_KEPT = {"off": "Plain", "ring": "Ringed", "dim": "Dropped dimmed"}


def draw(sides: Sides) -> None:
    """Draws the card."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        runs = _pick_runs(sides)
        colours = keyframes.colourings(len(sides.class_names))
        first = _FIRST_COLOUR if _FIRST_COLOUR in colours else next(iter(colours))
        names = {name: column.label for name, column in colours.items()}
        colour = choices.selected("Colour by", "colour", names, default=first)
        kept = choices.segmented("Kept samples", "kept", _KEPT)
    frames = [keyframes.keyframes(run, run.data_version()) for run in runs]
    if not all(found.epochs for found in frames):
        cards.empty(
            "No map has been recorded of both",
            "Maps are drawn every few epochs while a run trains; `maps.every` of it says how often.",
        )
        return
    for found, key in zip(frames, _KEYS, strict=True):
        taking.take_moment(key)
        taking.take_choice(found, key)
    _maps(sides, runs, frames, colour=colour, kept=kept)
    _selected(runs, min(focus.epoch(sides.epoch), sides.epoch))


def _pick_runs(sides: Sides) -> list[Run]:
    """Returns a run of each group: of the seed that is chosen where they share seeds, else the first."""
    shared = {str(seed): f"seed {seed}" for seed in sides.shared_seeds}
    if not shared:
        return [group.members[0].run for group in (sides.one, sides.other)]
    seed = choices.selected("Runs of", "seed", shared)
    return [
        next(member.run for member in group.members if str(member.config.get("seed")) == seed)
        for group in (sides.one, sides.other)
    ]


def _maps(sides: Sides, runs: list[Run], frames: list[Keyframes], *, colour: str, kept: str) -> None:
    colourings = keyframes.on_one_scale(runs, colour)
    groups = (sides.one, sides.other)
    epoch = focus.epoch(sides.epoch)
    for place, column in enumerate(st.columns(2, gap="small")):
        name, group = "AB"[place], groups[place]
        dot = f'<span style="color:{sides.colors[place]}">●</span>'
        with column:
            words = f"{name}: {group.name}, seed {_seed(sides, runs[place])}"
            cards.html(f'<div class="ut-head"><h3>{dot} {markup.text(words)}</h3></div>')
            scene = epoch_map.Scene(
                epoch, focus.selection(), kept=kept, mark="off", serial=taking.answered(_KEYS[place]),
                pair=_PAIR, has_bar=place == 0,
            )  # fmt: skip
            epoch_map.show(
                runs[place], frames=frames[place], colouring=colourings[place], scene=scene, key=_KEYS[place]
            )
    st.caption(
        "One slider for both. A lasso in one map shows the same samples in the other; places and distances "
        f"of one say nothing about the other. n = {wording.count(len(frames[0].ids))} and "
        f"{wording.count(len(frames[1].ids))} samples."
    )


def _seed(sides: Sides, run: Run) -> object:
    return next(member.config.get("seed") for member in sides.members if member.run == run)


def _selected(runs: list[Run], epoch: int) -> None:
    """Says what is selected and what each run made of it in the epoch."""
    ids = focus.selection()
    if not ids:
        st.caption("Nothing is selected. Drag a lasso around points to compare what the runs make of them.")
        return
    said = []
    for name, run in zip("AB", runs, strict=True):
        rows = cached.epoch_rows(run, epoch, ["selected", "confidence"], ids)
        kept = rows["selected"].astype("boolean").fillna(False).mean()
        confidence = wording.number(float(rows["confidence"].mean()))
        said.append(f"{name} keeps {wording.percent(float(kept))} of them, mean confidence {confidence}")
    label = schema.column("history", "confidence").meaning
    st.markdown(
        f"**{wording.plural(len(ids), 'sample')} selected.** In epoch {epoch} {'; '.join(said)}.",
        help=f"Confidence: {label}; of those that the epoch visited.",
    )
