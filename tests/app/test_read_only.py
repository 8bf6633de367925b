"""Where the runs may only be read: every page shows them, and what would write says so in one sentence."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import reading_only
from tests.synthetic import make_run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What pages and actions said to somebody who may only read."""
    if not shutil.which("setpriv"):
        pytest.skip("permissions bind root only under setpriv")
    root = tmp_path_factory.mktemp("locked") / "runs"
    for state, folds in (("done", True), ("stopped", False)):
        run = make_run(root, samples=40, epochs=4, state=state)
        if folds:
            run.fold()
    paths = [root, *root.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = subprocess.run(
        reading_only.command(root), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    for path in paths:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert done.returncode == 0, done.stderr
    yield json.loads(done.stdout.splitlines()[-1])
    assert sorted(root.rglob("*")) == sorted(paths[1:])  # nothing was made and nothing is gone


@pytest.mark.parametrize("view", reading_only.VIEWS)
def test_every_page_opens(said, view):
    shown = said["views"][view]
    assert (shown["tracebacks"], shown["errors"]) == ([], [])
    assert len(shown["titles"]) == 1


@pytest.mark.parametrize("action", reading_only.ACTIONS)
def test_what_would_write_says_why_it_cannot(said, action):
    assert "may only be read; give yourself the right to write there" in said["writes"][action]
    assert said["writes"][action].startswith("IsReadOnly: ")


def test_diagnostics_are_computed_though_they_cannot_be_kept(said):
    assert said["badges"] > 0
