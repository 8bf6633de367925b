"""Pictures of the pages: opened, waited for, and saved.

`python tests/browser/pictures.py RUNS` makes the README's two from a folder with a finished demo.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect

FOLDER = Path(__file__).parents[1] / "pictures"
SIZES = {"1280x720": (1280, 720), "1440x900": (1440, 900)}


def open_page(page: Page, address: str) -> None:
    """Opens a page of the app and waits until its script has ended and nothing is drawn as stale."""
    page.goto(address)
    expect(page.locator("h1").first).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=30_000
    )
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=30_000)
    page.wait_for_function("document.fonts.status === 'loaded'")
    for chart in page.locator(".stPlotlyChart").all():
        expect(chart.locator(".main-svg").first).to_be_visible(timeout=30_000)


def draw_lasso(page: Page, *, around: tuple[float, float] = (0.5, 0.5), radius: float = 0.2) -> float:
    """Draws a circle on the map with the mouse; place and radius in shares of its width and height.

    Returns the moment at which the mouse was let go, once the panel shows what is inside.
    """
    expect(page.locator(".map")).to_have_attribute("data-state", "ready", timeout=30_000)
    stage = page.locator(".overlay").bounding_box()
    assert stage is not None
    turns = [2 * math.pi * step / 40 for step in range(41)]
    corners = [
        (
            stage["x"] + stage["width"] * around[0] + stage["height"] * radius * math.cos(turn),
            stage["y"] + stage["height"] * (around[1] + radius * math.sin(turn)),
        )
        for turn in turns
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners:
        page.mouse.move(*corner)
    page.mouse.up()
    released = time.perf_counter()
    expect(page.locator(".ut-mix").first).to_be_visible(timeout=15_000)
    return released


def main() -> None:
    """Starts the app over a folder with a finished demo and saves the README's pictures."""
    from playwright.sync_api import sync_playwright

    from tests.browser import conftest

    parser = argparse.ArgumentParser(description="Makes the README's pictures.")
    parser.add_argument("runs", type=Path, help="folder of a finished demo")
    root = parser.parse_args().runs.absolute()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        server, address = conftest.start_server(root, Path(scratch))
        browser = playwright.chromium.launch(executable_path=conftest.chromium(), args=list(conftest.FLAGS))
        width, height = SIZES["1440x900"]
        for scheme, name, path in (("light", "demo", "/"), ("dark", "map", "/map")):
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            open_page(page, address + path)
            if name == "map":
                draw_lasso(page)
            page.wait_for_timeout(1000)  # the sprites of the selection
            page.screenshot(path=FOLDER / f"{name}-{scheme}.png")
        browser.close()
        server.terminate()


if __name__ == "__main__":
    main()
