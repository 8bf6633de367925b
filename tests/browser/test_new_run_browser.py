"""A person sets up a run in a real browser, launches it with the keyboard, and sees it finish."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from store.run import find_runs
from tests.browser.pictures import open_page


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("new-run")


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label, exact=True)
    box.scroll_into_view_if_needed()
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
    expect(page.locator("[data-test-script-state=running]")).to_have_count(0)


def test_a_run_is_set_up_launched_and_seen_to_finish(
    page: Page, serve: Callable[[Path], str], root: Path, artifacts: Path
) -> None:
    address = serve(root)
    open_page(page, f"{address}/new-run")
    card = page.locator(".st-key-launch_card")
    choose(page, "Source", "digits")
    choose(page, "Strategy", "joint")
    expect(card).to_contain_text("joint 50")
    choose(page, "Policy", "SADA")
    expect(card).to_contain_text("(SADA)")
    epochs = page.get_by_label("Epochs", exact=True).first
    epochs.fill("0")
    epochs.press("Enter")
    expect(page.locator(".ut-refused")).to_have_text("must be at least 1; got 0")
    expect(card.get_by_role("button", name="Launch")).to_be_disabled()
    epochs.fill("2")
    epochs.press("Enter")
    expect(card).to_contain_text("for 2 epochs")
    page.screenshot(path=artifacts / "new-run.png")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=20_000)
    expect(page.get_by_text("2 of 2 epochs")).to_be_visible(timeout=50_000)
    expect(page.locator(".ut-state").filter(has_text="done").first).to_be_visible(timeout=20_000)
    (run,) = find_runs(root)
    settings = run.config()
    assert (settings["strategy"]["kind"], settings["policy"]["kind"]) == ("joint", "sada")
