"""Every page can be used by everybody: what axe-core finds in a real browser, in light and dark."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from app.views import SECTIONS
from app.views import address as path_of
from store.run import Run
from tests.browser.pictures import open_page

VIEWS = [path_of(view) for views in SECTIONS.values() for view in views]
SERIOUS = ("serious", "critical")


def findings(page: Any) -> list[str]:
    """What axe finds serious or critical on an open page, each with the first elements it means."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: "
        + "; ".join(str(node["target"]) + " " + node["html"][:160] for node in found["nodes"][:3])
        for found in violations
        if found["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious(
    browser: Browser,
    serve: Callable[[Path], str],
    demo_runs: list[Run],
    view: str,
    scheme: Literal["light", "dark"],
) -> None:
    joint = next(run for run in demo_runs if run.config()["strategy"]["kind"] == "joint")
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    open_page(page, f"{serve(joint.folder.parent)}/{'' if view == 'runs' else view}?run={joint.id}")
    found = findings(page)
    page.close()
    assert not found, "\n".join(found)
