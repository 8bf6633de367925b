"""Run overview: how one run went, epoch by epoch, and what of it is worth a look.

It reads the small tables of metrics and quantiles alone, so it opens as fast for a million samples as for a
thousand.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import streamlit as st
from pandas import DataFrame

from app import cached, cards, focus, live, markup, naming, wording
from app.exporting import of_run
from app.overview import badges, run_facts, run_panels
from app.panel import Panel
from app.runs import cost
from app.studies import reading
from store.run import Run
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
    live.follow([run])
    config, metrics = run.config(), cached.metrics(run)
    top, slider = st.columns([1.6, 1], gap="large", vertical_alignment="bottom")
    with slider:
        epoch = focus.pick_epoch(int(metrics["epoch"].iloc[-1]))
    with top:
        cards.html(markup.state(run.status().state), " ", markup.chips(naming.chips(config)))
    if run.status().state in ("failed", "lost") and run.status().message:
        st.error(markup.sentence(run.status().message))
    mates = reading.mates(run) if config.get("study") else []
    _headline(run, metrics, mates)
    card = st.container(border=True, gap="xsmall", key="card_worth_a_look")
    with card:
        cards.head("Worth a look", "Known failures of the methods, from the log; each name says on hover how")
    with st.grid(3, gap="small", min_column_width=290):
        for panel in _panels(run, metrics, epoch):
            cards.panel(panel)
    found = cached.badges(run, [mate for mate in mates if mate.id != run.id])  # a long history takes a moment
    with card:
        badges.draw(run, found, run.about().get("notes", []))
    run_facts.draw(run, found, report=partial(of_run.report, run))


def _headline(run: Run, metrics: DataFrame, mates: Sequence[Run]) -> None:
    last = metrics.iloc[-1]
    tested = metrics["test_accuracy"].dropna().to_list()
    accuracy = tested[-1] if tested else float("nan")
    spent = cost.cost(metrics, samples=run.about().get("n"), full=_full_run(mates))
    gained = wording.points(accuracy - tested[-2]) if len(tested) > 1 else None
    against = f"Back-propagated samples saved against {spent.against}"
    with st.grid(4, gap="small", min_column_width=180):
        _number("Test accuracy", wording.percent(accuracy), (gained, "since the test before"))
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


def _full_run(mates: Sequence[Run]) -> DataFrame | None:
    """Returns the metrics of the run on everything in the same study."""
    configs = {mate.id: mate.config() for mate in mates}
    return cost.full_run(configs, {mate.id: cached.metrics(mate) for mate in mates})


def _panels(run: Run, metrics: DataFrame, epoch: int) -> Iterator[Panel]:
    """Yields the charts of the page in order; none is asked for before those above it are drawn."""
    palette = cards.colors()
    yield from run_panels.learning(metrics, palette, samples=run.about().get("n"), epoch=epoch)
    yield run_panels.noise(cached.kept_noise(run), palette, config=run.config(), epoch=epoch)
    stats = {signal: cached.epoch_stats(run, signal) for signal in ("strength", "variance")}
    yield from run_panels.augmentation(stats, metrics, palette, epoch=epoch)
    yield from run_panels.engine_room(metrics, palette, epoch=epoch)


def _meaning(name: str) -> str:
    declared = column("metrics", name)
    return f"{declared.meaning}; {declared.when}"
