"""What if: other settings of the selection, applied at once to what a run has logged.

The answer is what this epoch would have kept, all else being as it was: with other settings the training
itself would have gone another way from the first selection on. That is why it can be launched as a run, and
is then held against what that run really kept.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from pandas import DataFrame

from app import cached, canvas, cards, focus, gallery, links, markup, naming, wording
from app.ablations.groups import Group
from app.samples import sample_life
from app.studies.members import Member
from app.what_if import effects, replay, what_if_charts, what_if_checked, what_if_launch, what_if_settings
from app.what_if.effects import Effect
from app.what_if.what_if_words import formula, nothing_dropped
from engine.config import InvalidConfig, RunConfig, parse
from engine.selection.budget import RankedSettings
from store.questions import decision

TITLE = "What if"

SHOWN = 24  # samples a gallery
THUMBNAIL = 64  # pixels
POINTS = 2_000  # in the scatter
CLASSES = 20  # in the bars

_PICK = "what_if_run"
_ELSE = "All else is as logged: a run of these settings learns other features from its first selection on."


class _Asked(NamedTuple):
    """The run that is looked at with its settings, the settings that are tried, and the epoch."""

    member: Member
    base: RunConfig
    config: RunConfig
    epoch: int


def render(groups: Sequence[Group]) -> None:
    """Draws the section."""
    members = [member for group in groups for member in group.members]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        member = _pick_run(members)
        with st.container(width="stretch"):
            epoch = focus.pick_epoch(member.run.last_epoch())
    try:
        base = parse(member.config)
    except InvalidConfig as error:
        cards.empty("This run's selection cannot be done again", f"{markup.markdown(error)}.")
        return
    settings, shown = st.columns([1, 2.1], gap="small")
    with settings, st.container(border=True, gap="small", key="card_what_if_settings"):
        cards.head("Settings", "All are settings of a run; they start at those of the run chosen above.")
        config = what_if_settings.draw(base, member.run.id)
    terms = cached.terms(member.run, epoch, by_loss=replay.needs_loss(config) or replay.needs_loss(base))
    effect = effects.effect(terms, replay.replayed(terms, config, epoch))
    asked = _Asked(member, base, config, epoch)
    with shown:
        _changes(effect, asked)
        _scatter(effect, asked)
    _samples(effect, asked)
    _classes(effect, member)
    what_if_launch.draw(member, config, base=base, epoch=epoch)
    what_if_checked.draw(member, base)


def _pick_run(members: Sequence[Member]) -> Member:
    """Draws which run is looked at: the one that all pages show, where it is among those compared."""
    by_id = {member.run.id: member for member in members}
    looked_at = focus.run()
    chosen = looked_at.id if looked_at and looked_at.id in by_id else _first(members).run.id
    titles = naming.run_titles({run_id: member.config for run_id, member in by_id.items()})
    st.session_state[_PICK] = chosen
    st.selectbox("Run", list(by_id), key=_PICK, format_func=lambda run: titles.get(run, run), on_change=_take)
    return by_id[chosen]


def _first(members: Sequence[Member]) -> Member:
    """Returns the first run that selects by score, else the first one."""
    ranked = (one for one in members if _is_ranked(one))
    return next(ranked, members[0])


def _is_ranked(member: Member) -> bool:
    strategy = member.config.get("strategy")
    return isinstance(strategy, dict) and strategy.get("kind") in ("joint", "rarity_only", "consistency_only")


def _take() -> None:
    st.session_state["run"] = st.session_state[_PICK]


def _changes(effect: Effect, asked: _Asked) -> None:
    rows = _rows(effect)
    samples, epoch = len(effect.terms), asked.epoch
    with st.container(border=True, gap="xsmall", key="card_what_if_changes"):
        known = f"by what was known after epoch {epoch - 1}" if epoch else "before anything was known"
        note = f"n = {wording.count(samples)} samples; selected for epoch {epoch} {known}"
        cards.head("What would be kept", note, table=rows)
        left, right = st.columns([1.25, 1], gap="medium")
        with left:
            cards.html(markup.table(rows, says="Kept as logged and with these settings"))
        with right:
            cards.html(f"<p>{markup.text(formula(asked.config, epoch, samples))}</p>")
            st.caption(_reproduced(effect, asked))
            st.caption(_ELSE)
        if sentence := nothing_dropped(asked.config, effect.after, epoch):
            st.caption(f":material/info: {sentence}")


def _rows(effect: Effect) -> DataFrame:
    before, after = effect.before, effect.after
    entering, leaving = len(effect.entering), len(effect.leaving)
    flipped = (wording.percent(effect.flipped_share(kept)) for kept in (before, after))
    means = [
        (f"Mean {name} of kept", *(wording.number(effect.mean_of(name, kept)) for kept in (before, after)))
        for name in ("rarity", "consistency")
    ]
    rows = [
        ("Kept", wording.count(before.sum()), wording.count(after.sum())),
        ("Share of all samples", wording.percent(before.mean()), wording.percent(after.mean())),
        ("Jaccard with the logged set", wording.number(1.0), wording.number(effect.jaccard)),
        ("Samples that enter", "", wording.count(entering)),
        ("Samples that leave", "", wording.count(leaving)),
        ("Flipped labels among kept", *flipped),
        *means,
    ]  # fmt: skip
    return DataFrame(rows, columns=["", "As logged", "With these settings"])


def _reproduced(effect: Effect, asked: _Asked) -> str:
    """Says whether the run's own settings give back what the run kept, which is asked anew every time."""
    own = replay.replayed(effect.terms, asked.base, asked.epoch).kept
    apart = int((own != effect.before).sum())
    if not apart:
        drawn = " Draws repeat with the run's seed." if replay.is_drawn(asked.base) else ""
        return f"At the run's own settings this gives exactly the set that the run kept.{drawn}"
    return (
        f":material/warning: At the run's own settings this differs from what the run kept in "
        f"{wording.plural(apart, 'sample')}: the log does not hold all that decided."
    )


def _scatter(effect: Effect, asked: _Asked) -> None:
    points = effect.points(POINTS)
    if points.empty:
        cards.empty(
            "No sample has both a rarity and a consistency yet",
            "The cut appears here from the epoch after the first one on: move the slider of the epoch.",
        )
        return
    known = int((~np.isnan(effect.outcome.rarity) & ~np.isnan(effect.outcome.consistency)).sum())
    drawn = f", drawn: {wording.count(len(points))}" if len(points) < known else ""
    cuts = _cuts(effect, asked)
    lines = "lines are the lowest score kept" if cuts else "no line, as no lowest score decides"
    note = f"n = {wording.count(known)} samples with both values{drawn}; {lines}"
    with st.container(border=True, gap="xsmall", key="card_what_if_cut"):
        cards.head("Where the cut runs", f"{note}. Click a sample to see its whole life.", table=points)
        figure = what_if_charts.scatter(
            points, cards.colors(), cuts=cuts, thresholds=_thresholds(asked.config)
        )
        event = st.plotly_chart(
            figure, theme=None, config=canvas.CONFIG, on_select="rerun", selection_mode="points",
            key=f"what_if_cut_{asked.member.run.id}_{asked.epoch}",
            alt=f"{len(effect.entering)} samples enter and {len(effect.leaving)} leave the kept set",
        )  # fmt: skip
    for point in event["selection"]["points"][:1]:
        focus.go("samples", run=asked.member.run.id, sample=int(point["customdata"][0]))


def _cuts(effect: Effect, asked: _Asked) -> list[tuple[str, DataFrame, bool]]:
    """Returns the curves of the lowest score kept: as logged, on the new scale of rarity, and now."""
    _, base, config, epoch = asked
    own = replay.replayed(effect.terms, base, epoch)
    cuts = []
    for name, outcome, settings in (("cut as logged", own, base), ("cut now", effect.outcome, config)):
        powers = decision.exponents(settings.strategy.model_dump())
        curve = what_if_charts.contour(outcome.cut, powers)
        if settings is base and base.density.clip != config.density.clip:
            curve = _rescaled(curve, own.rarity, effect.outcome.rarity, is_one=not base.density.per_class)
        if len(curve):
            cuts.append((name, curve, settings is config))
    return cuts


def _rescaled(curve: DataFrame, old: Any, new: Any, *, is_one: bool) -> DataFrame:
    """Returns a curve on another scale of rarity; nothing where each class has a scale of its own."""
    known = ~np.isnan(old) & ~np.isnan(new)
    if not is_one or not known.any():
        return curve.head(0)
    order = np.argsort(old[known], kind="stable")
    return curve.assign(rarity=np.interp(curve["rarity"], old[known][order], new[known][order]))


def _thresholds(config: RunConfig) -> tuple[float, float]:
    strategy = config.strategy
    if not isinstance(strategy, RankedSettings):
        return 1.0, 0.0
    return strategy.max_rarity, strategy.min_consistency


def _samples(effect: Effect, asked: _Asked) -> None:
    names = asked.member.class_names

    def caption(row: Any) -> tuple[str, ...]:
        label = sample_life.class_name(names, row.label)
        return label, f"r {wording.number(row.rarity)}", f"c {wording.number(row.consistency)}"

    sides = (
        ("Entering", effect.entering, "highest score first"),
        ("Leaving", effect.leaving, "lowest first"),
    )
    for column, (title, ids, order) in zip(st.columns(2, gap="small"), sides, strict=True):
        with column, st.container(border=True, height="stretch", gap="xsmall", key=f"card_{title.lower()}"):
            shown = f", {len(ids[:SHOWN])} shown, {order}" if len(ids) else ""
            cards.head(title, f"n = {wording.count(len(ids))}{shown}; label, rarity r, consistency c")
            if not len(ids):
                st.caption("No sample: move a slider, and those that change sides appear here.")
                continue
            frame = effect.terms.iloc[ids[:SHOWN]]
            drawn = gallery.gallery(asked.member.run, frame, caption, epoch=asked.epoch, width=THUMBNAIL)
            links.draw(drawn, key=f"what_if_{title.lower()}")


def _classes(effect: Effect, member: Member) -> None:
    by_class = effect.by_class()
    names = member.class_names
    drawn = effect.most_changed(CLASSES)
    figure = what_if_charts.classes(drawn, names, cards.colors())
    most = f"; drawn: the {CLASSES} that change most" if len(drawn) < len(by_class) else ""
    shares = (by_class["after"] / by_class["n"]).to_numpy()
    label = sample_life.class_name(names, int(by_class["label"].iloc[int(shares.argmin())]))
    cards.chart(
        "Kept per class", figure, table=by_class,
        note=f"n = {wording.count(len(effect.terms))} samples in {len(by_class)} classes{most}",
        alt=f"Least kept with these settings: {label}, {wording.percent(float(shares.min()))}",
    )  # fmt: skip
