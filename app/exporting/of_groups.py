"""The report of a comparison: the verdict, then curves, cost, differences by seed, settings and runs."""

from collections.abc import Sequence

from pandas import DataFrame

from app import markup, theme, wording
from app.ablations import bands, costs, curves, differences, looks, measures, settings, unfair
from app.ablations.groups import Group, grouped
from app.ablations.looks import Look
from app.ablations.measures import Measure
from app.exporting import document, export
from app.studies.members import Member

_BAND = next(iter(bands.BANDS))


def report(title: str, members: Sequence[Member]) -> str:
    """Returns the report of several runs, grouped by everything but their seed, as one HTML file.

    Raises ValueError where none of them has recorded an epoch.
    """
    groups = looks.briefly(grouped(members))
    if not groups:
        raise ValueError("a report needs a run with at least one epoch; none of these has one yet")
    return document.document(
        title,
        [_verdict(groups)],
        [
            ("Curves and cost", _charts(groups)),
            ("Paired differences", _differences(groups)),
            ("Settings in which the groups differ", _settings(groups)),
            ("Runs", document.card(document.table(_runs(groups), says="Runs compared"))),
        ],
    )


def _verdict(groups: Sequence[Group]) -> str:
    outcomes = _outcomes(groups)
    said = differences.verdict(groups) or "One group, or no finished runs of two: nothing is compared."
    table = document.table(differences.table(groups, outcomes), says="Groups with what they reached and cost")
    return document.card(
        f"<p><b>{markup.text(said)}</b></p>", markup.head("Groups compared", differences.TABLE_NOTE), table
    )


def _charts(groups: Sequence[Group]) -> str:
    outcome = _outcomes(groups)[0]
    look = Look(theme.LIGHT, _BAND, [group.key for group in groups])
    return "".join(
        document.panel(one)
        for one in (
            curves.panel(groups, outcome, look, axis="epoch"),
            curves.panel(groups, outcome, look, axis="backpropagated"),
            costs.panel(groups, outcome, look, cost="backpropagated"),
        )
    )


def _differences(groups: Sequence[Group]) -> str:
    if len(groups) < 2:
        return document.card("<p>A difference needs two groups.</p>")
    reference = differences.usual_reference(groups)
    tables = [
        markup.head(f"{outcome.label} minus that of {reference.name}, seed by seed")
        + document.table(differences.paired_table(groups, reference, outcome), says=outcome.label)
        for outcome in _outcomes(groups)
    ]
    return document.card(*tables)


def _settings(groups: Sequence[Group]) -> str:
    warned = "".join(f"<li>{markup.text(said)}</li>" for said in unfair.sentences(groups).values())
    rows = settings.compared(groups).drop(columns="Differs")
    return document.card(f"<ul>{warned}</ul>" if warned else "", document.table(rows, says="Settings"))


def _runs(groups: Sequence[Group]) -> DataFrame:
    return DataFrame(
        [
            {
                "Group": group.name,
                "Run": member.run.id,
                "Seed": member.config.get("seed", wording.UNKNOWN),
                "State": member.status.state,
                "Epochs": len(member.metrics),
                "Settings": export.config_digest(member.config),
            }
            for group in groups
            for member in group.members
        ]
    )


def _outcomes(groups: Sequence[Group]) -> list[Measure]:
    offered = measures.offered(groups)
    known = [offered[key] for key in differences.OUTCOMES if key in offered]
    return known or list(offered.values())[:1]
