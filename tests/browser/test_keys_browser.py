"""Keys that pages promise, pressed in a real browser; those of the map stand with its other tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from store.run import Run
from tests.browser.pictures import open_page, settle
from tests.synthetic import make_run

SAMPLES = 60


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=SAMPLES, epochs=4)


@pytest.fixture
def address(serve: Callable[[Path], str], run: Run) -> str:
    return serve(run.folder.parent)


def test_control_and_enter_run_the_query(page: Page, address: str, run: Run) -> None:
    open_page(page, f"{address}/sql?run={run.id}")
    expect(page.get_by_text("No query has been run on this run yet")).to_be_visible()
    query = page.get_by_role("textbox", name="Query")
    query.fill("SELECT sample_id FROM samples WHERE sample_id < 7")
    query.press("Control+Enter")
    expect(page.get_by_role("heading", name="Answer")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("n = 7 rows, 1 column")).to_be_visible()
    page.wait_for_url("**sql=SELECT*")


def test_j_and_k_step_through_samples(page: Page, address: str, run: Run) -> None:
    open_page(page, f"{address}/samples?run={run.id}&sample=5")
    number = page.get_by_label("Sample", exact=True)
    for key, sample in (("j", 6), ("j", 7), ("k", 6)):
        page.keyboard.press(key)
        expect(number).to_have_value(str(sample), timeout=15_000)
        page.wait_for_url(f"**sample={sample}*")
        settle(page)
    expect(page.get_by_role("img", name=f"sample {sample}, labelled").first).to_be_visible()
