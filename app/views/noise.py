"""Noise: which labels look wrong, how sure that is, and which samples are rare instead of wrong.

Everything on the page is derived from one summary of the run, so that ranking, grades and table cannot
disagree.
"""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pandas import DataFrame

from app import cached, cards, focus, gallery, links, markup, wording
from app.exporting import export, kept_download, table_buttons
from app.noise import corrections_card, grading_cards, quadrant_card, rankings, suspects, triage, triage_card
from app.noise.rankings import RANKINGS
from app.noise.suspects import Findings
from app.samples import sample_life
from store import judgements, queries
from store.judgements import Judgement
from store.questions.suspicion import SUSPECT_SIGNALS
from store.run import Run, default_root, find_run

TITLE, ICON = "Noise", ":material/label_off:"

TOP = 48
THUMBNAIL = 84  # pixels: room for two class names below
NAME_WIDTH = 120  # pixels of a column of long class names, which would push numbers off the screen
ONE_LINE = 11  # characters of two class names that fit below a thumbnail; longer ones take a line each
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"  # keeps the line of a sample without another class
TABLE_ROWS = 500
POINTS = 2_000  # in a chart
SKELETON = 480  # pixels that are reserved while a large run is summarised


def render() -> None:
    """Draws the page."""
    cards.header(
        TITLE, "Labels that look wrong, most suspicious first. Click an image to see its whole life."
    )
    run = cards.run_with_epochs()
    if run is None:
        return
    by, epoch = _controls(run)
    with st.skeleton(height=SKELETON):
        found = _findings(run.id, run.data_version(), by, epoch)
    if not found.amount:
        cards.empty(
            f"No sample has a {RANKINGS[by][0].lower()} yet",
            "Choose another ranking: this one was not measured up to this epoch.",
        )
        return
    st.fragment(_judging)(run, found, by=by, epoch=epoch)
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, height="stretch", gap="xsmall", key="card_detection"):
        grading_cards.now(found, by, top=TOP)
    with right, st.container(border=True, height="stretch", gap="xsmall", key="card_quadrant"):
        quadrant_card.draw(run, found, epoch=epoch, drawn=(TABLE_ROWS, POINTS))
    grading_cards.by_epoch(run, found, epoch=epoch)
    kept_download.draw(run)


def _judging(run: Run, found: Findings, *, by: str, epoch: int) -> None:
    """Draws what a verdict changes; a fragment, so that a key is answered without the rest of the page."""
    judged = triage_card.draw(run, found.listed.head(TOP), epoch=epoch)
    _gallery(run, found, by=by, epoch=epoch)
    corrections_card.draw(run)
    _table(run, found, by=by, epoch=epoch, judged=judged)


@st.cache_data(max_entries=16, show_spinner=False)
def _findings(run_id: str, version: str, by: str, epoch: int) -> Findings:  # noqa: ARG001 - part of the key
    summary = cached.summary(find_run(default_root(), run_id), epoch, suspects.COLUMNS)
    return suspects.findings(summary, by, rows=TABLE_ROWS, points=POINTS)


def _controls(run: Run) -> tuple[str, int]:
    """Draws the ranking and the epoch, and returns both."""
    names = {RANKINGS[signal][0]: signal for signal in SUSPECT_SIGNALS}
    meanings = "  \n".join(f"**{name}**: {meaning}" for name, meaning in RANKINGS.values())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chosen = st.segmented_control(
            "Rank by", list(names), default=RANKINGS["mean_rank"][0], required=True, key="noise_by",
            persist_state="session", help=meanings,
        )  # fmt: skip
        with st.container(width="stretch"):
            epoch = focus.pick_epoch(run.last_epoch())
    return names[str(chosen)], epoch


def _gallery(run: Run, found: Findings, *, by: str, epoch: int) -> None:
    names, top = run.about().get("class_names", []), found.listed.head(TOP)
    is_short = sum(sorted(map(len, names))[-2:]) <= ONE_LINE

    def caption(row: Any) -> tuple[str, ...]:
        label = sample_life.class_name(names, row.label)
        other = row.suggested_label
        looks = "" if pd.isna(other) else f"→ {sample_life.class_name(names, other)}"
        classes = (f"{label} {looks}".rstrip(),) if is_short else (label, looks or NO_BREAK_SPACE)
        lines = (*classes, wording.number(getattr(row, by)))
        return lines if pd.isna(row.flipped) else (*lines, "flipped" if row.flipped else "label is right")

    title = f"Top {len(top)} suspects"
    if top["flipped"].notna().any():
        title += f": {wording.plural(int(top['flipped'].sum()), 'has', 'have')} a flipped label"
    with st.container(border=True, gap="xsmall", key="card_suspects"):
        by_what = rankings.meaning(by, found.averaged)
        cards.head(title, f"By {by_what}. Label → last prediction, where that is another class.")
        links.draw(gallery.gallery(run, top, caption, epoch=epoch, width=THUMBNAIL), key="noise_gallery")


def _table(run: Run, found: Findings, *, by: str, epoch: int, judged: dict[int, Judgement]) -> None:
    amount = f"n = {wording.count(found.amount)}, up to epoch {epoch}; {len(found.listed)} are listed."
    with st.container(border=True, gap="xsmall", key="card_suspect_table"):
        with st.container(horizontal=True, vertical_alignment="center"):
            cards.html(markup.head("All suspects", f"{amount} Pick a row to see its whole life."))
            table_buttons.draw(
                f"suspects-{run.id}", partial(_all_suspects, run, by=by, epoch=epoch), key="suspects"
            )
        names = run.about().get("class_names", [])
        event = st.dataframe(
            _shown(found.listed, names, judged), hide_index=True, height=320,
            on_select="rerun", selection_mode="single-row", column_config=_columns(names),
            key=f"suspects_{run.id}_{run.data_version()}_{by}_{epoch}", alt="Suspects, most suspicious first",
        )  # fmt: skip
        _open(run, [int(found.listed["sample_id"].iloc[row]) for row in event["selection"]["rows"]])


def _all_suspects(run: Run, *, by: str, epoch: int) -> DataFrame:
    ranked = suspects.ranked(queries.summary(run, epoch, columns=suspects.COLUMNS), by)
    ranked = triage.with_verdicts(ranked, judgements.judgements(run))
    return export.suspects(ranked, by=by, run_id=run.id, config=run.config(), epoch=epoch)


def _shown(table: DataFrame, names: list[str], judged: dict[int, Judgement]) -> DataFrame:
    """Returns the table as listed: with names of classes, without signals that nobody measured."""
    shown = table[list(export.COLUMNS)]
    labels = ["label", "suggested_label", "true_label"]
    if shown["true_label"].isna().all():
        shown = shown.drop(columns=labels.pop())
    shown = shown.drop(columns=[signal for signal in RANKINGS if shown[signal].isna().all()])
    shown = shown.assign(**{name: shown[name].map(partial(_named, names)) for name in labels})
    if judged:
        said = [triage.verdict(judged.get(int(sample_id)), names) for sample_id in shown["sample_id"]]
        shown.insert(2, "verdict", said)
    return shown


def _named(names: list[str], label: Any) -> str:
    return sample_life.class_name(names, None if pd.isna(label) else label)


def _columns(names: list[str]) -> dict[str, Any]:
    width = NAME_WIDTH if any(len(name) > ONE_LINE for name in names) else None
    whole = {"rank": "Rank", "sample_id": "Sample"}
    words = {
        "verdict": "Verdict",
        "label": "Label",
        "suggested_label": "Other prediction",
        "true_label": "True label",
    }
    return {
        **{name: st.column_config.NumberColumn(word, format="%d") for name, word in whole.items()},
        **{name: st.column_config.TextColumn(word, width=width) for name, word in words.items()},
        "verdict": st.column_config.TextColumn("Verdict", width=NAME_WIDTH),
        **{
            signal: st.column_config.NumberColumn(name, help=meaning, format="%.3f")
            for signal, (name, meaning) in RANKINGS.items()
        },
    }


def _open(run: Run, sample_ids: list[int]) -> None:
    if sample_ids:
        focus.go("samples", run=run.id, sample=sample_ids[0])
