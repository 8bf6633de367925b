"""Cost: what each group reached in its last epoch against what it spent, and how sure the differences are.

Accuracy is that of the last epoch, never the best one, which would be picked on the test set.
"""

from collections.abc import Sequence

import streamlit as st
from pandas import DataFrame

from app import cards, markup, wording
from app.ablations import bands, choices, cost_chart, differences, looks, measures
from app.ablations.groups import Group
from app.ablations.looks import Look
from app.ablations.measures import Measure
from app.panel import Panel
from app.studies import telling

TITLE = "Cost"


def render(groups: Sequence[Group]) -> None:
    """Draws the section."""
    offered = measures.offered(groups)
    outcomes = {key: offered[key] for key in differences.OUTCOMES if key in offered}
    if not outcomes:
        cards.empty(
            "Nobody measured an outcome",
            "Accuracy against cost appears here for runs with a test set or held-out samples "
            "(`--set validation=0.1`).",
        )
        return
    measure = _chart(groups, outcomes)
    _table(groups, list(outcomes.values()))
    _paired(groups, measure)


def _chart(groups: Sequence[Group], outcomes: dict[str, Measure]) -> Measure:
    """Draws outcome against cost and returns the outcome that was chosen."""
    top = st.columns(3, gap="medium")
    with top[0]:
        labels = {key: measure.label for key, measure in outcomes.items()}
        measure = outcomes[choices.selected("Outcome", "outcome", labels)]
    with top[1]:
        cost = choices.selected("Cost", "cost", {key: measures.AXIS_LABELS[key] for key in differences.COSTS})
    with top[2]:
        band = choices.selected("Band", "band", bands.BANDS)
    look = Look(cards.colors(), band, choices.pinned(groups))
    cards.panel(panel(groups, measure, look, cost=cost))
    return measure


def panel(groups: Sequence[Group], measure: Measure, look: Look, *, cost: str) -> Panel:
    """Returns what the groups reached in their last epoch against one of differences.COSTS."""
    x = measures.AXIS_LABELS[cost]
    points = differences.points(groups, measure.key, cost=cost, band=look.band)
    ends = points.loc[points["front"], "group"].tolist()
    return Panel(
        f"{measure.label} of the last epoch against {x.lower()}",
        cost_chart.costs(points, look.palette, measure=measure, x=x, colors=look.colors(groups)),
        note=f"{wording.capital(bands.MEANINGS[look.band])}, in both directions; {looks.seeds(groups)}. "
        "Dashed: Pareto front of the means (ours), no other group is both cheaper and better. "
        "Open: a run is not done",
        alt=f"{measure.label} against {x.lower()}; on the Pareto front: {', '.join(ends) or 'no group'}",
        table=points.drop(columns="key"),
    )


def _table(groups: Sequence[Group], outcomes: Sequence[Measure]) -> None:
    shown = differences.table(groups, outcomes)
    with st.container(border=True, gap="xsmall", key="card_groups"):
        cards.head(
            "Groups compared",
            differences.TABLE_NOTE,
            table=shown,
        )
        cards.html(
            markup.wide(
                markup.table(_unbroken(shown), says="Groups with what they reached and what they cost")
            )
        )
        if said := differences.verdict(groups):
            st.markdown(f"Test accuracy: {markup.markdown(said)}")
        elif len(groups) > 1:
            st.caption("No two groups have finished runs yet, so nothing is said about which one is better.")


def _paired(groups: Sequence[Group], measure: Measure) -> None:
    title = "Paired differences"
    with st.container(border=True, gap="xsmall", key="card_paired"):
        if len(groups) < 2:
            cards.head(title)
            st.caption("A difference needs two groups: choose another run or study above.")
            return
        names = {choices.token(group): group.name for group in groups}
        usual = choices.token(differences.usual_reference(groups))
        top = st.container()
        with st.container(width=420):
            chosen = choices.selected("Reference", "reference", names, default=usual)
        reference = next(group for group in groups if choices.token(group) == chosen)
        rows = differences.paired_table(groups, reference, measure)
        with top:
            cards.head(
                title,
                f"{measure.label} of the last epoch minus that of {reference.name}, seed by seed, finished "
                "runs only. 95 % interval of the mean difference (Student t)" + _warned(groups),
                table=rows,
            )
        cards.html(
            markup.wide(markup.table(_unbroken(rows), says=f"Differences to {reference.name} by seed"))
        )


def _unbroken(rows: DataFrame) -> DataFrame:
    """Returns a table whose cells but the first break at commas alone, so that numbers stay whole."""
    cells = {
        name: rows[name].astype(str).str.replace(r"(?<!,) ", "\N{NO-BREAK SPACE}", regex=True)
        for name in rows
    }
    return DataFrame({**cells, "Group": rows["Group"]})


def _warned(groups: Sequence[Group]) -> str:
    """Says of several comparisons which of their numbers are corrected."""
    return f". {telling.corrected(len(groups) - 1).removesuffix('.')}" if len(groups) > 2 else ""
