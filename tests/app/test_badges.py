"""Diagnostics on the overview: failures in full, the rest folded, the unknown never among the fine."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import cached, focus
from app.overview import badges
from app.views import VIEWS
from engine import diagnostics
from engine.diagnostics import DIAGNOSTICS, Badge
from engine.diagnostics.badge import Verdict
from store.run import Run
from tests.pages import texts
from tests.planting import Plant

NAMES = {view.__name__.rpartition(".")[2] for view in VIEWS}


def badge(
    verdict: Verdict, *, view: str = "noise", sentence: str = "is much.", ids: tuple[int, ...] = ()
) -> Badge:
    return Badge(f"The {verdict} one", verdict, "42 %", sentence, 7, "samples", "how it is", view, ids)


def test_a_run_without_a_failure_says_so(joint: Run):
    drawn = badges.content(joint, [badge("green"), badge("unknown")])
    assert "<summary>No known failure was found: 1 measured and fine · 1 not measured</summary>" in drawn


def test_a_run_of_which_nothing_was_measured_is_not_called_fine(joint: Run):
    assert "<summary>1 not measured</summary>" in badges.content(joint, [badge("unknown")])


def test_failures_come_first_and_the_rest_is_folded(joint: Run):
    drawn = badges.content(joint, [badge("unknown"), badge("green"), badge("red"), badge("green")])
    open_part, folded = drawn.split("<details>")
    assert re.findall(r">The (\w+) one</b>", open_part) == ["red"]
    assert re.findall(r">The (\w+) one</b>", folded) == ["green", "green", "unknown"]
    assert "<summary>2 measured and fine · 1 not measured</summary>" in folded


def test_an_unknown_one_shows_its_reason_and_neither_number_nor_link(joint: Run):
    drawn = badges.content(joint, [badge("unknown", sentence="Nobody knows.")])
    assert "Nobody knows." in drawn
    assert "42 %" not in drawn
    assert "n = 7" not in drawn
    assert "<a " not in drawn


def test_a_badge_has_its_number_n_definition_and_link(joint: Run):
    drawn = badges.content(joint, [badge("red")])
    assert "<b>42 %</b> is much. <small>n = 7 samples</small>" in drawn
    assert 'title="How it is"' in drawn
    assert f'<a href="/noise?run={joint.id}" target="_self" aria-label="The red one: see on noise">' in drawn


def test_texts_are_escaped(joint: Run):
    drawn = badges.content(joint, [badge("red", sentence="of class <b>&")], ["<script>"])
    assert "of class &lt;b&gt;&amp;" in drawn
    assert '<li class="ut-note">&lt;script&gt;</li>' in drawn


def test_a_link_carries_the_samples_that_fit_into_an_address(joint: Run):
    many = badge("red", view="map", ids=tuple(range(1000)))
    asked = badges.address(joint, many).partition("ids=")[2]
    assert asked.split("%2C") == [str(sample_id) for sample_id in range(focus.IDS_IN_URL)]


def test_every_link_leads_to_a_page_or_to_a_card_that_is_there(page: Callable[..., AppTest], tmp_path: Path):
    run = Plant().run(tmp_path)
    shown = page(tmp_path, "overview", run=run.id)
    cards = {chart.proto.id.rpartition("chart_")[2] for chart in shown.get("plotly_chart")}
    for found in (*(diagnostic(run) for diagnostic in DIAGNOSTICS), diagnostics.between_runs([run])):
        name, _, card = found.view.partition("#")
        assert name in NAMES, found.name
        assert not card or any(one.endswith(card) for one in cards), found.view


def test_the_overview_shows_every_diagnostic(page: Callable[..., AppTest], tmp_path: Path):
    run = Plant(metrics={"recall": 0.5}).run(tmp_path)
    said = texts(page(tmp_path, "overview", run=run.id))
    assert "HNSW recall" in said.split("<details>")[0]
    assert said.count("<li><i") == len(DIAGNOSTICS) + 1  # the last compares learning rates


def test_diagnostics_are_asked_once_for_the_same_data(joint: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNDERTOW_RUNS", str(joint.folder.parent))
    first = cached.badges(joint)
    monkeypatch.setattr(diagnostics, "diagnosed", None)
    assert cached.badges(joint) == first
