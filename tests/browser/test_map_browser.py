"""The map in a real browser: it plays, scrubs, lassoes, and page and server agree on who is inside."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocket, expect

from app.map import keyframes
from app.map.lasso import Lasso
from store.run import Run
from tests.synthetic import make_run
from tests.wider_map import plant_wider_map

SAMPLES, EPOCHS = 400, 12  # maps of epochs 0, 2, 4, 6, 8, 10


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=SAMPLES, epochs=EPOCHS)


class Choices:
    """The lassos that the page sent, read from its socket: what the server had to decide with."""

    def __init__(self, page: Page) -> None:
        self.polygons: list[dict[str, Any]] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._read)

    def _read(self, frame: str | bytes) -> None:
        text = frame.decode("latin-1") if isinstance(frame, bytes) else frame
        for found in re.findall(r'\{"polygon":.*?"serial":\d+\}', text):
            self.polygons.append(json.loads(found))


def open_map(page: Page, address: str, run: Run) -> None:
    page.goto(f"{address}/map?run={run.id}")
    wait_for_map(page)


def wait_for_map(page: Page) -> None:
    expect(page.locator(".map")).to_have_attribute("data-state", "ready", timeout=30_000)


def scrub(page: Page, *, start: float, end: float) -> None:
    """Drags the slider of the epochs from one share of its length to another."""
    box = page.locator(".track input").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * start - 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()


def draw_lasso(page: Page, *, radius: float, before_release: Callable[[], None] | None = None) -> None:
    """Draws a circle around the right half of the map with the mouse."""
    stage = page.locator(".overlay").bounding_box()
    assert stage is not None
    centre = (stage["x"] + stage["width"] * 0.6, stage["y"] + stage["height"] * 0.5)
    corners = [
        (
            centre[0] + radius * math.cos(turn / 30 * 2 * math.pi),
            centre[1] + radius * math.sin(turn / 30 * 2 * math.pi),
        )
        for turn in range(31)
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    if before_release:
        before_release()
    page.mouse.up()


def note_counts(page: Page) -> Callable[[], list[str]]:
    """Notes each count of the selection that the map shows from now on."""
    page.locator(".map").evaluate(
        """map => {
            window.counts = [];
            const note = () => window.counts.push(map.dataset.selected);
            new MutationObserver(note).observe(map, { attributeFilter: ["data-selected"] });
        }"""
    )
    return lambda: list(page.evaluate("window.counts"))


def inside_by_brute_force(run: Run, polygon: list[list[float]], epoch: int) -> list[int]:
    """Counts for each sample how often a ray to the right crosses the polygon."""
    frames = keyframes.keyframes(run, run.data_version())
    ids = []
    for sample_id, (x, y) in zip(frames.ids.tolist(), frames.at(epoch).tolist(), strict=True):
        crossings = 0
        for (xi, yi), (xj, yj) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            if min(yi, yj) <= y < max(yi, yj):
                crossings += xi + (y - yi) / (yj - yi) * (xj - xi) > x
        if crossings % 2:
            ids.append(sample_id)
    return ids


def selected(page: Page) -> int:
    metric = page.get_by_test_id("stMetric").filter(has_text="Selected").get_by_test_id("stMetricValue")
    return int(metric.inner_text().replace(",", ""))


def test_the_map_plays_and_steps(page: Page, serve: Callable[[Path], str], run: Run, artifacts: Path):
    open_map(page, serve(run.folder.parent), run)
    chart = page.locator(".map")
    expect(page.get_by_text("Nothing selected")).to_be_visible()
    page.screenshot(path=artifacts / "map-empty.png")

    chart.focus()
    page.keyboard.press("Space")  # from the first map to the last, where it stops by itself
    expect(page.locator(".play")).to_have_text("Pause")
    expect(chart).to_have_attribute("data-fps", re.compile(r"\d"), timeout=20_000)
    expect(page.locator(".play")).to_have_text("Play", timeout=20_000)
    expect(chart).to_have_attribute("data-epoch", "10")

    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("data-epoch", "7")
    page.wait_for_url("**epoch=7*")


def test_page_and_server_agree_on_who_is_in_a_lasso(
    page: Page, serve: Callable[[Path], str], run: Run, artifacts: Path
):
    choices = Choices(page)
    open_map(page, serve(run.folder.parent), run)
    chart = page.locator(".map")
    scrub(page, start=1, end=0.31)  # of 10 epochs
    expect(chart).to_have_attribute("data-epoch", "3")
    page.wait_for_url("**epoch=3*")

    counts = note_counts(page)
    draw_lasso(page, radius=170)
    expect(page.locator(".ut-gallery")).to_be_visible(timeout=20_000)
    assert len(choices.polygons) == 1
    expected = inside_by_brute_force(run, choices.polygons[0]["polygon"], epoch=3)
    assert 0 < len(expected) < SAMPLES
    assert (selected(page), choices.polygons[0]["epoch"]) == (len(expected), 3)
    expect(chart).to_have_attribute("data-selected", str(len(expected)))
    assert set(counts()) == {str(len(expected))}  # what the browser highlighted before the server answered
    page.screenshot(path=artifacts / "map-lasso.png")


def test_a_wider_map_between_drawing_and_deciding_changes_nobody_inside(
    page: Page, serve: Callable[[Path], str], tmp_path: Path
):
    live, choices = make_run(tmp_path, samples=SAMPLES, epochs=6), Choices(page)
    page.goto(f"{serve(tmp_path)}/map?run={live.id}&epoch=4")
    wait_for_map(page)
    before = keyframes.keyframes(live, live.data_version())
    counts = note_counts(page)

    draw_lasso(page, radius=170, before_release=lambda: plant_wider_map(live, epoch=5))
    expect(page.locator(".ut-gallery")).to_be_visible(timeout=20_000)
    polygon = choices.polygons[0]["polygon"]
    after = keyframes.keyframes(live, live.data_version())
    assert after.frame.side > 2 * before.frame.side
    drawn = Lasso(4, tuple((x, y) for x, y in polygon)).ids(before).tolist()
    assert 0 < len(drawn) < SAMPLES
    assert (selected(page), inside_by_brute_force(live, polygon, epoch=4)) == (len(drawn), drawn)
    assert set(counts()) == {str(len(drawn))}

    page.reload()  # the address holds the samples or the lasso that surrounds them
    wait_for_map(page)
    expect(page.locator(".map")).to_have_attribute("data-selected", str(len(drawn)))


def test_a_copied_address_shows_the_same_selection(
    page: Page, serve: Callable[[Path], str], run: Run, browser: Any
):
    open_map(page, serve(run.folder.parent), run)
    draw_lasso(page, radius=90)
    page.wait_for_url(re.compile("ids=|lasso="))
    count = selected(page)

    other = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    other.goto(page.url)
    wait_for_map(other)
    expect(other.locator(".map")).to_have_attribute("data-selected", str(count))
    other.close()


def test_a_thumbnail_opens_its_sample_and_keeps_the_selection(
    page: Page, serve: Callable[[Path], str], run: Run
):
    page.goto(f"{serve(run.folder.parent)}/map?run={run.id}&epoch=6&ids=3,5,8")
    wait_for_map(page)
    thumbnail = page.locator(".ut-gallery a").first
    sample = thumbnail.locator("b").inner_text().removeprefix("#")
    thumbnail.click()
    page.wait_for_url(f"**/samples?run={run.id}&epoch=6&sample={sample}&ids=3%2C5%2C8", timeout=20_000)


def test_a_click_shows_a_sample_and_escape_clears_it(
    page: Page, serve: Callable[[Path], str], run: Run, artifacts: Path
):
    open_map(page, serve(run.folder.parent), run)
    stage = page.locator(".overlay").bounding_box()
    assert stage is not None
    frames = keyframes.keyframes(run, run.data_version())
    tip = page.locator(".tip")
    for share in np.arange(0.05, 0.95, 0.01):  # along a line through the map until a point is met
        page.mouse.move(stage["x"] + share * stage["width"], stage["y"] + 0.5 * stage["height"])
        if tip.is_visible():
            break
    sample = tip.locator(".words div").first.inner_text().removeprefix("#")
    assert int(sample) in frames.ids
    page.screenshot(path=artifacts / "map-tip.png")
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_text(f"Sample {sample}", exact=True)).to_be_visible()

    page.locator(".map").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing selected")).to_be_visible()


def test_still_pictures_follow_each_other_where_motion_is_unwanted(
    page: Page, serve: Callable[[Path], str], run: Run
):
    page.emulate_media(reduced_motion="reduce")
    open_map(page, serve(run.folder.parent), run)
    seen = page.locator(".map").evaluate(
        """map => new Promise(done => {
            const seen = new Set(), button = map.querySelector(".play");
            new MutationObserver(() => seen.add(map.dataset.epoch)).observe(map, { attributes: true });
            const end = () => button.textContent === "Play" && done([...seen]);
            new MutationObserver(end).observe(button, { childList: true });
            button.click();
        })"""
    )
    assert set(seen) <= {"0", "2", "4", "6", "8", "10"}
    assert len(seen) > 2
