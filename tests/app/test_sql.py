"""The page SQL: what runs and what does not, what is shown, and where its rows lead."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import cell
from store.run import Run
from store.sql.recipes import RECIPES
from tests.pages import texts

Page = Callable[..., AppTest]


def run_query(at: AppTest, sql: str) -> AppTest:
    at.text_area(key="sql_editor").set_value(sql)
    button = next(button for button in at.button if button.label == "Run")
    return button.click().run()


def test_a_link_fills_the_editor_and_runs_nothing(
    page: Page, study_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell, "answer", lambda *_: pytest.fail("a link ran a query"))
    at = page(study_root, "sql", sql="SELECT 41 + 1 AS answer")
    assert at.text_area(key="sql_editor").value == "SELECT 41 + 1 AS answer"
    assert "No query has been run on this run yet" in texts(at)


def test_an_example_fills_the_editor_and_the_address(page: Page, study_root: Path) -> None:
    at = page(study_root, "sql")
    at.button(key="sql_example_1").click().run()
    assert at.text_area(key="sql_editor").value == RECIPES[1].sql
    assert at.query_params["sql"] == RECIPES[1].sql


def test_rows_are_shown_counted_and_lead_to_the_map(page: Page, study_root: Path, joint: Run) -> None:
    at = page(study_root, "sql", run=joint.id)
    run_query(at, "SELECT sample_id, loss FROM history WHERE sample_id IN (3, 5) ORDER BY sample_id")
    assert "n = 40 rows, 2 columns" in texts(at)
    at.button(key="sql_to_map").click().run()
    assert at.session_state["selection"] == (3, 5)


def test_no_row_and_no_sample_are_said(page: Page, study_root: Path) -> None:
    at = run_query(page(study_root, "sql"), "SELECT epoch FROM metrics WHERE epoch > 1000")
    assert "no row meets it" in texts(at)
    assert "sql_to_map" not in [button.key for button in at.button]


def test_a_refusal_is_shown_as_it_is_and_not_as_markup(page: Page, study_root: Path) -> None:
    at = run_query(page(study_root, "sql"), 'SELECT * FROM "![x](http://evil.example)<script>"')
    (error,) = at.error
    assert error.value.startswith("there is no table '\\!\\[x\\]\\(http\\:")


def test_the_tables_are_listed_with_their_columns_and_meanings(page: Page, study_root: Path) -> None:
    said = texts(page(study_root, "sql"))
    assert "<code>neighbour_distance</code><small>FLOAT</small>" in said
    assert "the rows of the 6 runs of the study" in said


def test_a_link_with_markup_as_its_run_draws_no_link(page: Page, study_root: Path) -> None:
    at = page(study_root, "runs", run="[click](http://evil.example)")
    assert all("[click](http" not in error.value for error in at.error)
