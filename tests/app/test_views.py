"""Every page on runs made through the store: none, one epoch, twenty; and what links and errors do to it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from streamlit.testing.v1 import AppTest

from app.studies import card
from app.views import VIEWS
from store import queries
from store.run import Run, find_runs
from tests.pages import MAIN, address, charts, texts
from tests.synthetic import JOINT, make_run

SHOULD_NOT_LOAD = ("torch", "sklearn", "umap", "hnswlib", "numba", "open_clip")


def name(view: ModuleType) -> str:
    return view.__name__.rpartition(".")[2]


@pytest.mark.parametrize("view", VIEWS, ids=name)
def test_page_is_declared(view: ModuleType):
    assert view.TITLE
    assert view.ICON.startswith(":material/")
    assert (view.__doc__ or "").count("\n") >= 1


@pytest.mark.parametrize("view", VIEWS, ids=name)
def test_page_without_any_run_says_what_to_do(view: ModuleType, page: Callable[..., AppTest], tmp_path: Path):
    assert "undertow demo" in texts(page(tmp_path / "nothing", name(view)))


@pytest.mark.parametrize("view", VIEWS, ids=name)
def test_page_before_the_first_epoch_says_so(view: ModuleType, page: Callable[..., AppTest], tmp_path: Path):
    run = make_run(tmp_path, epochs=0, state="queued")
    said = texts(page(tmp_path, name(view), run=run.id))
    assert "No epoch has been recorded yet" in said or "waiting for a free slot" in said


@pytest.mark.parametrize("epochs", [1, 20])
@pytest.mark.parametrize("view", VIEWS, ids=name)
def test_page_shows_a_run(view: ModuleType, epochs: int, page: Callable[..., AppTest], tmp_path: Path):
    run = make_run(tmp_path, samples=30, epochs=epochs)
    at = page(tmp_path, name(view), run=run.id)
    assert not at.error
    assert all(charts(at)), "a chart has no alternative text"


@pytest.mark.parametrize("view", VIEWS, ids=name)
@pytest.mark.parametrize(
    "settings", [(), ("strategy.kind=random_subset", "policy.kind=sada", "noise.kind=none")]
)
def test_page_shows_a_run_whose_true_labels_nobody_knows(
    view: ModuleType, settings: tuple[str, ...], page: Callable[..., AppTest], tmp_path: Path
):
    run = make_run(tmp_path, samples=30, epochs=3, settings=settings)
    assert not page(tmp_path, name(view), run=run.id).error


@pytest.mark.parametrize("view", [view for view in VIEWS if name(view) not in ("runs", "map")], ids=name)
def test_page_says_what_is_wrong_with_a_damaged_run(
    view: ModuleType, page: Callable[..., AppTest], tmp_path: Path
):
    run = make_run(tmp_path, samples=30, epochs=3, settings=(*JOINT, "study=mine"))
    (run.folder / "parts" / "epoch-00001.parquet").write_bytes(b"nothing of the sort")
    said = page(tmp_path, name(view), run=run.id).error[0].value
    assert "epoch-00001.parquet" in said
    assert "Traceback" not in said


def test_a_link_to_a_run_that_is_gone_shows_another_one(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "overview", run="20200101-000000-abcdef")
    assert at.session_state["run"] in {run.id for run in find_runs(joint.folder.parent)}


def test_a_link_reproduces_the_view(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "samples", run=joint.id, epoch=7, sample=12, ids="3,1,x,2")
    assert (at.session_state["epoch"], at.session_state["sample"]) == (7, 12)
    assert at.session_state["selection"] == (3, 1, 2)
    at.run()
    written = {key: "".join(value) for key, value in at.query_params.items()}
    assert written == {"run": joint.id, "epoch": "7", "sample": "12", "ids": "3,1,2"}


@pytest.mark.parametrize("text", ["-1", "1e9", "x", "", "99999999999999999999"])
def test_a_link_with_a_number_that_is_none_shows_the_newest_epoch(
    text: str, page: Callable[..., AppTest], joint: Run
):
    at = page(joint.folder.parent, "overview", run=joint.id, epoch=text)
    assert at.slider[0].value == 19


def test_one_epoch_is_shared_by_all_pages(page: Callable[..., AppTest], joint: Run):
    at = page(joint.folder.parent, "overview", run=joint.id)
    at.slider[0].set_value(4).run()
    at._page_hash = address("noise")
    at.run()
    assert at.slider[0].value == 4


def test_a_served_page_loads_nothing_that_trains(study_root: Path):
    program = f"""
import os, sys
os.environ["UNDERTOW_RUNS"] = {str(study_root)!r}
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
at = AppTest.from_file({str(MAIN)!r}, default_timeout=60).run()
assert not at.exception, at.exception
loaded = set({SHOULD_NOT_LOAD!r}) & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_finding_is_asked_once_for_the_same_data(study_root: Path, monkeypatch: pytest.MonkeyPatch):
    versions = tuple((run.id, run.data_version()) for run in find_runs(study_root))
    monkeypatch.setenv("UNDERTOW_RUNS", str(study_root))
    first = card._found(versions)
    assert first is not None
    monkeypatch.setattr(queries, "suspects", None)
    assert card._found(versions) == first
