"""Draws the README's picture of accuracy against cost from the files in tests/studies, as the app draws it.

`PYTHONPATH=. python tests/results_picture.py` needs an installed Chromium. One chart a study whose arms
differ in cost; the others have nothing to say about it.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy import ndarray
from pandas import DataFrame
from PIL import Image
from playwright.sync_api import sync_playwright

from app import theme, wording
from app.ablations import bands, cost_chart, differences
from app.ablations.measures import AXIS_LABELS, Measure
from app.exporting import document
from app.panel import Panel
from app.studies import presets
from tests import results
from tests.browser import conftest
from tests.results import Content

BAND = "interval"
ASIDE = 0.02  # of the largest cost, between arms of equal cost
ACCURACY = Measure("test_accuracy", "Test accuracy", "share correct on the test set", is_share=True)


def points(content: Content) -> DataFrame:
    """Returns one row an arm: mean accuracy and cost over its seeds with 95 % intervals, for cost_chart."""
    rows = []
    for arm in content["arms"]:
        row: dict[str, Any] = {"group": arm["arm"], "key": arm["arm"], "done": True}
        for axis, name in (("y", ACCURACY.key), ("x", "backpropagated")):
            values = np.array([np.nan if value is None else value for value in arm["values"][name]], float)
            known = values[np.isfinite(values)]
            low, high = bands.ends(values, BAND)
            row |= {axis: known.mean() if len(known) else np.nan, f"{axis}_low": low, f"{axis}_high": high}
            row |= {"n": len(known)} if axis == "y" else {}
        rows.append(row)
    frame = DataFrame(rows)
    return frame.assign(front=differences.on_front(frame["x"].to_numpy(float), frame["y"].to_numpy(float)))


def side_by_side(costs: ndarray) -> ndarray:
    """Returns costs (arms,) of which equal ones stand a step apart, since else one hides another."""
    step, moved = ASIDE * float(np.nanmax(costs)), costs.copy()
    for cost in np.unique(costs[np.isfinite(costs)]):
        alike = np.flatnonzero((costs >= cost) & (costs < cost + step) & (moved == costs))
        moved[alike] += step * (np.arange(len(alike)) - (len(alike) - 1) / 2)
    return moved


def panels(found: Sequence[Content]) -> list[Panel]:
    """Returns a panel for each study whose arms are allowed to differ in what they back-propagate."""
    shown = [content for content in found if not presets.preset(content["preset"]).same_budget]
    return [_panel(content) for content in shown]


def picture(shown: Sequence[Panel]) -> bytes:
    """Returns the panels side by side as a PNG, drawn by a real browser."""
    page_text = document.document("Results", [], [("Accuracy against cost", document.panels(shown))])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=conftest.chromium(), args=list(conftest.FLAGS))
        page = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme="light")
        page.set_content(page_text)
        for chart in page.locator(".chart").all():
            chart.locator(".main-svg").first.wait_for()
        page.wait_for_function("document.fonts.status === 'loaded'")
        drawn = page.locator(".grid").screenshot(animations="disabled")
        browser.close()
    return drawn


def _panel(content: Content) -> Panel:
    preset, palette = presets.preset(content["preset"]), theme.LIGHT
    colors = {arm["arm"]: palette.categorical[place] for place, arm in enumerate(content["arms"])}
    x = AXIS_LABELS["backpropagated"]
    frame = points(content)
    moved = side_by_side(frame["x"].to_numpy(float)) - frame["x"]
    frame[["x", "x_low", "x_high"]] = frame[["x", "x_low", "x_high"]].add(moved, axis=0)
    return Panel(
        preset.title,
        cost_chart.costs(frame, palette, measure=ACCURACY, x=x, colors=colors),
        note=f"{results.asked_on(content)}. {wording.capital(bands.MEANINGS[BAND])}; arms of equal cost "
        "stand side by side. Dashed: Pareto front of the means",
        alt=f"{ACCURACY.label} against {x.lower()} by arm",
    )


if __name__ == "__main__":
    target = results.README.parent / results.PICTURE
    written = picture(panels(results.contents()))
    Image.open(BytesIO(written)).convert("RGB").save(target, optimize=True)
