"""A person sets up a run in a real browser, launches it with the keyboard, and sees it finish."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from store import queries
from store.run import Run, find_runs
from tests.browser.pictures import open_page, settle

NAME = "first try"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("new-run")


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label, exact=True)
    box.scroll_into_view_if_needed()
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
    expect(page.locator("[data-test-script-state=running]")).to_have_count(0)


def enter(page: Page, label: str, value: str) -> None:
    field = page.get_by_label(label, exact=True).first
    field.fill(value)
    field.press("Enter")


def set_up(page: Page) -> None:
    """Fills the form, with a mistake on the way that the card refuses."""
    card = page.locator(".st-key-launch_card")
    choose(page, "Source", "digits")
    expect(page.get_by_role("combobox", name="Model", exact=True)).to_have_value("ResNet-8")
    choose(page, "Strategy", "joint")
    expect(card).to_contain_text("Joint 50")
    choose(page, "Policy", "SADA")
    expect(card).to_contain_text("SADA: augments")
    enter(page, "Epochs", "0")
    expect(page.locator(".ut-refused")).to_have_text("must be at least 1; got 0")
    expect(card.get_by_role("button", name="Launch")).to_be_disabled()
    enter(page, "Epochs", "2")
    expect(card).to_contain_text("for 2 epochs")
    enter(page, "Name", NAME)
    expect(card.get_by_role("button", name="Launch")).to_be_enabled()


def see_it_finish(row: Locator) -> None:
    """Waits on Runs while the run goes from its place in the queue to its end."""
    state = row.locator(".ut-state")
    expect(state).to_have_text(re.compile("queued|running"), timeout=20_000)
    expect(row.get_by_role("img", name="of 2 epochs")).to_be_visible()
    expect(row.get_by_role("img", name="2 of 2 epochs")).to_be_visible(timeout=300_000)
    expect(state).to_have_text("done", timeout=20_000)


def test_a_run_is_set_up_launched_and_seen_to_finish(
    page: Page, serve: Callable[[Path], str], root: Path, artifacts: Path
) -> None:
    address = serve(root)
    open_page(page, f"{address}/new-run")
    set_up(page)
    page.screenshot(path=artifacts / "new-run.png")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=20_000)
    row = page.locator("[class*=st-key-run_]").filter(has_text=NAME)
    see_it_finish(row)
    (run,) = find_runs(root)
    settings = run.config()
    assert (settings["strategy"]["kind"], settings["policy"]["kind"]) == ("joint", "sada")
    assert (settings["name"], settings["model"]["kind"]) == (NAME, "resnet8")
    reached = f"{100 * measured(run)[-1]:.1f}"
    expect(row.locator(".ut-accuracy b")).to_contain_text(reached)

    row.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(NAME, timeout=20_000)
    settle(page)
    expect(page.get_by_test_id("stMetric").filter(has_text="Test accuracy")).to_contain_text(reached)
    epoch = page.get_by_role("slider", name="Epoch")
    assert [epoch.get_attribute(end) for end in ("min", "max")] == ["0", "1"]
    assert points(page, "Accuracy by epoch", "test") == pytest.approx(measured(run))


def measured(run: Run) -> list[float]:
    values: list[float] = queries.metrics(run)["test_accuracy"].tolist()
    return values


def points(page: Page, figure: str, trace: str) -> list[float]:
    """The heights that a trace of a figure on the page is drawn at."""
    chart = page.get_by_role("figure", name=figure).locator(".js-plotly-plot").first
    values: list[float] = chart.evaluate(
        "(chart, name) => Array.from(chart._fullData.find((trace) => trace.name === name).y)", trace
    )
    return values
