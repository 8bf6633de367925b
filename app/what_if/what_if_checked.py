"""Predicted against actual: what the launched runs really kept, beside what seeds alone and chance give.

A Jaccard index says little by itself: two runs that differ in nothing but their seed also keep different
samples, and that is the most that a prediction from another run's log can be asked for.
"""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st
from pandas import DataFrame, concat

from app import cached, canvas, cards, live, markup, naming, overlap, wording
from app.studies.members import Member
from app.what_if import what_if_charts
from engine.config import InvalidConfig, RunConfig, parse
from store import predictions
from store.errors import RunIsForeign
from store.predictions import Prediction
from store.run import Run, default_root, find_runs

MATES = 5  # runs of other seeds that are compared at most

_COLUMNS = ["name", "kind", "epoch", "jaccard"]


class Checked(NamedTuple):
    """A launched run, what it was expected to keep, and how that compares by epoch."""

    run: Run
    prediction: Prediction
    agreed: DataFrame  # epoch, jaccard, chance


def draw(member: Member, base: RunConfig) -> None:
    """Draws the card of the runs that were launched from this one, anew while any of them trains."""
    found, _ = launched(member.run)
    is_live = any(not one.run.status().is_over for one in found)
    st.fragment(_draw, run_every=live.LIVE_SECONDS if is_live else None)(member, base)


def _draw(member: Member, base: RunConfig) -> None:
    found, damaged = launched(member.run)
    for sentence in damaged:
        st.error(markup.markdown(sentence), icon=":material/error:")
    if not found:
        cards.empty(
            "No run was launched from here yet",
            "Once one is, it appears here with the Jaccard index of the samples it was expected to keep and "
            "those it kept, epoch by epoch.",
        )
        return
    seeds = by_seeds(member.run, base, sorted({epoch for one in found for epoch in one.prediction.kept}))
    table, curves = _table(found, seeds), _curves(found, seeds)
    with st.container(border=True, gap="xsmall", key="card_what_if_checked"):
        n = seeds["name"].nunique()
        cards.head(
            "Predicted against actual",
            f"Jaccard = shared / all of the set predicted from this run's log and the set the run kept; "
            f"n = {wording.plural(len(found), 'run')}. Seeds alone: this run against "
            f"{wording.plural(n, 'run')} of the same settings with another seed. Chance: two random sets of "
            "these sizes, by expected overlap (ours). A run with this run's seed agrees by construction "
            "until its features part from this run's.",
            table=curves,
        )
        cards.html(markup.table(table, says="Predicted against actual kept sets"))
        _chart(curves, max(max(one.prediction.kept) for one in found))


def _chart(curves: DataFrame, last_epoch: int) -> None:
    predicted = curves[curves["kind"] == "predicted"]
    if predicted.empty:
        return
    st.plotly_chart(
        what_if_charts.agreement(curves, cards.colors(), last_epoch=last_epoch), theme=None,
        config=canvas.CONFIG, key="chart_what_if_agreement",
        alt=f"Mean Jaccard of predicted and kept: {wording.number(predicted['jaccard'].mean())}",
    )  # fmt: skip


def launched(base: Run) -> tuple[list[Checked], list[str]]:
    """Returns the runs that were predicted from this one, oldest first, and what is wrong with others."""
    found, damaged = [], []
    for run in reversed(find_runs(default_root())):
        try:
            prediction = predictions.read(run)
            if prediction is not None and prediction.base == base.id:
                found.append(Checked(run, prediction, _agreed(run, prediction)))
        except RunIsForeign as error:
            damaged.append(str(error))
    return sorted(found, key=_as_queued), damaged


def by_seeds(base: Run, config: RunConfig, epochs: Sequence[int]) -> DataFrame:
    """Returns name, epoch and jaccard of a run's kept sets and those of the same settings, other seeds.

    Epochs that trained on all samples are left out.
    """
    own, samples = cached.kept_sets(base, epochs), int(base.about().get("n") or 0)
    rows = []
    for mate in _mates(base, config)[:MATES]:
        theirs = cached.kept_sets(mate, epochs)
        rows += [
            (mate.id, epoch, overlap.jaccard_of_ids(own[epoch], theirs[epoch]))
            for epoch in epochs
            if epoch in own and epoch in theirs and min(len(own[epoch]), len(theirs[epoch])) < samples
        ]
    return DataFrame(rows, columns=["name", "epoch", "jaccard"])


def _mates(base: Run, config: RunConfig) -> list[Run]:
    """Returns the runs that differ from this one in nothing but seed, name and study, newest first."""
    key, mates = naming.method_key(config.model_dump(mode="json")), []
    for run in find_runs(default_root()):
        try:
            other = parse(run.config())
        except (InvalidConfig, RunIsForeign):
            continue
        if other.seed != config.seed and naming.method_key(other.model_dump(mode="json")) == key:
            mates.append(run)
    return [run for run in mates if run.last_epoch() >= 0 and run.id != base.id]


def _agreed(run: Run, prediction: Prediction) -> DataFrame:
    """Returns epoch, jaccard and chance of the predicted epochs that the run has and that drop samples."""
    actual = cached.kept_sets(run, list(prediction.kept)) if run.last_epoch() >= 0 else {}
    rows = [
        (
            epoch,
            overlap.jaccard_of_ids(ids, actual[epoch]),
            float(overlap.by_chance(len(ids), len(actual[epoch]), prediction.of)),
        )
        for epoch, ids in sorted(prediction.kept.items())
        if epoch in actual and min(len(ids), len(actual[epoch])) < prediction.of
    ]
    return DataFrame(rows, columns=["epoch", "jaccard", "chance"])


def _as_queued(one: Checked) -> tuple[str, int]:
    """Orders runs by the second in which they were queued, then by seed."""
    return one.run.id[:15], int(one.run.config().get("seed") or 0)


def _titles(found: Sequence[Checked]) -> dict[str, str]:
    return naming.run_titles({one.run.id: one.run.config() for one in found})


def _table(found: Sequence[Checked], seeds: DataFrame) -> DataFrame:
    titles, rows = _titles(found), []
    for one in found:
        epoch = one.prediction.epoch
        here = one.agreed[one.agreed["epoch"] == epoch]
        done = f"{one.run.last_epoch() + 1} of {one.run.config().get('epochs')} epochs"
        rows.append(
            {
                "Run": titles[one.run.id],
                "State": f"{one.run.status().state}, {done}",
                "Epoch": wording.count(epoch),
                "Predicted": wording.count(len(one.prediction.kept[epoch])),
                "Jaccard": wording.number(here["jaccard"].mean()),
                "Mean over epochs": wording.number(one.agreed["jaccard"].mean()),
                "Seeds alone": wording.number(seeds.loc[seeds["epoch"] == epoch, "jaccard"].mean()),
                "Chance": wording.number(here["chance"].mean()),
            }
        )
    return DataFrame(rows)


def _curves(found: Sequence[Checked], seeds: DataFrame) -> DataFrame:
    titles = _titles(found)
    frames = [one.agreed.assign(name=titles[one.run.id], kind="predicted") for one in found]
    if len(seeds):
        alone = seeds.groupby("epoch", as_index=False)["jaccard"].mean()
        frames.append(alone.assign(name="seeds alone", kind="seeds"))
    chance = concat([one.agreed for one in found]).groupby("epoch")["chance"].mean()
    values = {"epoch": chance.index.to_numpy(), "jaccard": chance.to_numpy()}
    frames.append(DataFrame(values).assign(name="chance", kind="chance"))
    filled = [frame[_COLUMNS] for frame in frames if len(frame)]
    return concat(filled, ignore_index=True) if filled else DataFrame(columns=_COLUMNS)
