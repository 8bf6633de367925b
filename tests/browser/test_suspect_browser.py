"""From a lasso on the map to one suspect's whole life and back, with everything in the address."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from store import queries
from store.run import Run
from tests.browser.conftest import VIEWPORT
from tests.browser.pictures import draw_lasso, open_page, settle
from tests.browser.watching import watched

SUSPECTS = 14  # that the map marks: 1 % of 1,437 samples


@pytest.fixture
def joint(demo_runs: list[Run]) -> Run:
    return next(run for run in demo_runs if run.config()["strategy"]["kind"] == "joint")


@pytest.fixture
def address(serve: Callable[[Path], str], demo_root: Path) -> str:
    return serve(demo_root)


def selected(page: Page) -> int:
    value = page.get_by_test_id("stMetric").filter(has_text="Selected").get_by_test_id("stMetricValue")
    return int(value.inner_text().replace(",", ""))


def asked(page: Page) -> dict[str, str]:
    """What the address of the page asks for, by name."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def thumbnail_of(page: Page, suspects: set[int]) -> int:
    """The first sample in the gallery that is one of these."""
    shown = page.locator(".st-key-map_panel .ut-gallery a b")
    expect(shown.first).to_be_visible()
    listed = [int(text.removeprefix("#")) for text in shown.all_inner_texts()]
    return next(sample for sample in listed if sample in suspects)


def told(page: Page) -> tuple[str | None, list[str]]:
    """What Samples tells about one sample: the summary of its history, and the words of its cards."""
    life = page.get_by_role("figure", name=re.compile("^Ten signals")).get_attribute("aria-label")
    cards = [page.locator(f".st-key-card_{card}").inner_text() for card in ("image", "why", "chain")]
    return life, [re.sub(r"\s+", " ", card) for card in cards]


def follow_menu(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible(timeout=20_000)
    settle(page)


def test_a_suspect_in_a_lasso_tells_its_life_and_back_leads_to_the_selection(
    browser: Browser, page: Page, address: str, joint: Run, artifacts: Path
) -> None:
    suspects = {int(one) for one in queries.suspects(joint, by="mean_rank", top=SUSPECTS).sample_id}
    open_page(page, f"{address}/map?run={joint.id}")
    page.get_by_role("radio", name="Suspects", exact=True).click()
    expect(page.locator(".map .legend")).to_contain_text("suspect")
    draw_lasso(page, radius=0.45)
    count = selected(page)
    suspect = thumbnail_of(page, suspects)
    page.get_by_role("link", name=re.compile(f"^sample {suspect},")).click()

    history = queries.history(joint, [suspect])
    why = page.locator(".st-key-card_why").get_by_role("heading")
    expect(why).to_have_text(re.compile("^Why: (kept|dropped) in epoch 19"), timeout=20_000)
    settle(page)
    assert page.get_by_label("Sample", exact=True).input_value() == str(suspect)
    assert (asked(page)["run"], asked(page)["sample"]) == (joint.id, str(suspect))
    life = f"kept in {int(history.selected.sum())} of {len(history)}"
    expect(page.get_by_role("figure", name=re.compile("^Ten signals"))).to_have_accessible_name(
        re.compile(life)
    )
    page.screenshot(path=artifacts / "suspect.png")
    here, words = page.url, told(page)

    page.go_back()
    expect(page.get_by_role("heading", name="Map", level=1)).to_be_visible(timeout=20_000)
    expect(page.locator(".map")).to_have_attribute("data-selected", str(count), timeout=20_000)
    assert selected(page) == count

    stranger = browser.new_context(viewport=VIEWPORT)
    with watched(stranger) as opened:
        open_page(opened, here)
        assert told(opened) == words
        follow_menu(opened, "Map")
        expect(opened.locator(".map")).to_have_attribute("data-selected", str(count), timeout=20_000)
    stranger.close()


def epoch_shown(page: Page) -> str:
    return page.get_by_role("slider", name="Epoch").input_value()


def test_epoch_and_selection_follow_over_the_pages_and_stay_in_the_address(
    page: Page, address: str, joint: Run
) -> None:
    open_page(page, f"{address}/map?run={joint.id}&epoch=9")
    draw_lasso(page, radius=0.1)
    stage = page.locator(".map")
    stage.focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    page.wait_for_url("**epoch=7*")
    count, focus = selected(page), asked(page)
    assert focus.keys() & {"ids", "lasso"}

    follow_menu(page, "Samples")
    page.get_by_role("radio", name="Selection", exact=True).click()
    expect(page.get_by_text(f"of the {count:,} in the list")).to_be_visible(timeout=15_000)
    assert epoch_shown(page) == "7"
    follow_menu(page, "Noise")
    assert epoch_shown(page) == "7"
    follow_menu(page, "Ablations")
    assert focus.items() <= asked(page).items()
    follow_menu(page, "Map")
    expect(stage).to_have_attribute("data-epoch", "7")
    expect(stage).to_have_attribute("data-selected", str(count))
    assert selected(page) == count
