"""The start of a study: its question, what it is asked on, what that costs, and the button that begins it.

Everything that will be trained is said before the click, and what is there already is not trained again.
"""

import math
from collections.abc import Sequence

import streamlit as st

from app import cards, launch, markup, naming, queue, wording
from app.new_run import estimate, launch_card, places
from app.studies import base_form, design, presets, queueing
from app.studies.design import Preset
from app.studies.measures import MEASURES
from engine.config import InvalidConfig, RunConfig
from store.run import default_root

MANY_RUNS = 12  # above, the amount is confirmed
REFUSED, PART = "studies_refused", "studies_part"


def draw() -> None:
    """Draws the presets beside the card of the chosen one."""
    listed, card = st.columns([1.1, 1], gap="medium")
    with listed:
        preset = _pick()
    with card, st.container(border=True, gap="small", key="study_start"):
        cards.head(preset.title, preset.question)
        base, seeds = base_form.draw(preset)
        if base is not None:
            _offer(preset, base, seeds)
        _about(preset)


def _pick() -> Preset:
    by_name = {preset.name: preset for preset in presets.PRESETS}
    chosen = st.radio(
        "Question", list(by_name), key="studies_preset", persist_state="session",
        format_func=lambda name: by_name[name].title, label_visibility="collapsed",
        captions=[markup.markdown(preset.question) for preset in presets.PRESETS],
    )  # fmt: skip
    return by_name[chosen or presets.PRESETS[0].name]


def _about(preset: Preset) -> None:
    measure = MEASURES[preset.measure]
    rows = "".join(
        f"<dt>{markup.text(arm.label)}</dt><dd>{markup.text(', '.join(arm.changes))}</dd>"
        for arm in preset.arms
    )
    cards.head("Arms", "What each changes in the settings")
    cards.html(f'<dl class="ut-facts ut-changes">{rows}</dl>')
    facts = {
        "All arms": ", ".join(preset.fixed),
        "Where the start has none": ", ".join(preset.defaults),
        "Compared": _compared(preset),
        "Measure": f"{measure.label}: {measure.meaning}",
        "After": preset.citation,
        "Note": preset.note,
    }
    cards.html(markup.facts({name: value for name, value in facts.items() if value}))


def _compared(preset: Preset) -> str:
    """Returns who is compared with whom, those with the same arm or reference together."""
    pairs = preset.comparisons()
    if len({other for _, other in pairs}) == 1:
        return f"{', '.join(one for one, _ in pairs)} against {pairs[0][1] or '0'}"
    arms = dict.fromkeys(one for one, _ in pairs)
    return "; ".join(
        f"{arm} against {' and '.join(other for one, other in pairs if one == arm)}" for arm in arms
    )


def _offer(preset: Preset, base: RunConfig, seeds: Sequence[int]) -> None:
    """Draws the amount, the time and the button; or why these settings make no study."""
    try:
        planned = design.runs(preset, base, seeds)
    except InvalidConfig as error:
        st.error(markup.sentence(error))
        return
    wrong = places.missing(base.model_dump(mode="json"))
    if wrong:
        st.error("; ".join(f"{name} {rule}" for name, rule in wrong.items()))
        return
    missing = queueing.missing(default_root(), planned)
    cards.html(markup.facts(_amount(preset, planned, missing)))
    _launch(planned, missing)


def _amount(preset: Preset, planned: list[RunConfig], missing: list[RunConfig]) -> dict[str, str]:
    arms, amount = len(preset.arms), len(planned)
    there = f", {amount - len(missing)} of them there already" if len(missing) < amount else ""
    sides = (wording.plural(arms, "arm"), wording.plural(amount // arms, "seed"))
    grid = f"{' × '.join(sides)} = {wording.plural(amount, 'run')}{there}"
    samples, seconds = cost(missing)
    time = "no estimate yet" if math.isnan(seconds) else f"about {wording.duration(seconds)}"
    at_once = queue.at_once(default_root())
    return {
        "Study": planned[0].study,
        "Grid": grid,
        "Back-propagated": f"{wording.count(samples)} samples" if samples == samples else "not known yet",
        "Time": f"{time}, {wording.plural(at_once, 'run')} at once" if seconds == seconds else time,
    }


def cost(configs: Sequence[RunConfig]) -> tuple[float, float]:
    """Returns the samples that these runs back-propagate and their seconds; NaN where not known."""
    past, samples, seconds = launch_card.past(), 0.0, 0.0
    known: dict[str, estimate.Estimate | None] = {}
    for config in configs:
        key = naming.method_key(config.model_dump(mode="json"))
        if key not in known:
            known[key] = estimate.estimate(config, past)
        found = known[key]
        samples += math.nan if found is None else sum(found.backpropagated) / 2
        seconds += math.nan if found is None or found.seconds is None else found.seconds
    return samples, seconds / queue.at_once(default_root())


def _launch(planned: list[RunConfig], missing: list[RunConfig]) -> None:
    if st.session_state.get(REFUSED):
        st.error(markup.sentence(st.session_state[REFUSED]))
    if not missing:
        st.caption("All of it is trained or in training; see Results. More seeds make it surer.")
        return
    label = f"Launch all {len(missing)} runs" if len(missing) > 1 else "Launch the run"
    if len(missing) <= MANY_RUNS:
        _button(label, planned)
        return
    with st.popover(f"{label} …", width="stretch", key="study_ask", type="primary"):
        st.markdown(f"Queue **{len(missing)} runs**? They train {queue.at_once(default_root())} at once.")
        _button(f"Yes, launch {len(missing)} runs", planned)


def _button(label: str, planned: list[RunConfig]) -> None:
    st.button(label, key="study_launch", type="primary", width="stretch", on_click=begin, args=(planned,))


def begin(configs: Sequence[RunConfig]) -> None:
    """Queues what is missing of these runs and turns to the results; keeps a refusal for the page."""
    try:
        queueing.queue(default_root(), configs)
    except (launch.NoSupervisor, OSError) as error:
        st.session_state[REFUSED] = f"{error}. The runs that were written wait on the page Runs."
        return
    st.session_state.pop(REFUSED, None)
    st.session_state[PART] = "Results"
