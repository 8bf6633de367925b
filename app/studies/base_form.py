"""What a study is asked on: data, epochs, share kept and seeds; the rest from a run or a settings file.

A study only changes what its arms name. So whoever wants another net or other data starts from the settings
of a run of their own.
"""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import markup, naming
from app.studies import design
from app.studies.design import Preset
from engine.config import InvalidConfig, RunConfig, parse
from engine.selection.budget import BudgetSettings
from engine.selection.joint import Joint
from store.errors import RunIsForeign, RunNotFound
from store.run import default_root, find_run, find_runs

BUILT_IN = ("digits", "fashion_mnist", "cifar10")
_FILE = "file"
_MOST_SEEDS = 10


def draw(preset: Preset) -> tuple[RunConfig | None, range]:
    """Draws the controls; returns the base, None where it is not valid, and the seeds."""
    base = _start(preset)
    key = f"{preset.name}_{st.session_state.get('study_data', BUILT_IN[0])}"
    epochs, batch, keep = st.columns(3, gap="small")
    shown = base or design.default_base()
    changed: dict[str, Any] = {
        "epochs": epochs.number_input(
            "Epochs", 1, 1000, max(preset.fewest_epochs, shown.epochs),
            key=f"study_epochs_{key}", help="The same for all arms",
        ),
        "batch_size": batch.number_input("Batch size", 2, 4096, shown.batch_size, key=f"study_batch_{key}"),
    }  # fmt: skip
    if _has_budget(preset):
        kept = keep.number_input(
            "Keep", 0.01, 1.0, getattr(shown.strategy, "keep", 0.5), 0.05, key=f"study_keep_{key}",
            help="Share of the samples that the selecting arms keep",
        )  # fmt: skip
        changed["strategy"] = with_keep(shown, kept)
    count, first, _ = st.columns(3, gap="small")
    seeds = count.number_input(
        "Seeds", 1, _MOST_SEEDS, 3, key="study_seeds", help="Fewer than three tell nothing"
    )
    start = first.number_input("First seed", 0, 2**31 - 1 - _MOST_SEEDS, 0, key="study_first_seed")
    return (base.model_copy(update=changed) if base else None), range(int(start), int(start) + int(seeds))


def with_keep(base: RunConfig, keep: float) -> BudgetSettings:
    """Returns the base's selection with another share; joint selection where it has none."""
    chosen = base.strategy if isinstance(base.strategy, BudgetSettings) else Joint()
    return chosen.model_copy(update={"keep": keep})


def _start(preset: Preset) -> RunConfig | None:
    """Draws what the base is taken from and returns it; None where it cannot be."""
    runs = {run.id: config for run in find_runs(default_root()) if (config := _usable(run.id))}
    titles = {run_id: f"As run {title}" for run_id, title in naming.run_titles(runs).items()}
    words = {
        name: naming.word(name).capitalize() if name == "digits" else naming.word(name) for name in BUILT_IN
    }
    words |= {_FILE: "A settings file (JSON)"} | titles
    chosen = st.selectbox(
        "Data and settings", list(words), key="study_data", persist_state="session",
        format_func=lambda name: words.get(name, name),
        help="A built-in set with the default settings, or all settings of a run or a file",
    )  # fmt: skip
    try:
        if chosen == _FILE:
            return _from_file()
        if chosen in runs:
            return parse(runs[chosen])
        return design.default_base(chosen or BUILT_IN[0]).model_copy(update={"epochs": preset.epochs})
    except InvalidConfig as error:
        st.error(markup.sentence(error))
        return None


def _from_file() -> RunConfig | None:
    uploaded = st.file_uploader("Settings file (JSON)", type="json", key="study_file")
    if uploaded is None:
        st.caption("Choose a file, such as one that New run offers as Settings as JSON.")
        return None
    try:
        settings = json.loads(uploaded.getvalue())
    except ValueError as error:
        raise InvalidConfig(f"{uploaded.name} must be a JSON file; {error}") from None
    if not isinstance(settings, Mapping):
        raise InvalidConfig(f"{uploaded.name} must hold a JSON object; got {type(settings).__name__}")
    return parse(settings)


def _usable(run_id: str) -> dict[str, Any]:
    """Returns the settings of a run that Undertow can train again; {} of others."""
    try:
        config = find_run(default_root(), run_id).config()
    except (RunIsForeign, RunNotFound):
        return {}
    return {} if naming.is_tracked(config) else config


def _has_budget(preset: Preset) -> bool:
    """Says whether an arm keeps a share that it does not name itself."""
    made = design.runs(preset, design.default_base().model_copy(update={"epochs": preset.epochs}), (0,))
    named = ["strategy.keep" in " ".join(arm.changes) for arm in preset.arms]
    return any(
        isinstance(config.strategy, BudgetSettings) and not is_named
        for config, is_named in zip(made, named, strict=True)
    )
