"""Run overview: how one run went, epoch by epoch, and what of it is worth a look.

It reads the small tables of metrics and quantiles alone, so it opens as fast for a million samples as for a
thousand.
"""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st
from pandas import DataFrame

from app import agreement, badges, cached, cards, charts, cost, focus, markup, naming, run_facts, wording
from store.errors import RunIsForeign
from store.run import Run, default_root, find_runs
from store.schema import column

TITLE, ICON = "Run overview", ":material/monitoring:"


def render() -> None:
    """Draws the page."""
    run = focus.run()
    title = naming.run_title(run.config()) if run else TITLE
    cards.header(markup.markdown(title), "How the run went, epoch by epoch, and what of it is worth a look.")
    run = cards.run_with_epochs()
    if run is None:
        return
    config, metrics = run.config(), cached.metrics(run)
    top, slider = st.columns([1.6, 1], gap="large", vertical_alignment="bottom")
    with slider:
        epoch = focus.pick_epoch(int(metrics["epoch"].iloc[-1]))
    with top:
        cards.html(markup.state(run.status().state), " ", markup.chips(naming.chips(config)))
    if run.status().state in ("failed", "lost") and run.status().message:
        st.error(markup.sentence(run.status().message))
    mates = _mates(run)
    _headline(run, metrics, mates)
    card = st.container(border=True, gap="xsmall", key="card_worth_a_look")
    with card:
        cards.head("Worth a look", "Known failures of the methods, from the log; each name says on hover how")
    with st.grid(3, gap="small", min_column_width=290):
        _learning(run, metrics, epoch)
        _noise(run, epoch)
        _augmentation(run, metrics, epoch)
        _engine_room(metrics, epoch)
    found = cached.badges(run, [mate for mate in mates if mate.id != run.id])  # a long history takes a moment
    with card:
        badges.draw(run, found, run.about().get("notes", []))
    run_facts.draw(run, found)


def _headline(run: Run, metrics: DataFrame, mates: Sequence[Run]) -> None:
    last = metrics.iloc[-1]
    before = metrics["test_accuracy"].iloc[-2] if len(metrics) > 1 else float("nan")
    spent = cost.cost(metrics, samples=run.about().get("n"), full=_full_run(mates))
    gained = wording.points(last["test_accuracy"] - before) if wording.is_known(before) else None
    against = f"Back-propagated samples saved against {spent.against}"
    with st.grid(4, gap="small", min_column_width=180):
        _number("Test accuracy", wording.percent(last["test_accuracy"]), (gained, "in the last epoch"))
        share = wording.percent(last["kept_share"])
        _number("Kept in the last epoch", wording.count(last["kept"]), (share, "of all samples"))
        spent_samples = wording.count(spent.backpropagated)
        _number("Saved", wording.percent(spent.saved), (spent_samples, "back-propagated"), hint=against)
        each = wording.duration(spent.seconds / spent.epochs)
        _number("Time", wording.duration(spent.seconds), (each, "an epoch"), hint=_meaning("seconds"))


def _number(name: str, value: str, beside: tuple[str | None, str], *, hint: str | None = None) -> None:
    """Draws one number of the header with another one below it and what that is of."""
    meanings = {"Test accuracy": "test_accuracy", "Kept in the last epoch": "kept"}
    number, of = beside
    st.metric(
        name, value, number, border=True, height="stretch", help=hint or _meaning(meanings[name]),
        delta_color="off", delta_arrow="off", delta_description=of if number else None,
    )  # fmt: skip


def _mates(run: Run) -> list[Run]:
    """Returns the readable runs of the same study, this one among them; none without a study."""
    name = run.config().get("study")
    mates = []
    for mate in find_runs(default_root()) if name else ():
        with suppress(RunIsForeign):  # Runs says which one is damaged
            if mate.config().get("study") == name:
                cached.metrics(mate)
                mates.append(mate)
    return mates


def _full_run(mates: Sequence[Run]) -> DataFrame | None:
    """Returns the metrics of the run on everything in the same study."""
    configs = {mate.id: mate.config() for mate in mates}
    return cost.full_run(configs, {mate.id: cached.metrics(mate) for mate in mates})


def _learning(run: Run, metrics: DataFrame, epoch: int) -> None:
    colors, last = cards.colors(), metrics.iloc[-1]
    cards.chart(
        "Loss",
        charts.losses(metrics, colors, epoch=epoch),
        note="Training loss is of the kept samples on their augmented views",
        alt=f"Loss by epoch; test loss ends at {wording.number(last['test_loss'])}",
        table=metrics,
    )
    cards.chart(
        "Accuracy",
        charts.accuracies(metrics, colors, epoch=epoch),
        note="Training accuracy is against the labels, wrong ones included",
        alt=f"Accuracy by epoch; test accuracy ends at {wording.percent(last['test_accuracy'])}",
        table=metrics,
    )
    cards.chart(
        "Kept samples",
        charts.kept_shares(metrics, colors, epoch=epoch),
        note=f"Share of all n = {wording.count(run.about().get('n'))} samples that each epoch trained on",
        alt=f"Kept share by epoch; {wording.percent(last['kept_share'])} in the last",
        table=metrics,
    )


def _noise(run: Run, epoch: int) -> None:
    noise = cached.kept_noise(run).dropna(subset=["share_noisy_all"])
    title = "Flipped labels among the kept"
    if noise.empty:
        with st.container(border=True, height="stretch", key="card_no_noise"):
            cards.head(title)
            remedy = "Add noise at a known rate to see whether the selection keeps or drops it: "
            remedy += "`undertow train --set noise.kind=symmetric`."
            if naming.is_tracked(run.config()):
                remedy = "Give the tracker `true_labels` where you know them."
            st.caption(f"Nobody knows the true labels of this data. {remedy}")
        return
    last = noise.iloc[-1]
    cards.chart(
        title,
        charts.kept_noise(noise, cards.colors(), epoch=epoch),
        note="Below the dashed line the selection drops more wrong labels than chance",
        alt=f"{wording.percent(last['share_noisy_kept'])} of the kept labels are flipped in the last epoch, "
        f"{wording.percent(last['share_noisy_all'])} in the data",
        table=noise,
    )


def _augmentation(run: Run, metrics: DataFrame, epoch: int) -> None:
    strength = cached.epoch_stats(run, "strength")
    _bands("strength", strength, epoch)
    _histogram("strength", strength, epoch)
    _bands("variance", cached.epoch_stats(run, "variance"), epoch, more=agreement.sentence(metrics))


def _bands(signal: str, stats: DataFrame, epoch: int, *, more: str = "") -> None:
    declared = column("history", signal)
    known = stats.dropna(subset=["q50"])
    median = wording.number(known["q50"].iloc[-1]) if len(known) else wording.UNKNOWN
    fewest, most = (wording.count(known["n"].agg(which)) for which in ("min", "max"))
    n = f"n = {most if fewest == most else f'{fewest} to {most}'}" if len(known) else "No sample has one yet"
    cards.chart(
        f"{declared.label} by epoch",
        charts.quantile_bands(stats, cards.colors(), signal=signal, epoch=epoch),
        note=". ".join(filter(None, (f"{n}; {declared.direction}", more))),
        alt=f"{declared.label} by epoch as quantile bands; the median ends at {median}",
        table=stats,
    )


def _histogram(signal: str, stats: DataFrame, epoch: int) -> None:
    declared = column("history", signal)
    title = f"{declared.label} in epoch {epoch}"
    now = stats[(stats["epoch"] == epoch) & (stats["n"] > 0)]
    if now.empty:
        with st.container(border=True, height="stretch", key=f"card_no_histogram_{signal}"):
            cards.head(title)
            st.caption(f"No sample has a {declared.label.lower()} in this epoch.")
        return
    row = now.iloc[0]
    cards.chart(
        title,
        charts.histogram(row, cards.colors(), signal=signal),
        note=f"n = {wording.count(row['n'])}; median {wording.number(row['q50'])}",
        alt=f"Histogram of {declared.label.lower()} in epoch {epoch}, median {wording.number(row['q50'])}",
    )


def _engine_room(metrics: DataFrame, epoch: int) -> None:
    colors = cards.colors()
    seconds = metrics["seconds"]
    cards.chart(
        "Time per epoch",
        charts.times(metrics, colors, epoch=epoch),
        note=f"{wording.duration(seconds.mean())} an epoch on average, split by what it was spent on",
        alt=f"Seconds per epoch, split by what they were spent on; {wording.duration(seconds.sum())} in all",
        table=metrics[["epoch", "seconds", *charts.TIME_COLUMNS]],
    )
    cards.chart(
        "Can neighbours and map be trusted?",
        charts.index_health(metrics, colors, epoch=epoch),
        note="Neighbour recall: share of the true ones found. Map trustworthiness: scikit-learn's, "
        "weighted by rank; 1 = all neighbours on the map are true",
        alt="Recall of the neighbour index and trustworthiness of the maps by epoch",
        table=metrics[["epoch", "recall", "map_trust", "map_movement"]],
    )


def _meaning(name: str) -> str:
    declared = column("metrics", name)
    return f"{declared.meaning}; {declared.when}"
