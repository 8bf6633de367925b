"""Where wrong labels are known: how well a ranking finds them, in one epoch and by epoch."""

import streamlit as st
from pandas import DataFrame

from app import cached, canvas, cards, markup, wording
from app.noise import noise_charts, rankings
from app.noise.suspects import Findings
from store.run import Run

_MEASURES = {"average_precision": "Average precision by epoch", "auroc": "AUROC by epoch"}


def now(found: Findings, by: str, *, top: int) -> None:
    """Draws precision against recall of the chosen ranking, and the grades of all; top: k that is marked."""
    title = "How well this ranking finds flipped labels"
    here = found.grades[by]
    if not here.flipped:
        cards.head(title)
        st.caption(
            "No label of this data is known to be wrong, so no ranking can be graded here: the images above "
            "are suspects, not findings. Train with noise at a known rate to grade the rankings."
        )
        return
    precision, auroc = wording.number(here.average_precision), wording.number(here.auroc)
    amounts = f"{wording.count(here.flipped)} flipped of n = {wording.count(here.n)}"
    cards.head(title, f"AUROC {auroc}, average precision {precision}; {amounts}", table=found.curve)
    share = here.flipped / here.n
    figure = noise_charts.precision_recall(found.curve, cards.colors(), share=share, top=top)
    alt = f"Precision against recall; average precision {precision}"
    st.plotly_chart(figure, theme=None, key="chart_precision_recall", config=canvas.CONFIG, alt=alt)
    rows = {
        "Ranking": [rankings.name(signal) for signal in found.grades],
        "AUROC": [wording.number(grade.auroc) for grade in found.grades.values()],
        "Average precision": [wording.number(grade.average_precision) for grade in found.grades.values()],
    }
    chosen = list(found.grades).index(by)
    cards.html(markup.table(DataFrame(rows), says="Grades of all rankings", chosen=chosen))


def by_epoch(run: Run, found: Findings, *, epoch: int) -> None:
    """Draws the grades of every ranking by epoch once somebody opens them; nothing where none is graded."""
    if not any(grade.flipped for grade in found.grades.values()):
        return
    opened = st.expander("Grades of every ranking by epoch", key="noise_by_epoch", on_change="rerun")
    if not opened.open:
        return
    with opened:
        grades = cached.detections(run)
        names = {signal: rankings.name(signal) for signal in rankings.RANKINGS}
        epochs = sorted({int(one) for one in grades["epoch"]})
        amount = (
            f"n = {wording.count(float(grades['n'].max()))}, {wording.plural(len(epochs), 'epoch')} graded"
        )
        with st.grid(2, gap="small", min_column_width=420):
            for measure, title in _MEASURES.items():
                table = grades.pivot_table(index="epoch", columns="signal", values=measure).reset_index()
                cards.chart(
                    title,
                    noise_charts.grades_by_epoch(
                        grades, cards.colors(), measure=measure, names=names, epoch=epoch
                    ),
                    note=f"{amount}; each by its means over the epochs up to there",
                    alt=_takeaway(grades, measure),
                    table=table,
                )


def _takeaway(grades: DataFrame, measure: str) -> str:
    last = grades[grades["epoch"] == grades["epoch"].max()].dropna(subset=[measure])
    if last.empty:
        return "No ranking has a grade yet"
    best = last.loc[last[measure].idxmax()]
    return f"{rankings.name(best['signal'])} ends highest, at {wording.number(best[measure])}"
