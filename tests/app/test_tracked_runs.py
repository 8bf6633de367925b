"""Runs that a person's own program trained: every page shows them, with and without images and features."""

import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from app import launch, naming
from app.supervisor import Patience, Supervisor
from app.views import VIEWS, address
from engine.config import InvalidConfig, parse
from engine.maps import MapSettings
from engine.selection.joint import Joint
from engine.strength.sada import Sada
from engine.track import Tracker
from store.run import Run
from tests.pages import charts, texts

SAMPLES, CLASSES, EPOCHS = 40, 4, 3


def name(view: ModuleType) -> str:
    return view.__name__.rpartition(".")[2]


def track(root: Path, *, features: bool = False, left_out: int = 0, **given: object) -> Tracker:
    """Logs invented logits of so many epochs; left_out: samples that the odd epochs do not visit."""
    rng = np.random.default_rng(0)
    tracker = Tracker(root, labels=np.arange(SAMPLES) % CLASSES, **given)
    for epoch in range(EPOCHS):
        ids = np.arange(SAMPLES - (left_out if epoch % 2 else 0))
        logits = torch.tensor(rng.normal(size=(len(ids), CLASSES)))
        found = torch.tensor(rng.normal(size=(len(ids), 8)), dtype=torch.float32) if features else None
        tracker.add(ids, logits, found)
        tracker.end_epoch(test_accuracy=0.5 if features else None)
    return tracker


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of which nothing but ids and logits was logged."""
    with track(tmp_path_factory.mktemp("bare")) as tracker:
        return tracker.run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with images, features, maps, true labels, consistency and methods of the engine."""
    rng = np.random.default_rng(1)
    with track(
        tmp_path_factory.mktemp("whole"), features=True, left_out=10, epochs=EPOCHS, name="my own loop",
        images=rng.integers(0, 256, (SAMPLES, 16, 16), np.uint8), consistency=rng.random(SAMPLES),
        true_labels=(np.arange(SAMPLES) + (np.arange(SAMPLES) < 4)) % CLASSES, policy=Sada(),
        hyperparameters={"learning rate": 0.1, "net": "MLP"}, maps=MapSettings(every=1),
    ) as tracker:  # fmt: skip
        return tracker.run


@pytest.mark.parametrize("kind", ["bare", "whole"])
@pytest.mark.parametrize("view", VIEWS, ids=name)
def test_every_page_shows_a_tracked_run(
    view: ModuleType, kind: str, page: Callable[..., AppTest], request: pytest.FixtureRequest
):
    run: Run = request.getfixturevalue(kind)
    at = page(run.folder.parent, address(view), run=run.id)
    assert not at.error
    assert all(charts(at)), "a chart has no alternative text"
    assert name(view) == "map" or "None" not in texts(at)  # what the map draws from is no sentence


@pytest.mark.parametrize("epoch", range(EPOCHS))
def test_a_sample_of_a_tracked_run_is_explained_by_what_is_known(
    epoch: int, page: Callable[..., AppTest], whole: Run, bare: Run
):
    said = texts(page(whole.folder.parent, "samples", run=whole.id, sample=38, epoch=epoch))
    chosen = "The program that trained the run chose the 30 of 40 samples of this epoch."
    assert (chosen in said) == (epoch == 1)
    said = texts(page(bare.folder.parent, "samples", run=bare.id, sample=5, epoch=epoch))
    assert "The program that trained the run chose the strengths" in said
    assert "no image" in said


def test_without_images_suspects_are_numbers_and_nothing_is_asked_for(
    page: Callable[..., AppTest], whole: Run, bare: Run
):
    assert "/api/sprite/" in texts(page(whole.folder.parent, "noise", run=whole.id))
    said = texts(page(bare.folder.parent, "noise", run=bare.id))
    assert "Top 40 suspects" in said
    assert "/api/sprite/" not in said


def test_without_features_the_map_says_what_is_missing(page: Callable[..., AppTest], bare: Run):
    said = texts(page(bare.folder.parent, "map", run=bare.id))
    assert "Its program logged no features; give its tracker `features_of`, a part of the net." in said


def test_a_tracked_run_is_named_by_what_its_program_told(page: Callable[..., AppTest], whole: Run, bare: Run):
    said = texts(page(whole.folder.parent, "runs"))
    for chip in ("my own loop", ">own loop<", "learning rate 0.1", "net MLP", "SADA", "3 of 3 epochs"):
        assert chip in said
    assert naming.run_title(bare.config()) == "own loop"
    chosen = {"tracked": True, "strategy": Joint(keep=0.5).model_dump()}
    assert naming.method(chosen) == "own loop + joint 50\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_tracked_run_is_neither_resumed_nor_cloned(
    state: str, page: Callable[..., AppTest], tmp_path: Path
):
    tracker = track(tmp_path)
    if state == "failed":
        tracker.__exit__(RuntimeError, RuntimeError("no light"), None)
    else:
        tracker.run.request_stop()
        tracker.close()
    run = tracker.run
    at = page(tmp_path, "runs")
    assert {button.key for button in at.button} & {f"resume_{run.id}", f"clone_{run.id}"} == set()
    with pytest.raises(ValueError, match="run that program again to train another"):
        launch.resume(run)
    with pytest.raises(InvalidConfig, match="Undertow only logged; run that program again"):
        parse(run.config())
    said = page(tmp_path, "new-run", clone=run.id).error[0].value
    assert said.startswith("own loop was trained by a program of its own and has no settings for a new run")


def test_a_running_tracked_run_says_how_far_it_is_and_is_only_asked_to_stop(
    page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sent: list[int] = []
    monkeypatch.setattr("psutil.Process.send_signal", lambda _process, number: sent.append(number))
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **__: pytest.fail("nothing is queued"))
    tracker = track(tmp_path)
    assert "3 epochs" in texts(page(tmp_path, "runs"))
    page(tmp_path, "runs").button(key=f"stop_{tracker.run.id}").click().run()
    assert tracker.should_stop
    launch.send_signal(tracker.run.status(), signal.SIGKILL)
    assert sent == []
    tracker.close()


def test_the_queue_leaves_tracked_runs_alone(tmp_path: Path):
    tracker = track(tmp_path)
    tracker.run.request_stop()
    started: list[Run] = []
    supervisor = Supervisor(tmp_path, slots=1, start=started.append, patience=Patience(grace=0))
    assert not supervisor.turn()
    assert not supervisor.turn()
    assert not started
    assert tracker.run.status().state == "stopping"
    tracker.close()
