"""Which runs are compared: those of a study, any others beside them, and what of them can be read.

The whole study stands in the address as its name, so that a link made while it trains shows later runs too.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import focus, naming
from app.ablations import choices
from app.studies import members as study
from app.studies import reading
from app.studies.members import Member
from store.errors import RunIsForeign
from store.run import Run

WITHOUT_STUDY = 12  # so many of the newest runs are compared where no study is

Configs = dict[str, dict[str, Any]]


def pick(runs: Sequence[Run]) -> list[Run]:
    """Draws the two lists of which runs are chosen and returns the chosen ones, newest first."""
    configs = _configs(runs)
    studies = _studies(configs)
    left, right = st.columns([1, 2], gap="medium")
    with left:
        name = _pick_study(studies)
    of_study = studies.get(name, [])
    titles = naming.run_titles(configs)
    others = {run_id: _title(titles, configs, run_id) for run_id in configs if run_id not in of_study}
    others |= {run.id: f"{run.id}, damaged" for run in runs if run.id not in configs}
    newest = [] if name else list(configs)[:WITHOUT_STUDY]
    with right:
        more = choices.several("More runs" if name else "Runs", "runs", others, default=newest)
    return [run for run in runs if run.id in {*of_study, *more}]


def read(runs: Sequence[Run]) -> tuple[list[Member], list[tuple[Run, str]]]:
    """Returns the runs as queued, and apart the damaged ones, each with what is wrong with it."""
    members, damaged = reading.read(sorted(runs, key=lambda run: run.id))
    return [member for group in study.by_study(members).values() for member in group], damaged


def _configs(runs: Sequence[Run]) -> Configs:
    configs: Configs = {}
    for run in runs:
        try:
            configs[run.id] = run.config()
        except RunIsForeign:
            continue
    return configs


def _studies(configs: Configs) -> dict[str, list[str]]:
    """Returns the ids of the runs of each study, the studies in order of appearance."""
    studies: dict[str, list[str]] = {}
    for run_id, config in configs.items():
        if name := str(config.get("study") or ""):
            studies.setdefault(name, []).append(run_id)
    return studies


def _pick_study(studies: dict[str, list[str]]) -> str:
    asked = focus.choice("study")
    if asked and asked not in studies:
        st.warning(f"No run names the study {asked!r} any more; another one is shown.")
        focus.choose("study", None)
        asked = None
    usual = "" if focus.choice("runs") else study.featured(studies) or ""
    options = {**{name: name for name in studies}, "": "No study, the runs beside"}
    name = choices.selected("Study", "study", options, default=usual)
    if name and name != asked:
        focus.choose("study", name)  # a link shows this study even when a newer one is featured
    return name


def _title(titles: dict[str, str], configs: Configs, run_id: str) -> str:
    name = configs[run_id].get("study")
    return f"{titles[run_id]} · {name}" if name else titles[run_id]
