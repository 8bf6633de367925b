"""New run: every setting of a run as a form, what it will do and cost, and the button that begins it.

What most people change is open and the rest is one click away; a setting that this page does not know by name
appears under the last part, so none is ever missing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import cards, focus, markup, naming
from app.exporting import export
from app.new_run import fields, launch_card, places, refusals
from app.new_run.form import Form
from engine.config import InvalidConfig, RunConfig, parse
from store.errors import RunIsForeign, RunNotFound
from store.run import default_root, find_run, find_runs

TITLE, ICON = "New run", ":material/add_circle:"

_FILE, _FILE_NAME, _REFUSED, _TIMES = "new_run_file", "new_run_file_name", "new_run_refused", "new_run_times"


@dataclass(frozen=True)
class Part:
    """One card of the form: choices of kinds, plain settings beside them, and what is folded away."""

    title: str
    lead: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


PARTS = (
    Part("Data", lead=("source", "noise"), more=("subset", "tail", "validation")),
    Part(
        "Training",
        lead=("model",),
        plain=("epochs", "batch_size"),
        more=("optimizer", "schedule", "label_smoothing", "ema", "compile", "precision"),
    ),
    Part("Selection", lead=("strategy",), more=("consistency", "density")),
    Part("Augmentation", lead=("policy",), more=("augmentation", "influence")),
    Part("Run", plain=("name", "seed"), more=("study", "maps")),
)


def render() -> None:
    """Draws the page."""
    cards.header(TITLE, "Choose what to train. The card on the right says what that means before it begins.")
    start, before = _start()
    times = st.session_state.setdefault(_TIMES, 0)
    changes = focus.clone_changes()
    origin = str(st.session_state.get("clone") or "") + (export.config_digest(changes) if changes else "")
    form = Form(RunConfig, start, key=f"new_run_{origin}_{times}")
    form.refuse(places.missing(form.values))
    settings, card = st.columns([1.85, 1], gap="medium")
    with settings:
        for part in _parts():
            _draw(form, part)
    with card:
        _origin(before)
        launch_card.draw(form, before=before)


def _parts() -> tuple[Part, ...]:
    """Returns the cards; what no card names is folded into the last one."""
    named = {name for part in PARTS for name in (*part.lead, *part.plain, *part.more)}
    others = tuple(name for name in RunConfig.model_fields if name not in named)
    last = PARTS[-1]
    return (*PARTS[:-1], Part(last.title, last.lead, last.plain, (*last.more, *others)))


def _draw(form: Form[RunConfig], part: Part) -> None:
    known = {setting.name: setting.label for setting in fields.settings(RunConfig)}
    more = [name for name in part.more if name in known]
    with st.container(border=True, gap="small", key=f"part_{part.title.lower()}"):
        cards.head(part.title)
        for name in part.lead:
            form.lead(name)
        form.draw(*part.plain)
        folded = [*(name for name in part.lead if form.has_rest(name)), *more]
        title = ", ".join(known[name].lower() for name in folded)
        refused = form.refused(*folded)
        badge = f" :red-badge[{refused} refused]" if refused else ""
        with st.expander(f"More: {title}{badge}", key=f"more_{part.title.lower()}", type="compact"):
            for name in part.lead:
                form.rest(name)
            form.draw(*more)


def _start() -> tuple[Mapping[str, Any], tuple[str, Mapping[str, Any]] | None]:
    """Returns what the form starts from, and of a cloned run its title and settings."""
    clone = st.session_state.get("clone")
    if not clone:
        return st.session_state.get(_FILE, RunConfig().model_dump(mode="json")), None
    try:
        config = find_run(default_root(), clone).config()
    except (RunNotFound, RunIsForeign) as error:
        st.error(f"{markup.sentence(error)}; the form starts from the defaults instead")
        return RunConfig().model_dump(mode="json"), None
    if naming.is_tracked(config):
        title = markup.sentence(naming.run_title(config))
        st.error(
            f"{title} was trained by a program of its own and has no settings for a new "
            "run; the form starts from the defaults instead"
        )
        return RunConfig().model_dump(mode="json"), None
    _, errors = refusals.checked(RunConfig, config)
    lost = {path.split(".")[0] for path in errors}
    if lost:
        names = markup.sentence(", ".join(sorted(lost)))
        st.warning(f"This version does not know these settings of the run as they are: {names}; check them.")
    kept = {name: value for name, value in config.items() if name not in lost}
    start = {**RunConfig().model_dump(mode="json"), **kept}
    return {**start, "name": "", **focus.clone_changes()}, (naming.run_title(config), start)


def _origin(before: tuple[str, Mapping[str, Any]] | None) -> None:
    """Draws what the form started from, and the ways to start from something else."""
    file_name = st.session_state.get(_FILE_NAME)
    origin = before[0] if before else file_name or "the defaults"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="origin"):
        cards.html(f'<span class="ut-muted">Started from</span> <b>{markup.text(origin)}</b>')
        with st.popover("Change", key="start_from", type="tertiary"):
            _choose_run()
            st.file_uploader("Settings file (JSON)", type="json", key="upload", on_change=_take_file)
            st.button(
                "The defaults", key="start_over", on_click=_start_from, disabled=origin == "the defaults"
            )
    if st.session_state.get(_REFUSED):
        st.error(markup.sentence(st.session_state[_REFUSED]))


def _choose_run() -> None:
    runs = {run.id: _config(run.id) for run in find_runs(default_root())}
    usable = {name: config for name, config in runs.items() if config and not naming.is_tracked(config)}
    titles = naming.run_titles(usable)
    st.selectbox(
        "Settings of a run", list(titles), index=None, key="start_run", on_change=_take_run,
        format_func=lambda run_id: titles.get(run_id, run_id), placeholder="Choose a run",
        disabled=not titles,
    )  # fmt: skip


def _config(run_id: str) -> dict[str, Any]:
    try:
        return find_run(default_root(), run_id).config()
    except (RunIsForeign, RunNotFound):
        return {}


def _take_run() -> None:
    _start_from(clone=st.session_state.get("start_run"))


def _take_file() -> None:
    uploaded = st.session_state.get("upload")
    if uploaded is None:
        return
    try:
        config = parse(_settings_in(uploaded.getvalue()))
    except InvalidConfig as error:
        st.session_state[_REFUSED] = f"{uploaded.name}: {error}"
        return
    _start_from()
    st.session_state[_FILE], st.session_state[_FILE_NAME] = config.model_dump(mode="json"), uploaded.name


def _settings_in(content: bytes) -> dict[str, Any]:
    """Returns the settings in a file's content; raises InvalidConfig where there are none."""
    try:
        settings = json.loads(content)
    except ValueError as error:
        raise InvalidConfig(f"it must be a JSON file; {error}") from None
    if not isinstance(settings, dict):
        raise InvalidConfig(f"it must hold a JSON object of settings; got {type(settings).__name__}")
    return settings


def _start_from(clone: str | None = None) -> None:
    """Begins the form anew: from a run, or from the defaults."""
    focus.clone(clone)
    st.session_state[_TIMES] = st.session_state.get(_TIMES, 0) + 1
    for key in (_FILE, _FILE_NAME, _REFUSED):
        st.session_state.pop(key, None)
