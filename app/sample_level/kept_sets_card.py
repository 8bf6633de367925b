"""The card of how far the groups keep the same samples, epoch by epoch."""

import streamlit as st
from pandas import DataFrame

from app import cached, cards, focus, wording
from app.ablations.groups import Group
from app.cached import Versions
from app.sample_level import kept_sets, sample_charts
from app.sample_level.sides import Sides

TITLE = "Do they keep the same samples?"
_FORMULA = "Random: m / (a + b − m) with m = a · b / n, the expected overlap of sets of a and b samples"


def draw(sides: Sides) -> None:
    """Draws the card; empty where a group keeps everything, because its sets are equal by definition."""
    one, other = (cached.versions(runs) for runs in sides.runs())
    full = [group for group in (sides.one, sides.other) if _keeps_everything(group)]
    if full:
        names = " and ".join(group.name for group in full)
        cards.empty(
            "Nothing to compare: every sample is kept",
            f"{names} {'keeps' if len(full) == 1 else 'keep'} every sample in every epoch, so the overlap of "
            "its kept set with another is only how many that one keeps. Choose two groups that drop samples.",
        )
        return
    with st.skeleton(height=380):
        frame = _agreement(one, other, sides.samples, sides.epoch)
    epoch = focus.epoch(sides.epoch)
    figure = sample_charts.kept_agreement(frame, cards.colors(), colors=sides.colors, epoch=epoch)
    note = (
        f"Jaccard index: kept by both / kept by either. Mean and lowest to highest over all pairs of runs; "
        f"n = {wording.count(sides.samples)} samples, {sides.one.n} + {sides.other.n} seeds. "
        f"{_FORMULA} (ours)."
    )
    cards.chart(TITLE, figure, note=note, alt=sentence(frame, epoch), table=frame)
    st.caption(sentence(frame, epoch))


def sentence(frame: DataFrame, epoch: int) -> str:
    """Returns what the overlap of an epoch says, beside that of two seeds of one group and of chance."""
    now = frame[frame["epoch"] == epoch]
    means = {str(name): float(mean) for name, mean in zip(now["pairs"], now["mean"], strict=True)}
    chance = float(now.loc[now["pairs"] == "between", "expected"].iloc[0])
    words = {"one": "two seeds of A", "other": "two seeds of B"}
    own = ", ".join(f"{words[name]} {wording.number(means[name])}" for name in words if name in means)
    return (
        f"Epoch {epoch}: a seed of A and one of B overlap by {wording.number(means['between'])}"
        f"{f'; {own}' if own else '; one seed each, so the overlap of seeds is unknown'}; "
        f"random sets {wording.number(chance)}."
    )


def _keeps_everything(group: Group) -> bool:
    return all(bool((member.metrics["kept_share"] == 1).all()) for member in group.members)


@st.cache_data(max_entries=8, show_spinner=False)
def _agreement(one: Versions, other: Versions, samples: int, epoch: int) -> DataFrame:
    first, second = ([cached.kept_bits(run, epoch) for run in cached.runs(side)] for side in (one, other))
    return kept_sets.agreement(first, second, samples)
