"""A curve drawn with the mouse, and one moved by the keyboard, find samples in a real browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.searching.drawing import Drawn
from store.questions import curves
from store.run import Run
from tests.synthetic import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=60, epochs=12)


def draw(page: Page, heights: list[float]) -> None:
    """Draws through these heights, 0 to 1, at even steps from the first to the last epoch."""
    box = page.locator(".field .stage").bounding_box()
    assert box is not None
    places = [
        (
            box["x"] + 2 + (box["width"] - 4) * step / (len(heights) - 1),
            box["y"] + box["height"] * (1 - height),
        )
        for step, height in enumerate(heights)
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def asked_curve(page: Page) -> Drawn | None:
    return Drawn.parse(str(page.evaluate("new URLSearchParams(location.search).get('curve') ?? ''")))


def test_a_drawn_curve_finds_the_nearest_samples(page: Page, serve: Callable[[Path], str], run: Run):
    page.goto(f"{serve(run.folder.parent)}/samples?run={run.id}&list=Drawn+curve")
    field = page.locator(".field")
    expect(field).to_have_attribute("data-state", "ready", timeout=30_000)
    expect(page.get_by_text("Let the engine draw")).to_be_visible(timeout=30_000)  # the whole page stands
    draw(page, [0.9, 0.5, 0.2, 0.1, 0.1])
    expect(page.locator(".behind polyline").first).to_be_attached(timeout=30_000)
    page.wait_for_function("location.search.includes('curve=')")
    drawn = asked_curve(page)
    assert drawn is not None
    assert drawn.heights[0] == pytest.approx(90, abs=4)
    assert drawn.heights[-1] == pytest.approx(10, abs=4)
    known = curves.matrix(run, "loss")
    nearest = curves.nearest(known, drawn.at_epochs(12), by="shape", top=48)
    first = page.locator(".st-key-card_curve .ut-gallery a b").first
    expect(first).to_have_text(f"#{nearest.ids[0]}", timeout=30_000)

    field.focus()
    page.keyboard.press("ArrowUp")
    expect(field.locator(".said")).to_contain_text("epoch 0, height")
    page.wait_for_function(f"!location.search.includes('{drawn.heights[0]:02d}{drawn.heights[1]:02d}')")
    moved = asked_curve(page)
    assert moved is not None
    assert moved.heights[0] == pytest.approx(drawn.heights[0] + 5, abs=1)
    assert moved.heights[1:] == drawn.heights[1:]
