"""The sliders of What if: the settings of a selection, from those of a run, all of them ones a run can have.

Bounds, words and defaults come from the models of the settings, as those of the form New run do.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from pydantic import BaseModel

from app import markup, naming
from app.new_run import fields
from app.new_run.fields import Setting
from engine.config import STRATEGIES, RunConfig
from engine.consistency.settings import NoConsistency
from engine.selection.budget import RankedSettings

_STEPS = {
    "keep": 0.01,
    "rarity_exponent": 0.05,
    "consistency_exponent": 0.05,
    "min_consistency": 0.01,
    "max_rarity": 0.01,
    "drop_chance": 0.01,
    "clip": 0.005,
}
_CHOICES = {"draw": ("temperature",)}  # and the settings that only another choice than the first needs
_NEEDS_CONSISTENCY = ("joint", "consistency_only")
_NEEDS_RARITY = ("joint", "rarity_only")
_TIMES = "what_if_times"


def draw(base: RunConfig, run_id: str) -> RunConfig:
    """Draws the sliders, which start at the run's settings, and returns the run's config with theirs."""
    key = f"what_if_{run_id}_{st.session_state.get(_TIMES, 0)}"
    kind = _kind(base, key)
    own = base.strategy.model_dump() if kind == base.strategy.kind else _shared(base, kind)
    model = next(one for one in STRATEGIES if _kind_of(one) == kind)
    values = _sliders(model, own, f"{key}_{kind}")
    strategy = model.model_validate({**own, **values})
    clip = base.density.clip
    if issubclass(model, RankedSettings) and kind != "consistency_only":
        clip = _slider(_setting(type(base.density), "clip"), clip, key)
    if not values and kind == "everything":
        st.caption("All samples are kept in every epoch: choose another strategy to move its settings.")
    st.button("Back to the run's settings", key="what_if_reset", icon=":material/undo:", on_click=_reset)
    density = base.density.model_copy(update={"clip": clip})
    return base.model_copy(update={"strategy": strategy, "density": density})


def _kind(base: RunConfig, key: str) -> str:
    kinds = [_kind_of(model) for model in STRATEGIES]
    if isinstance(base.consistency, NoConsistency):
        kinds = [kind for kind in kinds if kind not in _NEEDS_CONSISTENCY]
    if not base.density.seeks:
        kinds = [kind for kind in kinds if kind not in _NEEDS_RARITY]
    chosen = st.selectbox(
        "Strategy", kinds, index=kinds.index(base.strategy.kind), key=f"{key}_kind",
        format_func=naming.word, persist_state="session",
        help="Another strategy goes by the same logged terms; it starts from what it shares with the run's",
    )  # fmt: skip
    return str(chosen)


def _shared(base: RunConfig, kind: str) -> dict[str, Any]:
    """Returns what another kind takes over from the run's strategy: the settings of the same name."""
    model = next(one for one in STRATEGIES if _kind_of(one) == kind)
    own = base.strategy.model_dump()
    taken = {name: value for name, value in own.items() if name in model.model_fields and name != "kind"}
    return {**model().model_dump(), **taken}


def _sliders(model: type[BaseModel], own: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Draws one control a setting that the strategy has, and returns what they say, by name."""
    names = [name for name in (*_STEPS, *_CHOICES) if name in model.model_fields]
    values: dict[str, Any] = {}
    for name in names:
        setting = _setting(model, name)
        if name not in _CHOICES:
            values[name] = _slider(setting, own[name], key)
            continue
        values[name] = st.segmented_control(
            setting.label, setting.choices, default=own[name], required=True, key=f"{key}_{name}",
            persist_state="session", format_func=naming.word, help=markup.markdown(setting.help),
        )  # fmt: skip
        if values[name] != setting.choices[0]:
            values |= {inner: _number(_setting(model, inner), own[inner], key) for inner in _CHOICES[name]}
    return values


def _slider(setting: Setting, value: float, key: str) -> float:
    low, high = setting.bounds["ge"], setting.bounds["le"]
    chosen = st.slider(
        setting.label, float(low), float(high), float(value), _STEPS[setting.name], format="%.3g",
        key=f"{key}_{setting.name}", persist_state="session", help=markup.markdown(setting.help),
    )  # fmt: skip
    return float(chosen)


def _number(setting: Setting, value: float, key: str) -> float:
    low, high = setting.bounds["ge"], setting.bounds["le"]
    chosen = st.number_input(
        setting.label, float(low), float(high), float(value), setting.step, format="%g",
        key=f"{key}_{setting.name}", persist_state="session", help=markup.markdown(setting.help),
    )  # fmt: skip
    return float(chosen)


def _setting(model: type[BaseModel], name: str) -> Setting:
    return next(setting for setting in fields.settings(model) if setting.name == name)


def _kind_of(model: type[BaseModel]) -> str:
    return str(model.model_fields["kind"].default)


def _reset() -> None:
    """Begins the sliders anew, at the settings of the run."""
    st.session_state[_TIMES] = st.session_state.get(_TIMES, 0) + 1
