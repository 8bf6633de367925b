"""How a run was made: its data, machine and versions, its settings, and all its numbers to take away.

Whoever reads a figure of the run elsewhere finds here what it takes to train it again.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from pandas import DataFrame

from app import cached, cards, markup, naming, wording
from app.overview import bundle
from engine.diagnostics import Badge
from store.run import Run


def draw(run: Run, found: Sequence[Badge], *, report: Callable[[], str]) -> None:
    """Draws the card; found: the diagnostics, which go into the archive; report: writes the run's report."""
    config, tables = run.config(), _tables(run)
    documents = {"settings": config, "environment": run.about()}
    with st.container(border=True, key="card_facts"):
        cards.head("How it was made")
        cards.html(markup.facts(facts(run)))
        with st.container(horizontal=True):
            with st.popover("Settings as JSON"):
                st.json(config, expanded=2)
            st.download_button(
                "Download settings", json.dumps(config, indent=2), file_name=f"{run.id}.json",
                mime="application/json", on_click="ignore", icon=":material/download:",
                help="To train the run again",
            )  # fmt: skip
            st.download_button(
                "Download all numbers", lambda: bundle.archive(tables, documents, found), key="overview_all",
                file_name=f"{run.id}.zip", mime="application/zip", on_click="ignore",
                icon=":material/folder_zip:", help="All numbers of this page, its settings and environment",
            )  # fmt: skip
            st.download_button(
                "Report", report, key="overview_report", file_name=f"report-{run.id}.html", mime="text/html",
                on_click="ignore", icon=":material/summarize:",
                help="This page and the top suspects as one HTML file that opens offline",
            )  # fmt: skip


def _tables(run: Run) -> dict[str, DataFrame]:
    tables = {"metrics": cached.metrics(run), "kept-noise": cached.kept_noise(run)}
    for signal in ("strength", "variance"):
        tables[signal] = cached.epoch_stats(run, signal).drop(columns=["histogram"], errors="ignore")
    return tables


def facts(run: Run) -> dict[str, object]:
    """Returns what the run was made of and by, as name and value."""
    about = run.about()
    versions = ", ".join(f"{name} {version}" for name, version in about.get("versions", {}).items())
    flipped = about.get("flipped")
    return {
        "Run": run.id,
        "Samples": f"{wording.count(about.get('n'))} in {len(about.get('class_names', []))} classes",
        "Flipped labels": wording.UNKNOWN if flipped is None else wording.count(flipped),
        "Encoder": about.get("encoder") or "none",
        "Consistency AUROC": wording.number(about.get("consistency_auroc")),
        "Number format": _with_reason(about, "precision"),
        "Neighbours by": _with_reason(about, "index"),
        "Device": f"{about.get('device', '–')}, {wording.plural(about.get('threads', 1), 'thread')}",
        "Machine": _machine(about),
        "Code": _code(about.get("git") or {}),
        "Seed": run.config().get("seed", wording.UNKNOWN),
        "Versions": versions or wording.UNKNOWN,
    }


def _with_reason(about: dict[str, Any], name: str) -> str:
    """Returns what the engine took and why, as far as it said so."""
    said = (naming.word(about.get(name) or ""), str(about.get(f"{name}_reason") or ""))
    return ": ".join(filter(None, said)) or wording.UNKNOWN


def _machine(about: dict[str, Any]) -> str:
    cores = wording.plural(about["cores"], "core") if "cores" in about else ""
    features = " ".join(map(str, about.get("cpu") or ()))
    return ", ".join(filter(None, (about.get("platform"), cores, features))) or wording.UNKNOWN


def _code(state: dict[str, Any]) -> str:
    if not state.get("commit"):
        return wording.UNKNOWN
    return f"commit {state['commit'][:12]}{', with uncommitted changes' if state.get('changed') else ''}"
