"""Pages over runs that cannot be read: of another version, or deleted while the page is drawn."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from store import manifest
from tests.pages import texts
from tests.reading_only import VIEWS
from tests.synthetic import make_run


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_says_that_a_run_is_of_another_version(
    page: Callable[..., AppTest], tmp_path: Path, view: str
):
    run = make_run(tmp_path, samples=20, epochs=2)
    path = run.folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 1}))
    at = page(tmp_path, view, run=run.id)
    said = " ".join([texts(at), *(error.value for error in at.error)])
    assert "schema version 1 and this Undertow reads" in said or "undertow demo" in said or view == "new-run"


@pytest.mark.parametrize("view", VIEWS)
def test_a_run_that_is_deleted_while_its_page_is_drawn_ends_in_no_traceback(
    page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: str
):
    run = make_run(tmp_path, samples=20, epochs=3)
    real, left = manifest.committed, [3]  # looks at what is committed, the last of which finds the run gone

    def committed(folder: Path) -> manifest.Committed:
        left[0] -= 1
        if left[0] == 0:
            shutil.rmtree(run.folder)
        return real(folder)

    monkeypatch.setattr(manifest, "committed", committed)
    page(tmp_path, view, run=run.id)  # which fails where the page shows a traceback
    assert not run.folder.exists() or left[0] > 0
