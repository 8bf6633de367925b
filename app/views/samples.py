"""Samples: one sample's whole life, why it was kept or dropped, and what would have turned that.

What the person asked for by a link or a click is always shown; a list only says where the arrows lead.
"""

from functools import partial
from typing import Any

import streamlit as st
from pandas import DataFrame

from app import cached, canvas, cards, focus, gallery, links, markup, naming, picture, wording
from app.samples import history_charts, reasons, sample_life
from app.searching import augmented, lists
from app.searching import cards as searches
from store.run import Run

TITLE, ICON = "Samples", ":material/image_search:"

THUMBNAIL = 64  # pixels
_NUMBER = "samples_number"


def render() -> None:
    """Draws the page."""
    cards.header(
        TITLE, "One sample's whole life: its image, every signal by epoch, and why it was kept or dropped."
    )
    run = cards.run_with_epochs()
    if run is None:
        return
    last_epoch, count = run.last_epoch(), int(run.about()["n"])
    sample_id, epoch = _pick(run, count, last_epoch)
    history = cached.history(run, [sample_id])
    names = run.about().get("class_names", [])
    left, right = st.columns([1, 1.75], gap="small")
    with left:
        _portrait(run, history, names=names, epoch=epoch)
        _why(run, sample_id, epoch)
        _predictions(history, names, epoch)
    with right, st.container(border=True, height="stretch", gap="xsmall", key="card_life"):
        _life(history, epoch)
    with st.grid(2, gap="small", min_column_width=420):
        _chain(run, history, epoch)
        _neighbours(run, sample_id, names=names, epoch=epoch)
    augmented.show(run, history, epoch)


def _pick(run: Run, count: int, last_epoch: int) -> tuple[int, int]:
    """Draws the controls and returns the sample and the epoch that are looked at."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = lists.pick()
        controls = st.container(
            horizontal=True, vertical_alignment="bottom", gap="small", width="content", wrap=False
        )
        with st.container(width="stretch"):
            epoch = focus.pick_epoch(last_epoch)
    if source == lists.SEARCH:
        searches.search(run, count, epoch)
    elif source == lists.CURVE:
        searches.curve(run, count, epoch)
    ids = lists.listed(run, source, count)
    with controls:
        sample_id = _looked_at(run, ids, count)
        st.session_state[_NUMBER] = sample_id
        st.number_input("Sample", 0, count - 1, key=_NUMBER, on_change=_take_number, width=130)
        place = ids.index(sample_id) if sample_id in ids else -1
        _step(":material/chevron_left:", "K", ids, place - 1)
        _step(":material/chevron_right:", "J", ids, place + 1)
    if source == lists.SELECTION and not ids:
        st.caption("Nothing is selected. Drag a lasso on the map to step through its samples here.")
    elif source != lists.ALL and ids:
        where = wording.count(place + 1) if place >= 0 else "not one"
        st.caption(f"{where} of the {wording.count(len(ids))} in the list")
    return sample_id, epoch


def _looked_at(run: Run, ids: list[int] | range, count: int) -> int:
    """Returns the sample that was asked for, else the first of a new list, at first the top suspect."""
    asked = focus.sample(count)
    entered = lists.was_entered()
    if asked is None:
        asked = next(iter(lists.listed(run, lists.SUSPICIOUS, count)), 0)
    elif entered and ids and asked not in ids:
        asked = ids[0]
    st.session_state["sample"] = asked
    return asked


def _step(icon: str, key: str, ids: list[int] | range, place: int) -> None:
    inside = 0 <= place < len(ids)
    st.button(
        icon, key=f"samples_step_{key}", disabled=not inside, on_click=_take, shortcut=key,
        args=(ids[place] if inside else 0,), help=f"{'Next' if key == 'J' else 'Previous'} in the list",
    )  # fmt: skip


def _take(sample_id: int) -> None:
    st.session_state["sample"] = int(sample_id)


def _take_number() -> None:
    _take(st.session_state[_NUMBER])


def _portrait(run: Run, history: DataFrame, *, names: list[str], epoch: int) -> None:
    sample_id = int(history["sample_id"].iloc[0])
    facts = sample_life.facts(history, names, epoch)
    says = f"sample {sample_id}, labelled {facts['Label']}"
    with st.container(border=True, key="card_image"):
        shown = picture.picture(run, sample_id, says=says)
        cards.html(f'<div class="ut-portrait">{shown}{markup.facts(facts)}</div>')


def _life(history: DataFrame, epoch: int) -> None:
    cards.head(
        "Its life by epoch", f"Bold: in epoch {epoch}. Gaps: epochs that did not visit it.", table=history
    )
    st.plotly_chart(
        history_charts.life(history, cards.colors(), epoch=epoch),
        theme=None,
        config=canvas.CONFIG,
        height="stretch",
        key="chart_life",
        alt=f"Ten signals of the sample by epoch; kept in {int(history['selected'].sum())} of {len(history)}",
    )


def _why(run: Run, sample_id: int, epoch: int) -> None:
    why, config = cached.why(run, sample_id, epoch), run.config()
    with st.container(border=True, gap="xsmall", key="card_why"):
        cards.head(f"Why: {reasons.outcome(why).lower()}")
        st.markdown(reasons.reason(why, config))
        if wording.is_known(why.score):
            figure = history_charts.decision(
                cards.colors(),
                rarity=why.rarity,
                consistency=why.consistency,
                exponents=naming.exponents(config),
                cut=why.cut,
                kept=why.kept,
            )
            alt = f"Score {wording.number(why.score)} against the cut {wording.number(why.cut)}"
            st.plotly_chart(figure, theme=None, config=canvas.CONFIG, key="chart_why", alt=alt)
        if reasons.change(why):
            st.markdown(reasons.change(why))


def _chain(run: Run, history: DataFrame, epoch: int) -> None:
    config = run.config()
    settings = config.get("influence", {})
    chain = sample_life.chain(history, epoch, window=int(settings.get("window", 5)))
    with st.container(border=True, height="stretch", gap="xsmall", key="card_chain"):
        cards.head(
            "How its strength came about", hint="SADA, arXiv 2510.00434; window, average and scaling ours"
        )
        cards.html(markup.chain(sample_life.links(chain, newest_weight=settings.get("newest_weight", 0.9))))
        st.caption(sample_life.sentence(chain, config.get("policy", {}).get("kind")))


def _predictions(history: DataFrame, names: list[str], epoch: int) -> None:
    cards.chart(
        "Prediction by epoch",
        history_charts.predictions(history, cards.colors(), names=names, epoch=epoch),
        note="Dashed: the label it is trained with",
        alt="Predicted class in each epoch that visited the sample",
        table=history[["epoch", "prediction", "correct"]],
    )


def _neighbours(run: Run, sample_id: int, *, names: list[str], epoch: int) -> None:
    nearest = cached.neighbours(run, sample_id, epoch)
    drawn = [found for found in run.map_epochs() if found <= epoch]
    with st.container(border=True, height="stretch", gap="xsmall", key="card_neighbours"):
        cards.head("Nearest in feature space", table=nearest if len(nearest) else None)
        if nearest.empty:
            st.caption("No map up to this epoch holds this sample; neighbours are recorded with each map.")
            return
        label = int(cached.history(run, [sample_id])["label"].iloc[0])
        same = int((nearest["label"] == label).sum())
        st.caption(f"After epoch {drawn[-1]}: {same} of {len(nearest)} share its label. Click one to see it.")
        shown = gallery.gallery(run, nearest, partial(_class_of, names), epoch=epoch, width=THUMBNAIL)
        links.draw(shown, key="samples_neighbours")


def _class_of(names: list[str], row: Any) -> tuple[str]:
    return (sample_life.class_name(names, row.label),)
