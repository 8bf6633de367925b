"""Noise: which labels look wrong, how sure that is, and which samples are rare instead of wrong."""

from typing import Any

import streamlit as st
from pandas import DataFrame

from app import cached, cards, export, focus, gallery, markup, noise_charts, sample_life, wording
from store.queries import SUSPECT_SIGNALS
from store.run import Run

TITLE, ICON = "Noise", ":material/label_off:"

TOP = 48
TABLE_ROWS = 500
_EVERYTHING = 10_000_000

# How each ranking is called, and what it ranks by.
RANKINGS = {
    "consistency": ("Consistency", "agreement of image and label by an image-text encoder; low = suspicious"),
    "mean_margin": (
        "Mean margin (AUM)",
        "mean over epochs of the label's logit minus the best other; low = suspicious",
    ),
    "mean_confidence": ("Confidence", "mean probability of the label over epochs; low = suspicious"),
    "mean_loss": ("Loss", "mean loss over epochs, nats; high = suspicious"),
    "mean_rank": ("Mean rank", "mean of the four ranks; low = suspicious"),
}


def render() -> None:
    """Draws the page."""
    cards.header(
        TITLE, "Labels that look wrong, most suspicious first. Click an image to see its whole life."
    )
    run = cards.run_with_epochs()
    if run is None:
        return
    by, epoch = _controls(run)
    ranked = cached.suspects(run, by, _EVERYTHING, epoch)
    if ranked.empty:
        cards.empty(
            f"No sample has a {RANKINGS[by][0].lower()} yet",
            "Choose another ranking: this run did not measure this one up to this epoch.",
        )
        return
    names = run.about().get("class_names", [])
    _gallery(run, ranked, by=by, names=names)
    left, right = st.columns(2, gap="small")
    with left:
        _detection(run, by, epoch)
    with right:
        _quadrant(run, epoch)
    _table(run, ranked, by=by, epoch=epoch)


def _controls(run: Run) -> tuple[str, int]:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        words = {RANKINGS[signal][0]: signal for signal in SUSPECT_SIGNALS}
        chosen = st.segmented_control(
            "Rank by", list(words), default=RANKINGS["mean_rank"][0], required=True, key="noise_by",
            persist_state="session", help="  \n".join(f"**{name}**: {meaning}" for name, meaning in RANKINGS.values()),
        )  # fmt: skip
        with st.container(width="stretch"):
            epoch = focus.pick_epoch(run.last_epoch())
    return words[chosen], epoch


def _gallery(run: Run, ranked: DataFrame, *, by: str, names: list[str]) -> None:
    top = ranked.head(TOP).assign(suggested=export.suggested(ranked), flipped=export.is_flipped(ranked))

    def caption(row: Any) -> tuple[str, ...]:
        label = sample_life.class_name(names, row.label)
        looks = sample_life.class_name(names, row.suggested)
        lines = (
            f"{label} → {looks}",
            f"{RANKINGS[by][0].split(' (')[0].lower()} {wording.number(getattr(row, by))}",
        )
        known = row.flipped is True or row.flipped is False
        return (*lines, "flipped" if row.flipped else "label is right") if known else lines

    found = int(top["flipped"].fillna(False).sum())
    known = top["flipped"].notna().any()
    with st.container(border=True, gap="xsmall", key="card_suspects"):
        cards.head(
            f"Top {len(top)} suspects: {found} have a flipped label" if known else f"Top {len(top)} suspects",
            f"By {RANKINGS[by][1]}. Label → last prediction, where it is another class.",
        )
        cards.html(gallery.gallery(run, top, caption))


def _detection(run: Run, by: str, epoch: int) -> None:
    title = "How well this ranking finds flipped labels"
    if not cached.noise_known(run):
        with st.container(border=True, height="stretch", key="card_no_truth"):
            cards.head(title)
            st.caption(
                "Nobody knows which labels of this data are wrong, so no ranking can be graded here: the images above "
                "are suspects, not findings. Train with noise at a known rate to grade the rankings."
            )
        return
    curve = cached.precision_recall(run, by, epoch)
    found = {signal: cached.detection(run, signal, epoch) for signal in SUSPECT_SIGNALS}
    here = found[by]
    with st.container(border=True, height="stretch", gap="xsmall", key="card_detection"):
        cards.head(
            title,
            f"AUROC {wording.number(here.auroc)}, average precision {wording.number(here.average_precision)}; "
            f"{wording.count(here.n_noisy)} flipped of n = {wording.count(here.n)}",
            table=curve,
        )
        figure = noise_charts.precision_recall(
            curve, cards.colors(), share=here.n_noisy / max(here.n, 1), top=TOP
        )
        st.plotly_chart(
            figure, theme=None, key="chart_precision_recall",
            alt=f"Precision against recall; average precision {wording.number(here.average_precision)}",
        )  # fmt: skip
        grades = DataFrame(
            {
                "Ranking": [RANKINGS[signal][0] for signal in found],
                "AUROC": [wording.number(grade.auroc) for grade in found.values()],
                "Average precision": [wording.number(grade.average_precision) for grade in found.values()],
            }
        )
        cards.html(markup.table(grades, says="Grades of all rankings", chosen=list(found).index(by)))


def _quadrant(run: Run, epoch: int) -> None:
    summary = cached.summary(run, epoch)
    samples = summary[["sample_id", "consistency"]].assign(
        rarity=summary["last_rarity"], flipped=export.is_flipped(summary)
    )
    known = samples.dropna(subset=["rarity", "consistency"])
    with st.container(border=True, height="stretch", gap="xsmall", key="card_quadrant"):
        cards.head(
            "Rare or noisy?",
            f"n = {wording.count(len(known))} samples with both values. Click one to see its whole life.",
            table=samples,
        )
        if known.empty:
            st.caption("Rarity and consistency are not both known yet.")
            return
        event = st.plotly_chart(
            noise_charts.quadrant(known, cards.colors()), theme=None, on_select="rerun", selection_mode="points",
            key=f"chart_quadrant_{run.id}_{epoch}", alt="Rarity against consistency of every sample",
        )  # fmt: skip
        _open(run, [int(point["customdata"]) for point in _points(event)])


def _table(run: Run, ranked: DataFrame, *, by: str, epoch: int) -> None:
    table = export.suspects(ranked, by=by, run_id=run.id, config=run.config(), epoch=epoch)
    with st.container(border=True, gap="xsmall", key="card_suspect_table"):
        with st.container(horizontal=True, vertical_alignment="center"):
            cards.html(
                markup.head(
                    "All suspects", f"n = {wording.count(len(table))}, up to epoch {epoch}; the first "
                    f"{wording.count(min(TABLE_ROWS, len(table)))} are listed. Pick a row to see its whole life."
                )
            )  # fmt: skip
            for name, write, mime in (
                ("CSV", export.csv, "text/csv"),
                ("Parquet", export.parquet, "application/octet-stream"),
            ):
                st.download_button(
                    name, data=lambda write=write: write(table), file_name=f"suspects-{run.id}.{name.lower()}",
                    mime=mime, key=f"suspects_{name}", on_click="ignore", icon=":material/download:",
                )  # fmt: skip
        event = st.dataframe(
            _shown(table.head(TABLE_ROWS)), hide_index=True, on_select="rerun", selection_mode="single-row",
            height=320, key=f"suspects_{run.id}_{run.data_version()}_{by}_{epoch}", column_config=_columns(),
            alt="Suspects, most suspicious first",
        )  # fmt: skip
        _open(run, [int(table["sample_id"].iloc[row]) for row in event.selection.rows])


def _shown(table: DataFrame) -> DataFrame:
    shown = table.drop(columns=["ranked_by", "epoch", "run", "config"])
    return shown.drop(columns="true_label") if shown["true_label"].isna().all() else shown


def _columns() -> dict[str, Any]:
    numbers = {
        signal: st.column_config.NumberColumn(name, help=meaning, format="%.3f")
        for signal, (name, meaning) in RANKINGS.items()
    }
    words = {
        "rank": "Rank",
        "sample_id": "Sample",
        "label": "Label",
        "suggested_label": "Suggested",
        "true_label": "True",
    }
    return {
        **{name: st.column_config.NumberColumn(word, format="%d") for name, word in words.items()},
        **numbers,
    }


def _points(event: Any) -> list[dict[str, Any]]:
    return list(event.selection.points) if event else []


def _open(run: Run, sample_ids: list[int]) -> None:
    if sample_ids:
        focus.go("samples", run=run.id, sample=sample_ids[0])
