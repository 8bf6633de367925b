"""The card of the samples that differ beyond the noise floor of the seeds, the false finds bounded."""

from typing import Any

import numpy as np
import streamlit as st
from numpy import ndarray
from pandas import DataFrame

from app import cards, focus, gallery, links, markup, wording
from app.ablations import choices
from app.exporting import table_buttons
from app.sample_level import differing
from app.sample_level.moderated import Moderated, NoSpread
from app.sample_level.sides import Sides
from app.studies.verdicts import SEEDS_FOR_A_VERDICT
from store.questions import comparing

TOP = 24
THUMBNAIL = 92  # pixels: room for both sides' numbers
TABLE_ROWS = 500
RATES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3)  # of false finds
DEFAULT_RATE = 0.05
_SLIDER = "pick_fdr"

_METHOD = (
    "Difference of the means over seeds by a moderated t test: each sample's variance over seeds is drawn "
    "towards the usual one of all samples (Smyth 2004, limma), which counts no more than its own seeds (ours)"
    ". q: the share of false finds among all samples up to this one (Benjamini and Hochberg 1995). Comparing "
    "samples so is ours. Samples of one net are not independent of each other, which the test takes them "
    "for, so seeds are also exchanged between the groups; 3 seeds each can be in 9 ways, hence that check "
    "alone is never surer than 1 in 10."
)


def draw(sides: Sides) -> None:
    """Draws the card."""
    with st.container(border=True, gap="xsmall", key="card_differing"):
        head = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            measure, rate, is_centred = _controls(sides)
        found = _test(sides, measure, is_centred=is_centred)
        with head:
            cards.head("Which samples differ beyond the seeds", _note(sides, found, measure), hint=_METHOD)
        if found is None:
            return
        rows = differing.listed(sides, found, measure, max(TABLE_ROWS, _finds(found, rate)))
        ways = differing.exchanged(sides, measure, rate, is_centred=is_centred)
        st.markdown(sentence(found, rate, ways, seeds=min(sides.one.n, sides.other.n)))
        _gallery(sides, rows.head(TOP), measure=measure)
        _table(sides, rows, measure)


def sentence(found: Moderated, rate: float, ways: ndarray, *, seeds: int) -> str:
    """Returns how many samples were found at a rate of false finds, and how far that can be trusted.

    ways: (ways,) how many are found at that rate after seeds are exchanged between the groups.
    """
    finds, share = _finds(found, rate), wording.setting_percent(rate)
    weak = f" {seeds} seeds are a weak basis; queue one more of each." if seeds < SEEDS_FOR_A_VERDICT else ""
    if not finds:
        return (
            f"**No sample differs** beyond what seeds do, at {share} false finds; the most different "
            f"ones are listed and may be chance.{weak}"
        )
    amount = f"**{wording.plural(finds, 'sample differs', 'samples differ')}** of "
    tested = f"{amount}{wording.count(found.tested)} tested"
    usual, most = wording.number(float(ways.mean())), wording.count(int(ways.max()))
    chance = f"With seeds exchanged between the groups ({wording.plural(len(ways), 'way')}), the test finds"
    if ways.max() >= finds:
        return f"{tested}, **but chance does as much**. {chance} up to {most}.{weak}"
    if ways.mean() > rate * finds:
        return f"{tested}, **of which about {usual} are false**: {chance.lower()} so many on average.{weak}"
    return (
        f"{tested}, at most {share} of them expected to be false. {chance} {usual} on average and {most} at "
        f"most.{weak}"
    )


def pick_measure(sides: Sides) -> str:
    """Draws the measure by which samples are compared, by default the first known one; returns its name."""
    names = {name: measure.label for name, measure in comparing.MEASURES.items()}
    first = next((name for name in names if sides.is_known(name)), None)
    return choices.selected("Compare samples by", "by", names, default=first)


def _controls(sides: Sides) -> tuple[str, float, bool]:
    measure, rate = pick_measure(sides), _pick_rate()
    hint = (
        "Takes each run's median over all samples off first, so that a shift which all samples share, "
        "such as more confidence everywhere, is no difference of any of them; nothing is taken off counts. "
        "A and B below stay as measured."
    )
    return measure, rate, choices.switched("Beyond the common shift", "shift", hint=hint)


def _pick_rate() -> float:
    """Draws the slider of the false discovery rate, which stays in the address, and returns what it shows."""
    asked = focus.choice("fdr")
    now = next((rate for rate in RATES if f"{rate:g}" == asked), DEFAULT_RATE)
    st.session_state[_SLIDER] = now
    st.select_slider(
        "False finds, at most", RATES, key=_SLIDER, format_func=wording.setting_percent, on_change=_take_rate,
        width=280, help="false discovery rate: the share of the samples found that is expected to be chance",
    )  # fmt: skip
    return now


def _take_rate() -> None:
    focus.choose("fdr", f"{st.session_state[_SLIDER]:g}")


def _test(sides: Sides, measure: str, *, is_centred: bool) -> Moderated | None:
    """Returns the test, or says why there is none."""
    few = min((sides.one, sides.other), key=lambda group: group.n)
    if few.n < 2:
        st.caption(
            f"Too few seeds: {few.name} has {few.n}. Nothing tells yet how much a sample changes with the "
            "seed alone; train 2 more seeds of it (3 of each are a fair start)."
        )
        return None
    try:
        found = differing.tested(sides, measure, is_centred=is_centred)
    except NoSpread:
        st.caption(
            "In this the seeds of each group agree on every sample, so there is no noise floor to test "
            "against. Choose another measure."
        )
        return None
    if not found.tested:
        st.caption("No sample has this value in every run; choose another measure.")
        return None
    return found


def _note(sides: Sides, found: Moderated | None, measure: str) -> str:
    meaning = comparing.MEASURES[measure].meaning
    if found is None:
        return f"{comparing.MEASURES[measure].label}: {meaning}."
    seeds = f"{sides.one.n} and {sides.other.n} seeds, compared as independent samples"
    left_out = sides.samples - found.tested
    left = f"; {wording.plural(left_out, 'sample')} without a value in every run left out" if left_out else ""
    shift = wording.number(float(np.nanmean(found.difference)), signed=True)
    return (
        f"{comparing.MEASURES[measure].label}: {meaning}, epochs 0 to {sides.epoch}. {seeds}; "
        f"n = {wording.plural(found.tested, 'sample')} tested{left}; "
        f"mean A − B {shift}. Moderated t, Benjamini–Hochberg (ours)."
    )


def _finds(found: Moderated, rate: float) -> int:
    return int((found.q <= rate).sum())


def _gallery(sides: Sides, rows: DataFrame, *, measure: str) -> None:
    write = _writer(measure)

    def caption(row: Any) -> tuple[str, ...]:
        truth = "" if row.true_label in (row.label, wording.UNKNOWN) else f", truly {row.true_label}"
        return f"{row.label}{truth}", f"A {write(row.a)}", f"B {write(row.b)}", f"q {wording.number(row.q)}"

    cards.html(markup.head("", f"The first {len(rows)} by p. Click one to see its life in a run of A."))
    run = sides.members[0].run
    links.draw(
        gallery.gallery(run, rows, caption, epoch=sides.epoch, width=THUMBNAIL), key="differing_gallery"
    )


def _writer(measure: str) -> Any:
    return wording.percent if comparing.MEASURES[measure].of == "share" else wording.number


def _table(sides: Sides, rows: DataFrame, measure: str) -> None:
    label = comparing.MEASURES[measure].label
    with st.container(horizontal=True, vertical_alignment="center"):
        cards.html(
            markup.head("The samples in numbers", f"{len(rows)} are listed. Pick a row to see its life.")
        )
        table_buttons.draw(f"samples-by-{measure.replace('_', '-')}", lambda: rows, key="differing")
    event = st.dataframe(
        rows, hide_index=True, height=320, on_select="rerun", selection_mode="single-row",
        column_config=_columns(label), alt="Samples by how surely they differ",
        key=f"differing_{measure}_{choices.token(sides.one)}_{choices.token(sides.other)}",
    )  # fmt: skip
    if event["selection"]["rows"]:
        sample = int(rows["sample_id"].iloc[event["selection"]["rows"][0]])
        focus.go("samples", run=sides.members[0].run.id, sample=sample)


def _columns(label: str) -> dict[str, Any]:
    return {
        "rank": st.column_config.NumberColumn("Rank", format="%d"),
        "sample_id": st.column_config.NumberColumn("Sample", format="%d"),
        "label": st.column_config.TextColumn("Label"),
        "true_label": st.column_config.TextColumn("True label"),
        "a": st.column_config.NumberColumn("A", format="%.3f", help=f"{label}, mean over seeds of A"),
        "b": st.column_config.NumberColumn("B", format="%.3f", help=f"{label}, mean over seeds of B"),
        "difference": st.column_config.NumberColumn("A − B", format="%.3f"),
        "t": st.column_config.NumberColumn("t", format="%.2f", help=_METHOD),
        "p": st.column_config.NumberColumn("p", format="%.2g", help="two-sided, by Student's t"),
        "q": st.column_config.NumberColumn(
            "q", format="%.2g", help="false discovery rate, Benjamini–Hochberg"
        ),
    }
