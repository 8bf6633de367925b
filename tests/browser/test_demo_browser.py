"""The finished demo as a newcomer sees it in a real browser: the finding, then every page."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from app.views import SECTIONS, ablations
from app.views import address as path_of
from store import queries
from store.run import Run
from tests.browser.pictures import SIZES, draw_lasso, open_page, settle
from tests.browser.watching import watched

VIEWS = [path_of(view) for views in SECTIONS.values() for view in views]
SCHEMES = ("light", "dark")
# The page scrolls in a frame of its own: what is too wide for it never widens the document.
FITS = """() => [document.scrollingElement, ...document.querySelectorAll(
  '[data-testid="stAppViewContainer"], [data-testid="stMain"], [data-testid="stMainBlockContainer"]')]
  .every((frame) => frame.scrollWidth <= frame.clientWidth)"""


@pytest.fixture
def address(serve: Callable[[Path], str], demo_root: Path) -> str:
    return serve(demo_root)


@pytest.fixture
def joint(demo_runs: list[Run]) -> Run:
    return next(run for run in demo_runs if run.config()["strategy"]["kind"] == "joint")


def path(view: str) -> str:
    return "" if view == "runs" else view


def test_the_first_page_answers_a_question_at_once(page: Page, address: str, demo_runs: list[Run]) -> None:
    open_page(page, address)
    expect(page.get_by_text("Labelled", exact=False).first).to_be_visible()
    expect(page.get_by_text("Its true label is", exact=False)).to_be_visible()
    expect(page.get_by_text("below the cut", exact=False)).to_be_visible()
    expect(page.get_by_text("20 of 20 epochs")).to_have_count(len(demo_runs))
    rows = page.get_by_role("row").filter(has_text="joint 50 % + SADA")
    expect(rows.first).to_contain_text("3")
    page.get_by_text("See its whole life").click()
    expect(page.get_by_text("Why: dropped in epoch 19")).to_be_visible(timeout=15_000)
    assert "sample=" in page.url
    assert "epoch=19" in page.url


def test_a_link_reproduces_a_view(page: Page, address: str, joint: Run) -> None:
    suspect = int(queries.suspects(joint, by="consistency", top=1).sample_id.iloc[0])
    open_page(page, f"{address}/samples?run={joint.id}&sample={suspect}&epoch=7")
    expect(page.get_by_text("in epoch 7", exact=False).first).to_be_visible()
    assert page.get_by_label("Sample", exact=True).input_value() == str(suspect)


def test_a_lasso_on_the_map_says_who_is_inside(page: Page, address: str, joint: Run, artifacts: Path) -> None:
    open_page(page, f"{address}/map?run={joint.id}")
    draw_lasso(page, radius=0.45)
    selected = page.get_by_test_id("stMetric").filter(has_text="Selected")
    expect(selected).to_be_visible()
    count = int(selected.get_by_test_id("stMetricValue").inner_text().replace(",", ""))
    assert 20 < count <= 1437
    expect(page.locator(".ut-mix")).to_be_visible()
    page.screenshot(path=artifacts / "demo-map-lasso.png")


def test_suspects_are_ranked_and_mostly_flipped(page: Page, address: str, joint: Run) -> None:
    open_page(page, f"{address}/noise?run={joint.id}")
    expect(page.get_by_text("Top 48 suspects", exact=False)).to_be_visible()
    ranked = queries.suspects(joint, by="mean_rank", top=48)
    flipped = int((ranked.label != ranked.true_label).sum())
    assert flipped > 30
    expect(page.get_by_text(f"{flipped} have a flipped label", exact=False)).to_be_visible()


def check(page: Page, artifacts: Path, name: str, *, pictured: Sequence[str] = tuple(SIZES)) -> None:
    """Holds what is shown to showing no failure and to fitting every size of screen; photographs some."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(FITS)
        if size in pictured:
            page.screenshot(path=artifacts / f"{name}-{size}.png", animations="disabled")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("view", VIEWS)
def test_every_page_fits_and_shows_no_error(
    browser: Browser, address: str, joint: Run, artifacts: Path, view: str, scheme: Literal["light", "dark"]
) -> None:
    with watched(browser, color_scheme=scheme) as page:
        open_page(page, f"{address}/{path(view)}?run={joint.id}")
        app = page.get_by_test_id("stApp")
        background = app.evaluate("element => getComputedStyle(element).backgroundColor")
        assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 18, 22)"}[scheme]
        check(page, artifacts, f"{view}-{scheme}")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_section_of_ablations_fits_and_shows_no_error(
    browser: Browser, address: str, artifacts: Path, scheme: Literal["light", "dark"]
) -> None:
    with watched(browser, color_scheme=scheme) as page:
        open_page(page, f"{address}/ablations")
        sections = page.get_by_role("radiogroup", name="Section")
        for section in ablations.SECTIONS[1:]:  # the first is the page as it opens
            sections.get_by_role("radio", name=section.TITLE, exact=True).click()
            page.wait_for_url(f"**section={path_of(section).replace('-', '_')}*")
            settle(page)
            check(page, artifacts, f"ablations-{path_of(section)}-{scheme}", pictured=["1440x900"])


def test_a_new_study_fits_and_shows_no_error(page: Page, address: str, artifacts: Path) -> None:
    open_page(page, f"{address}/studies")
    page.get_by_role("radio", name="New study", exact=True).click()
    expect(page.locator(".st-key-study_launch, .st-key-study_ask").first).to_be_visible()
    settle(page)
    check(page, artifacts, "studies-new", pictured=["1440x900"])
