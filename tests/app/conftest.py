"""What the tests of pages share: a finished study of small runs, and a way to open a page over some runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from store.run import Run, find_runs
from tests.pages import MAIN, address
from tests.synthetic import make_study


@pytest.fixture(scope="session")
def study_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study")
    make_study(root, samples=60, epochs=20)
    return root


@pytest.fixture(scope="session")
def joint(study_root: Path) -> Run:
    """One run of the study, the same one every time: runs of one second have no order among them."""
    configs = {run: run.config() for run in find_runs(study_root)}
    return next(
        run for run, config in configs.items() if (config["strategy"]["kind"], config["seed"]) == ("joint", 2)
    )


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Opens a page of the app over a folder of runs, at a link with these parameters."""

    def opened(root: Path, view: str = "runs", **parameters: object) -> AppTest:
        monkeypatch.setenv("UNDERTOW_RUNS", str(root))
        at = AppTest.from_file(str(MAIN), default_timeout=60)
        at._page_hash = address(view)
        for key, value in parameters.items():
            at.query_params[key] = str(value)
        at.run()
        assert not at.exception, [error.message for error in at.exception]
        return at

    return opened
