"""The card beside the form: what will run, what it costs, how it differs, and the button that begins it.

What a person is about to start is said before the click, in the words that the other pages use for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import cached, cards, focus, launch, markup, wording
from app.new_run import assignments, estimate, plan
from app.new_run.estimate import Estimate, Past
from app.new_run.form import Form
from engine.config import RunConfig
from store.errors import RunIsForeign
from store.run import default_root, find_runs

SEEDS_AT_MOST = 10
_PAST_RUNS = 50  # the newest ones, which are asked for sizes and seconds
_LAUNCHES = "new_run_launches"


def draw(form: Form[RunConfig], *, before: tuple[str, Mapping[str, Any]] | None) -> None:
    """Draws the card; before: the title and the settings of the run that this one was cloned from."""
    with st.container(border=True, gap="small", key="launch_card"):
        config = form.config
        if config is None:
            _refusals(form)
            queued = []
        else:
            cards.head("What will run")
            cards.html(f"<p>{markup.text(plan.sentence(config))}</p>")
            queued = _how_many(config)
            cost(queued)
        _launch(queued)
        if config is not None:
            if before is not None:
                differences(before, config)
            _elsewhere(queued)


def _refusals(form: Form[RunConfig]) -> None:
    cards.head("Not yet", f"{wording.plural(len(form.errors), 'setting')} must be mended first")
    rows = (
        f"<li><b>{markup.text(form.where(path) or 'Settings')}</b> {markup.text(reason)}</li>"
        for path, reason in form.errors.items()
    )
    cards.html(f'<ul class="ut-refusals">{"".join(rows)}</ul>')


def _how_many(config: RunConfig) -> list[RunConfig]:
    """Draws how many seeds and whether with a twin; returns the runs that this makes."""
    seeds = st.slider(
        "Seeds", 1, SEEDS_AT_MOST, key="new_run_seeds", persist_state="session",
        help="One run a seed, from the seed in the form upwards; three tell more than luck",
    )  # fmt: skip
    twin = plan.random_twin(config) is not None and st.checkbox(
        "Random twin at equal budget", key="new_run_twin", persist_state="session",
        help="The same runs on a random share of the same size: what any selection has to beat",
    )  # fmt: skip
    return plan.runs(config, seeds=seeds, twin=twin)


def cost(queued: Sequence[RunConfig]) -> None:
    """Draws what the runs will cost; a twin costs what its run costs."""
    found = estimate.estimate(queued[0], past())
    amount = len(queued)
    facts = {"Runs": wording.count(amount)} if amount > 1 else {}
    each = " a run" if amount > 1 else ""
    if found is None:
        facts |= {"Samples": "known once the data is loaded", "Time": "no estimate yet"}
    else:
        all_samples = found.samples * queued[0].epochs
        share = wording.percent(sum(found.backpropagated) / 2 / all_samples)
        facts |= {
            "Samples": f"{wording.count(found.samples)} to train on",
            "Forwarded": _range(found.forwarded) + each,
            "Back-propagated": f"{_range(found.backpropagated)}{each}, {share} of full training",
            "Time": _time(found, each),
        }
    cards.html(markup.facts(facts))


def _time(found: Estimate, each: str) -> str:
    return "no estimate yet" if found.seconds is None else f"about {wording.duration(found.seconds)}{each}"


def _range(ends: tuple[int, int]) -> str:
    low, high = (wording.count(end) for end in ends)
    return low if low == high else f"{low} to {high}"


def past() -> list[Past]:
    """Returns the finished runs that can be read, newest first."""
    found = []
    for run in find_runs(default_root())[:_PAST_RUNS]:
        try:
            if run.status().state == "done":
                found.append(Past(run.config(), run.about(), cached.metrics(run)))
        except RunIsForeign:  # Runs says which one is damaged
            continue
    return found


def _launch(queued: list[RunConfig]) -> None:
    """Draws the button; a second click on the same one finds no button that it belongs to."""
    launches = st.session_state.setdefault(_LAUNCHES, 0)
    label = "Launch" if len(queued) < 2 else f"Launch {len(queued)} runs"
    is_asked = st.button(
        label, key=f"launch_{launches}", type="primary", shortcut="Mod+Enter", width="stretch",
        disabled=not queued,
    )  # fmt: skip
    if not is_asked:
        return
    st.session_state[_LAUNCHES] = launches + 1
    try:
        begun = launch.submit_all(default_root(), queued)
    except (launch.NoSupervisor, OSError) as error:
        st.error(f"{markup.sentence(error)}. The runs that were written wait on the page Runs.")
        return
    focus.go("runs", run=begun[0].id)


def differences(before: tuple[str, Mapping[str, Any]], config: RunConfig) -> None:
    """Draws which settings differ from those of a run; before: its title and its settings."""
    title, settings = before
    found = plan.differences(settings, config.model_dump(mode="json"))
    cards.head(f"Changed from {title}", "" if found else "Nothing yet")
    rows = (
        f"<dt>{markup.text(address)}</dt><dd><s>{markup.text(old)}</s> → {markup.text(new)}</dd>"
        for address, old, new in found
    )
    if found:
        cards.html(f'<dl class="ut-facts ut-changes">{"".join(rows)}</dl>')


def _elsewhere(queued: list[RunConfig]) -> None:
    """Draws the same runs for a terminal and as a file."""
    config = queued[0]
    with st.popover("Command line and file", icon=":material/terminal:", width="stretch"):
        lines = (assignments.command(RunConfig, run.model_dump(mode="json")) for run in queued)
        st.code("\n".join(lines), language="bash", wrap_lines=True)
        st.download_button(
            "Settings as JSON", config.model_dump_json(indent=2), file_name="undertow.json",
            mime="application/json", on_click="ignore", icon=":material/download:",
            help="The first run's; start from it here, or with: undertow train undertow.json",
        )  # fmt: skip
