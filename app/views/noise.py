"""Noise: which labels look wrong, how sure that is, and which samples are rare instead of wrong.

Everything on the page is derived from one summary of the run, so that ranking, grades and table cannot
disagree.
"""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pandas import DataFrame

from app import (
    cached,
    cards,
    export,
    focus,
    gallery,
    links,
    markup,
    noise_charts,
    sample_life,
    suspects,
    wording,
)
from store.run import Run
from store.suspicion import SUSPECT_SIGNALS

TITLE, ICON = "Noise", ":material/label_off:"

TOP = 48
THUMBNAIL = 84  # pixels: room for two class names below
TABLE_ROWS = 500
POINTS = 4_000  # in a chart

# How each ranking is called, and what it ranks by.
RANKINGS = {
    "consistency": (
        "Consistency",
        "agreement of image and label by an image-text encoder; low is suspicious",
    ),
    "mean_margin": ("Mean margin (AUM)", "mean over epochs of the label's logit minus the best other; low"),
    "mean_confidence": ("Confidence", "mean over epochs of the label's probability; low is suspicious"),
    "mean_loss": ("Loss", "mean loss over epochs, in nats; high is suspicious"),
    "mean_rank": ("Mean rank", "mean of the ranks by the four others; low is suspicious"),
}
_WRITERS = {"CSV": (export.csv, "text/csv"), "Parquet": (export.parquet, "application/vnd.apache.parquet")}


def render() -> None:
    """Draws the page."""
    cards.header(
        TITLE, "Labels that look wrong, most suspicious first. Click an image to see its whole life."
    )
    run = cards.run_with_epochs()
    if run is None:
        return
    by, epoch = _controls(run)
    summary = cached.summary(run, epoch)
    ranked = suspects.ranked(summary, by)
    if ranked.empty:
        cards.empty(
            f"No sample has a {RANKINGS[by][0].lower()} yet",
            "Choose another ranking: this one was not measured up to this epoch.",
        )
        return
    _gallery(run, ranked, by=by, epoch=epoch)
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, height="stretch", gap="xsmall", key="card_detection"):
        _detection(summary, by)
    with right, st.container(border=True, height="stretch", gap="xsmall", key="card_quadrant"):
        _quadrant(run, summary, ranked["sample_id"], epoch=epoch)
    _table(run, ranked, by=by, epoch=epoch)


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


def _gallery(run: Run, ranked: DataFrame, *, by: str, epoch: int) -> None:
    names, top = run.about().get("class_names", []), ranked.head(TOP)

    def caption(row: Any) -> tuple[str, ...]:
        label = sample_life.class_name(names, row.label)
        other = row.suggested_label
        looks = "" if pd.isna(other) else f" → {sample_life.class_name(names, other)}"
        lines = (f"{label}{looks}", wording.number(getattr(row, by)))
        return lines if pd.isna(row.flipped) else (*lines, "flipped" if row.flipped else "label is right")

    title = f"Top {len(top)} suspects"
    if top["flipped"].notna().any():
        title += f": {wording.plural(int(top['flipped'].sum()), 'has', 'have')} a flipped label"
    with st.container(border=True, gap="xsmall", key="card_suspects"):
        cards.head(title, f"By {RANKINGS[by][1]}. Label → last prediction, where that is another class.")
        links.draw(gallery.gallery(run, top, caption, epoch=epoch, width=THUMBNAIL), key="noise_gallery")


def _detection(summary: DataFrame, by: str) -> None:
    title = "How well this ranking finds flipped labels"
    grades = suspects.grades(summary)
    here = grades[by]
    if not here.flipped:
        cards.head(title)
        st.caption(
            "No label of this data is known to be wrong, so no ranking can be graded here: the images above "
            "are suspects, not findings. Train with noise at a known rate to grade the rankings."
        )
        return
    precision, auroc = wording.number(here.average_precision), wording.number(here.auroc)
    amounts = f"{wording.count(here.flipped)} flipped of n = {wording.count(here.n)}"
    curve = suspects.precision_recall(summary, by)
    cards.head(title, f"AUROC {auroc}, average precision {precision}; {amounts}", table=curve)
    shown = suspects.thinned(curve, most=POINTS)
    figure = noise_charts.precision_recall(shown, cards.colors(), share=here.flipped / here.n, top=TOP)
    alt = f"Precision against recall; average precision {precision}"
    st.plotly_chart(figure, theme=None, key="chart_precision_recall", alt=alt)
    rows = {
        "Ranking": [RANKINGS[signal][0] for signal in grades],
        "AUROC": [wording.number(grade.auroc) for grade in grades.values()],
        "Average precision": [wording.number(grade.average_precision) for grade in grades.values()],
    }
    cards.html(markup.table(DataFrame(rows), says="Grades of all rankings", chosen=list(grades).index(by)))


def _quadrant(run: Run, summary: DataFrame, most_suspicious: "pd.Series[int]", *, epoch: int) -> None:
    samples = summary[["sample_id", "consistency"]].assign(
        rarity=summary["last_rarity"], flipped=suspects.is_flipped(summary)
    )
    known = samples.dropna(subset=["rarity", "consistency"])
    drawn = suspects.drawable(known, most_suspicious.head(TABLE_ROWS), most=POINTS)
    amount = f"n = {wording.count(len(known))} samples with both values"
    if len(drawn) < len(known):
        amount += (
            f"; drawn are the {TABLE_ROWS} most suspicious and {wording.count(POINTS - TABLE_ROWS)} at random"
        )
    cards.head("Rare or noisy?", f"{amount}. Click one to see its whole life.", table=samples)
    if known.empty:
        st.caption("Rarity and consistency are not both known yet.")
        return
    event = st.plotly_chart(
        noise_charts.quadrant(drawn, cards.colors()), theme=None, on_select="rerun", selection_mode="points",
        key=f"chart_quadrant_{run.id}_{epoch}", alt="Rarity against consistency of every sample",
    )  # fmt: skip
    _open(run, [int(point["customdata"]) for point in event["selection"]["points"]])


def _table(run: Run, ranked: DataFrame, *, by: str, epoch: int) -> None:
    table = export.suspects(ranked, by=by, run_id=run.id, config=run.config(), epoch=epoch)
    listed = table.head(TABLE_ROWS)
    amount = f"n = {wording.count(len(table))}, up to epoch {epoch}; {wording.count(len(listed))} are listed."
    with st.container(border=True, gap="xsmall", key="card_suspect_table"):
        with st.container(horizontal=True, vertical_alignment="center"):
            cards.html(markup.head("All suspects", f"{amount} Pick a row to see its whole life."))
            for name, (write, mime) in _WRITERS.items():
                st.download_button(
                    name, data=partial(write, table), mime=mime, key=f"suspects_{name}", on_click="ignore",
                    file_name=f"suspects-{run.id}.{name.lower()}", icon=":material/download:",
                )  # fmt: skip
        event = st.dataframe(
            _shown(listed, run.about().get("class_names", [])), hide_index=True, height=320,
            on_select="rerun", selection_mode="single-row",
            key=f"suspects_{run.id}_{run.data_version()}_{by}_{epoch}", column_config=_columns(),
            alt="Suspects, most suspicious first",
        )  # fmt: skip
        _open(run, [int(listed["sample_id"].iloc[row]) for row in event["selection"]["rows"]])


def _shown(table: DataFrame, names: list[str]) -> DataFrame:
    """Returns the table as it is listed: with names of classes, without what is equal in all rows."""
    shown = table.drop(columns=["ranked_by", "epoch", "run", "config"])
    labels = ["label", "suggested_label", "true_label"]
    if shown["true_label"].isna().all():
        shown = shown.drop(columns=labels.pop())
    return shown.assign(**{name: shown[name].map(partial(_named, names)) for name in labels})


def _named(names: list[str], label: Any) -> str:
    return sample_life.class_name(names, None if pd.isna(label) else label)


def _columns() -> dict[str, Any]:
    whole = {"rank": "Rank", "sample_id": "Sample"}
    words = {"label": "Label", "suggested_label": "Suggested", "true_label": "True label"}
    return {
        **{name: st.column_config.NumberColumn(word, format="%d") for name, word in whole.items()},
        **{name: st.column_config.TextColumn(word) for name, word in words.items()},
        **{
            signal: st.column_config.NumberColumn(name, help=meaning, format="%.3f")
            for signal, (name, meaning) in RANKINGS.items()
        },
    }


def _open(run: Run, sample_ids: list[int]) -> None:
    if sample_ids:
        focus.go("samples", run=run.id, sample=sample_ids[0])
