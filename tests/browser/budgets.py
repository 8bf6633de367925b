"""The speed of the app as a person feels it, in a real browser on a large run, beside what was promised.

`python tests/browser/budgets.py [FOLDER]` writes runs of 50,000 samples and 200 epochs through the store
(kept in FOLDER for the next time), opens the app on them and prints a table. Nothing here is a test: a figure
depends on the machine and on what else runs on it.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.views import SECTIONS
from app.views import address as path_of
from store import queries
from store.run import Run
from tests import synthetic
from tests.browser import conftest
from tests.browser.pictures import draw_lasso, open_page

SAMPLES, EPOCHS, MAP_EVERY = 50_000, 200, 10
COMPARED_SAMPLES = 500  # what is compared are means by epoch, whose number does not depend on the samples
METHODS = ("joint", "random_subset")
SEEDS = 4
RERUNS = 300
NAME = "large"
# What stands above a page once it is the new one; Run overview is headed by the run.
PAGES = {path_of(view): view.TITLE for views in SECTIONS.values() for view in views} | {"overview": NAME}
PARTS = {
    "Curves": "by epoch", "Cost": "Groups compared", "Settings": "Settings side by side",
    "Samples": "Which samples flip", "What if": "What would be kept",
}  # fmt: skip
_SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid="stSkeleton"]')
    && !document.querySelector('[data-stale="true"]')
    && [...document.querySelectorAll('.stPlotlyChart')].every((chart) => chart.querySelector('.main-svg'));
}"""
_SCRUB = """async (map) => {
  const slider = map.querySelector('input'), spent = [];
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  }));
  for (let move = 0; move < 60; move += 1) {
    const begun = performance.now();
    slider.value = (move * 37) % 200;
    slider.dispatchEvent(new Event('input'));
    await painted();
    spent.push((performance.now() - begun) / 1000);
  }
  return spent;
}"""


@dataclass
class Table:
    """What was measured, in seconds or megabytes, beside its bound."""

    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, what: str, values: list[float], *, most: float, unit: str = "s") -> None:
        """Adds one line and prints it: median, 95th percentile, largest value, bound, whether it is met."""
        middle, late, worst = np.median(values), np.percentile(values, 95), max(values)
        row = {
            "what": what, "n": len(values), "median": round(float(middle), 4), "p95": round(float(late), 4),
            "max": round(float(worst), 4), "at most": most, "unit": unit, "met": bool(late <= most),
            "load": round(psutil.getloadavg()[0], 1),
        }  # fmt: skip
        self.rows.append(row)
        line = f"{what:<52} n {len(values):>3}  median {middle:8.3f}  p95 {late:8.3f}  max {worst:8.3f}"
        verdict = f"{'met' if late <= most else 'MISSED'}  (load {row['load']})"
        sys.stdout.write(f"{line} {unit}  at most {most:g}  {verdict}\n")
        sys.stdout.flush()


def main() -> None:
    """Writes the runs that are missing, measures, prints the table and saves it as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where the runs are kept; else they are deleted")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--json", type=Path, help="a file for the table")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = (asked.folder or Path(scratch) / "runs").absolute()
        table = Table()
        run = _runs(root, table, samples=asked.samples, epochs=asked.epochs)
        with sync_playwright() as playwright:
            path = conftest.chromium()
            browser = playwright.chromium.launch(executable_path=path, args=list(conftest.FLAGS))
            _measure(browser, root, run, table)
            browser.close()
    if asked.json:
        asked.json.write_text(json.dumps(table.rows, indent=1))


def _runs(root: Path, table: Table, *, samples: int, epochs: int) -> Run:
    """Returns the large run, folded, made before or now; questions of one sample are measured on the way."""
    marker = root / f"large-{samples}-{epochs}.json"
    if not marker.exists():
        sys.stdout.write(f"writing {samples:,} samples x {epochs} epochs, which takes some minutes\n")
        settings = (*synthetic.JOINT, f"maps.every={MAP_EVERY}", f"name={NAME}")
        run = synthetic.make_run(root, samples=samples, epochs=epochs, settings=settings)
        hot = _history_seconds(run)
        run.fold()
        for method in METHODS:
            for seed in range(SEEDS):
                study = (f"strategy.kind={method}", "policy.kind=sada", "study=eight", f"seed={seed}")
                small = synthetic.make_run(root, samples=COMPARED_SAMPLES, epochs=epochs, settings=study)
                small.fold()
        marker.write_text(json.dumps({"run": run.id, "hot": hot}))
    made = json.loads(marker.read_text())
    run = Run(root / made["run"])
    table.add("one sample's history, hot (when the runs were made)", made["hot"], most=0.2)
    table.add("one sample's history, folded", _history_seconds(run), most=0.05)
    return run


def _history_seconds(run: Run) -> list[float]:
    """Returns how long the question takes for samples all over the run, each asked once."""
    queries.history(run, [0])  # the first question attaches the database
    return [_seconds(lambda sample=sample: queries.history(run, [sample])) for sample in _some(run, 40)]


def _some(run: Run, amount: int) -> list[int]:
    count = int(run.about()["n"])
    return np.random.default_rng(0).choice(count, amount, replace=False).tolist()


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _measure(browser: Browser, root: Path, run: Run, table: Table) -> None:
    with _server(root) as (process, address, begun):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        open_page(page, f"{address}/?run={run.id}")
        table.add("first page after start", [time.perf_counter() - begun], most=4)
        _navigation(page, address, run, table)
        _samples(page, address, run, table)
        _map(page, address, run, table)
        _comparison(page, address, table)
        memory = psutil.Process(process).memory_info
        used = memory().rss / 1e6
        table.add("app process, every page opened", [used], most=300, unit="MB")
        _rerun(page, address, run)
        table.add(f"app process, {RERUNS} reruns later", [memory().rss / 1e6], most=300, unit="MB")
        table.add(f"growth over {RERUNS} reruns", [memory().rss / 1e6 - used], most=15, unit="MB")


@contextmanager
def _server(root: Path) -> Iterator[tuple[int, str, float]]:
    """Starts the app; yields its process id, its address and the moment of the start."""
    with tempfile.TemporaryDirectory() as elsewhere:
        begun = time.perf_counter()
        process, address = conftest.start_server(root, Path(elsewhere))
        try:
            yield process.pid, address, begun
        finally:
            process.terminate()
            process.wait(20)


def _navigation(page: Page, address: str, run: Run, table: Table) -> None:
    """Walks through all pages by their links: once to warm up, then five rounds that count."""
    open_page(page, f"{address}/?run={run.id}")
    spent: dict[str, list[float]] = {view: [] for view in PAGES}
    for turn in range(6):
        for place, (view, title) in enumerate(PAGES.items()):
            link = page.get_by_test_id("stPageLink-NavLink").nth(place)
            seconds = _until_settled(page, link.click, title)
            if turn:
                spent[view].append(seconds)
    for view, seconds in spent.items():
        table.add(f"navigation to {view}, settled", seconds, most=1)
    table.add("navigation between pages, settled", [one for some in spent.values() for one in some], most=1)


def _until_settled(page: Page, act: Callable[[], object], heading: str) -> float:
    """Returns the seconds from an act until what it leads to, known by its heading, is drawn as a whole."""

    def acted() -> None:
        act()
        page.locator("h1, h3").filter(has_text=heading).first.wait_for()
        page.wait_for_function(_SETTLED, polling=20)
        if heading == PAGES["map"]:
            expect(page.locator(".map")).to_have_attribute("data-state", "ready")

    return _seconds(acted)


def _samples(page: Page, address: str, run: Run, table: Table) -> None:
    """Enters one sample after the other; each history is asked for the first time."""
    open_page(page, f"{address}/samples?" + urlencode({"run": run.id, "sample": 1}))
    number = page.get_by_label("Sample", exact=True)
    spent = []
    for sample in _some(run, 15):

        def enter(sample: int = sample) -> None:
            number.fill(str(sample))
            number.press("Enter")
            page.wait_for_url(lambda url: f"sample={sample}&" in f"{url}&")

        spent.append(_until_settled(page, enter, PAGES["samples"]))
    table.add("Samples: another sample, settled", spent[1:], most=1)


def _map(page: Page, address: str, run: Run, table: Table) -> None:
    open_page(page, f"{address}/map?run={run.id}")
    stage = page.locator(".map")
    expect(stage).to_have_attribute("data-state", "ready", timeout=30_000)
    table.add("scrub to an epoch on the map, pixels", stage.evaluate(_SCRUB)[5:], most=0.033)
    spent = []
    for turn in range(6):
        stage.press("Escape")
        expect(page.get_by_text("Nothing selected", exact=True).first).to_be_visible()
        begun = draw_lasso(page, around=(0.45 + 0.02 * turn, 0.25), radius=0.24)
        page.wait_for_function(_SETTLED, polling=10)
        expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
        spent.append(time.perf_counter() - begun)
    table.add("lasso to thumbnails and table", spent[1:], most=0.6)


def _comparison(page: Page, address: str, table: Table) -> None:
    """Opens the comparison of eight runs, then changes its metric back and forth."""
    open_page(page, f"{address}/ablations?study=eight")
    link = page.get_by_test_id("stPageLink-NavLink")
    views, spent = list(PAGES), []
    for _ in range(6):
        _until_settled(page, link.nth(views.index("runs")).click, PAGES["runs"])
        there = link.nth(views.index("ablations"))
        spent.append(_until_settled(page, there.click, PARTS["Curves"]))
    table.add("compare 8 runs with bands", spent[1:], most=1)
    parts = page.get_by_role("radiogroup", name="Section").get_by_role("radio")
    names = list(PARTS)
    for place, name in enumerate(names):
        spent = []
        for _ in range(6):
            _until_settled(page, parts.nth(place - 1).click, PARTS[names[place - 1]])
            spent.append(_until_settled(page, parts.nth(place).click, PARTS[name]))
        table.add(f"Ablations: section {name}", spent[1:], most=1)


def _rerun(page: Page, address: str, run: Run) -> None:
    """Steps through samples with the keyboard: each step is a rerun with new data."""
    open_page(page, f"{address}/samples?" + urlencode({"run": run.id, "sample": 1}))
    for step in range(RERUNS):
        page.keyboard.press("j")
        page.wait_for_url(lambda url, step=step: f"sample={step + 2}&" in f"{url}&")
        page.wait_for_function(_SETTLED, polling=20)


if __name__ == "__main__":
    main()
