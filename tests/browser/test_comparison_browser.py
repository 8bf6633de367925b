"""Two methods with three seeds each, compared: every number on the page against numpy over the metrics."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy import ndarray
from playwright.sync_api import Locator, Page, expect
from scipy import stats

from store import queries
from store.run import Run
from tests.browser.pictures import open_page, settle

JOINT, FULL = "joint 50 % + SADA", "all samples + random strength"
ROUNDED = 0.05 + 1e-9  # what one decimal hides
TRACES = r"""(chart, name) => chart._fullData
  .filter((trace) => trace.name.replaceAll("\u00a0", " ") === name)
  .map((trace) => ({ isBand: trace.fill === "toself", y: Array.from(trace.y) }))"""


class Apart(NamedTuple):
    """A mean difference in points, seed by seed, with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, one: ndarray, other: ndarray) -> "Apart":
        """Student's paired t interval over the seeds."""
        apart = 100 * (one - other)
        error = apart.std(ddof=1) / math.sqrt(len(apart))
        low, high = stats.t.interval(0.95, len(apart) - 1, loc=apart.mean(), scale=error)
        return cls(float(apart.mean()), float(low), float(high))


@pytest.fixture
def accuracies(demo_runs: list[Run]) -> dict[str, ndarray]:
    """Test accuracy of the two methods, (seeds, epochs), by the name that the page gives them."""
    found = {}
    for name, kind in ((JOINT, "joint"), (FULL, "everything")):
        of_method = [run for run in demo_runs if run.config()["strategy"]["kind"] == kind]
        by_seed = sorted(of_method, key=lambda run: int(run.config()["seed"]))
        found[name] = np.array([queries.metrics(run)["test_accuracy"] for run in by_seed])
    assert [len(values) for values in found.values()] == [3, 3]
    return found


@pytest.fixture
def study(demo_runs: list[Run]) -> str:
    return str(demo_runs[0].config()["study"])


@pytest.fixture
def address(serve: Callable[[Path], str], demo_root: Path) -> str:
    return serve(demo_root)


def plain(words: str) -> str:
    """Text with ordinary spaces and minus signs."""
    return words.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


def numbers(words: str) -> list[float]:
    return [float(found) for found in re.findall(r"[+-]?\d+(?:\.\d+)?", plain(words).replace(",", ""))]


def cells(page: Page, table: str, row: str) -> dict[str, str]:
    """The cells of a row, by the head of their column; row: how its first cell begins."""
    shown = page.get_by_role("table", name=table)
    heads = shown.get_by_role("columnheader").all_inner_texts()
    for found in shown.get_by_role("row").all()[1:]:
        words = found.get_by_role("cell").all_inner_texts()
        if plain(words[0]).startswith(row):
            return {head: plain(word) for head, word in zip(heads, words, strict=True)}
    raise AssertionError(f"no row of {table} begins with {row}")


def drawn(chart: Locator, name: str) -> tuple[list[float], list[float]]:
    """The heights of a group's mean, and of the outline of its band."""
    traces: list[dict[str, Any]] = chart.locator(".js-plotly-plot").first.evaluate(TRACES, name)
    (mean,) = (trace["y"] for trace in traces if not trace["isBand"])
    (band,) = (trace["y"] for trace in traces if trace["isBand"])
    return mean, [height for height in band if height is not None]


def outline(values: ndarray, half: ndarray) -> list[float]:
    """The band around the mean as it is drawn: there above, back below, and closed."""
    mean = values.mean(axis=0)
    above, below = mean + half, (mean - half)[::-1]
    return [*above, *below, above[0]]


def check_verdict(said: str, accuracies: dict[str, ndarray]) -> None:
    """Holds the sentence about selection against full data to what the paired differences are."""
    found = Apart.of(accuracies[JOINT][:, -1], accuracies[FULL][:, -1])
    if found.low > 0 or found.high < 0:
        claim = f"{JOINT} is {'better' if found.mean > 0 else 'worse'} than {FULL}"
    else:
        claim = f"{JOINT} and {FULL} cannot be told apart: the difference is"
    _, after, figures = said.partition(claim)
    assert after, f"{claim!r} is not in {said!r}"
    mean, share, low, high, n = numbers(figures)[:5]
    assert (share, n) == (95, 3)
    assert (mean, low, high) == pytest.approx(found, abs=ROUNDED)


def test_curves_are_the_mean_of_three_seeds_with_a_band_that_is_named(
    page: Page, address: str, study: str, accuracies: dict[str, ndarray], artifacts: Path
) -> None:
    open_page(page, f"{address}/ablations?study={study}")
    for name in accuracies:
        expect(page.locator(".ut-chip").filter(has_text=f"{name} · n = 3")).to_be_visible()
    expect(page.get_by_role("heading", name="by epoch: mean and standard deviation")).to_be_visible()
    chart = page.get_by_role("figure", name=re.compile("^Test accuracy by epoch"))
    for name, values in accuracies.items():
        mean, band = drawn(chart, name)
        assert mean == pytest.approx(values.mean(axis=0))
        assert band == pytest.approx(outline(values, values.std(axis=0, ddof=1)))
    page.screenshot(path=artifacts / "comparison-curves.png")

    page.get_by_role("combobox", name="Band", exact=True).click()
    page.get_by_role("option", name="95 % interval", exact=True).click()
    expect(page.get_by_role("heading", name="by epoch: mean and 95 % interval")).to_be_visible(timeout=15_000)
    page.wait_for_url("**band=interval*")
    settle(page)
    for name, values in accuracies.items():
        half = stats.t.ppf(0.975, 2) * values.std(axis=0, ddof=1) / math.sqrt(3)
        assert drawn(chart, name)[1] == pytest.approx(outline(values, half), abs=1e-4)


def test_costs_table_difference_and_verdict_are_what_numpy_makes_of_the_metrics(
    page: Page, address: str, study: str, accuracies: dict[str, ndarray], artifacts: Path
) -> None:
    last = {name: values[:, -1] for name, values in accuracies.items()}
    open_page(page, f"{address}/ablations?study={study}")
    page.get_by_role("radio", name="Cost", exact=True).click()
    expect(page.get_by_role("heading", name="Groups compared")).to_be_visible(timeout=15_000)
    settle(page)
    for name, values in last.items():
        shown = cells(page, "Groups with what they reached and what they cost", name)
        assert (shown["n"], shown["Runs"]) == ("3", "3 done")
        expected = (100 * values.mean(), 100 * values.std(ddof=1))
        assert tuple(numbers(shown["Test accuracy"])) == pytest.approx(expected, abs=ROUNDED)
    apart = Apart.of(last[JOINT], last[FULL])
    shown = cells(page, f"Differences to {FULL} by seed", JOINT)
    assert shown["Pairs"] == "3"
    assert numbers(shown["Mean difference"]) == pytest.approx([apart.mean], abs=ROUNDED)
    assert numbers(shown["95 % interval"]) == pytest.approx([apart.low, apart.high], abs=ROUNDED)
    by_seed = dict(zip(numbers(shown["By seed"])[::2], numbers(shown["By seed"])[1::2], strict=True))
    expected_by_seed = dict(enumerate(100 * (last[JOINT] - last[FULL])))
    assert by_seed == pytest.approx(expected_by_seed, abs=ROUNDED)
    page.screenshot(path=artifacts / "comparison-costs.png")
    said = plain(page.get_by_text("Test accuracy: ").inner_text())
    check_verdict(said, accuracies)

    page.get_by_test_id("stSidebar").get_by_role("link", name="Studies", exact=True).click()
    card = page.locator(f".st-key-study_{study}")
    expect(card).to_contain_text("6 of 6 runs done", timeout=20_000)
    in_studies = card.get_by_test_id("stMarkdown").filter(has_text="95 % interval").first
    assert plain(in_studies.inner_text()) == said.removeprefix("Test accuracy: ")
