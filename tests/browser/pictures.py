"""Pictures of the pages: opened, waited for, and saved.

`python tests/browser/pictures.py RUNS` makes the README's twelve from a folder with a finished demo; with
`--all FOLDER` also every page in both modes at every size, to be looked at.
"""

import argparse
import math
import tempfile
import time
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

FOLDER = Path(__file__).parents[1] / "pictures"
SIZES = {"1280x720": (1280, 720), "1440x900": (1440, 900), "2560x1440": (2560, 1440)}


@dataclass(frozen=True)
class Picture:
    """One photograph: of which page, in which mode, and whether a lasso is drawn first."""

    name: str
    page: str
    scheme: Literal["light", "dark"]
    query: str = ""
    lasso: bool = False

    @property
    def file(self) -> str:
        """How the picture is called."""
        return f"{self.name}-{self.scheme}.png"


# The README's, each in one mode; with --all each in both.
README = (
    Picture("runs", "", "light"),
    Picture("new-run", "new-run", "dark"),
    Picture("studies", "studies", "light"),
    Picture("overview", "overview", "dark"),
    Picture("map", "map", "dark", lasso=True),
    Picture("samples", "samples", "light"),
    Picture("noise", "noise", "light"),
    Picture("ablations", "ablations", "light"),
    Picture("cost", "ablations", "dark", query="?section=costs"),
    Picture("sample-level", "ablations", "light", query="?section=sample_level"),
    Picture("what-if", "ablations", "dark", query="?section=what_if"),
    Picture("sql", "sql", "light"),
)


def open_page(page: Page, address: str) -> None:
    """Opens a page of the app and waits until it has settled."""
    page.goto(address)
    settle(page)


def settle(page: Page) -> None:
    """Waits until the script of the page has ended and everything on it is drawn."""
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
    """Starts the app over a folder with a finished demo and photographs the pages that are asked for."""
    from tests.browser import conftest

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, help="folder of a finished demo")
    parser.add_argument("--all", type=Path, help="folder for every page in both modes at every size")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        server, address = conftest.start_server(asked.runs.absolute(), Path(scratch))
        browser = playwright.chromium.launch(executable_path=conftest.chromium(), args=list(conftest.FLAGS))
        try:
            for picture in README:
                _keep(_photograph(browser, address, picture, "1440x900"), FOLDER / picture.file)
            for picture, size in product(_every_page() if asked.all else (), SIZES):
                file = f"{picture.name}-{picture.scheme}-{size}.png"
                _keep(_photograph(browser, address, picture, size), asked.all / file)
        finally:
            browser.close()
            server.terminate()


def _every_page() -> list[Picture]:
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    return [replace(picture, scheme=scheme) for picture, scheme in product(README, schemes)]


def _photograph(browser: Browser, address: str, picture: Picture, size: str) -> bytes:
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=picture.scheme)
    open_page(page, f"{address}/{picture.page}{picture.query}")
    if picture.lasso:
        draw_lasso(page)
        settle(page)
    page.wait_for_timeout(1000)  # the sprites
    written = page.screenshot(animations="disabled")
    page.close()
    return written


def _keep(written: bytes, path: Path) -> None:
    """Saves a picture as small as its colours allow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(BytesIO(written)).convert("RGB").save(path, optimize=True)


if __name__ == "__main__":
    main()
