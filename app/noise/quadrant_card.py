"""The card that tells rare samples from wrong ones: rarity against consistency, and its four quadrants."""

import streamlit as st

from app import cached, canvas, cards, focus, wording
from app.noise import noise_charts, suspects
from app.noise.suspects import AGREES_FROM, QUADRANTS, RARE_FROM, Findings, Quadrant
from store.run import Run


def draw(run: Run, found: Findings, *, epoch: int, drawn: tuple[int, int]) -> None:
    """Draws the card; drawn: how many suspects, and how many points at most, the chart shows."""
    amount = f"n = {wording.count(found.placed)} samples with both values"
    if len(found.points) < found.placed:
        rest = wording.count(drawn[1] - drawn[0])
        amount += f"; drawn: the {drawn[0]} most suspicious, {rest} at random"
    if not found.placed:
        cards.head("Rare or noisy?")
        st.caption("No sample of this run has both a rarity and a consistency.")
        return
    limits = f"rare from {RARE_FROM:g}, agrees from {AGREES_FROM:g} (ours)"
    cards.head("Rare or noisy?", f"{amount}; {limits}. Click one to see its whole life.", table=found.points)
    event = st.plotly_chart(
        noise_charts.quadrant(found.points, cards.colors()), theme=None, on_select="rerun",
        selection_mode="points", key=f"chart_quadrant_{run.id}_{epoch}", config=canvas.CONFIG,
        alt=_takeaway(found),
    )  # fmt: skip
    _quadrants(run, found, epoch)
    chosen = [int(point["customdata"][0]) for point in event["selection"]["points"]]
    if chosen:
        focus.go("samples", run=run.id, sample=chosen[0])


def _quadrants(run: Run, found: Findings, epoch: int) -> None:
    st.caption("Select a quadrant on the map:")
    with st.grid(2, gap="xsmall", min_column_width=180):
        for place, (quadrant, count) in enumerate(zip(QUADRANTS, found.corners, strict=True)):
            label = f"{quadrant.name}: {wording.count(count)}"
            st.button(
                label, key=f"quadrant_{place}", width="stretch", disabled=not count,
                help=_help(quadrant, count / found.placed), on_click=_select, args=(run, place, epoch),
            )  # fmt: skip
            if st.session_state.pop(f"quadrant_chosen_{place}", False):
                focus.go("map", run=run.id)


def _select(run: Run, place: int, epoch: int) -> None:
    ids = suspects.inside(cached.summary(run, epoch, suspects.COLUMNS), QUADRANTS[place])
    focus.select(ids.tolist())
    st.session_state[f"quadrant_chosen_{place}"] = True


def _help(quadrant: Quadrant, share: float) -> str:
    rarity = f"rarity {'at least' if quadrant.is_rare else 'below'} {RARE_FROM:g}"
    return (
        f"{quadrant.means.capitalize()}: {rarity}, consistency "
        f"{'at least' if quadrant.agrees else 'below'} {AGREES_FROM:g}; "
        f"{wording.percent(share)} of the samples"
    )


def _takeaway(found: Findings) -> str:
    counts = ", ".join(
        f"{wording.count(count)} {quadrant.name.lower()}"
        for quadrant, count in zip(QUADRANTS, found.corners, strict=True)
    )
    return f"Rarity against consistency: {counts}"
