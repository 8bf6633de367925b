"""A study can be started again: nothing is queued twice, what ended early goes on, more seeds join it."""

from pathlib import Path

import pytest

from app import launch
from app.studies import design, presets, queueing
from engine.config import RunConfig, parse
from store.run import find_runs


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder in which nothing starts, as no supervisor does."""
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **__: None)
    return tmp_path / "runs"


def planned(seeds: range = range(2)) -> list[RunConfig]:
    return design.runs(presets.preset("hnsw"), design.default_base(), seeds)


def test_second_start_queues_nothing_and_resumes_what_ended_early(root: Path):
    first = queueing.queue(root, planned())
    first[0].write_status(state="done")
    first[1].write_status(state="failed", message="the disk is full")
    assert queueing.missing(root, planned()) == [planned()[1]]
    assert queueing.queue(root, planned()) == first
    assert [run.status().state for run in first] == ["done", "queued", "queued", "queued"]
    assert len(find_runs(root)) == 4


def test_more_seeds_add_their_runs_alone(root: Path):
    first = queueing.queue(root, planned(range(1)))
    both = queueing.queue(root, planned(range(3)))
    assert both[:2] == first
    assert [run.config()["name"] for run in both[2:]] == [
        "HNSW, seed 1",
        "exact, seed 1",
        "HNSW, seed 2",
        "exact, seed 2",
    ]


def test_nothing_is_there_before_the_first_start(root: Path):
    assert queueing.missing(root, planned()) == planned()
    assert not root.exists()


def test_runs_in_a_folder_of_the_person_are_found_again_from_wherever_they_stand(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    base = parse({}, ["source.kind=image_folder", "source.root=images"])
    relative = design.runs(presets.preset("hnsw"), base, range(1))
    first = queueing.queue(root, relative)
    assert queueing.queue(root, relative) == first
    assert first[0].config()["source"]["root"] == str(tmp_path / "images")


def test_stop_ends_every_run_and_resume_queues_those_that_did_not_finish(root: Path):
    runs = queueing.queue(root, planned())
    runs[0].write_status(state="done")
    queueing.stop(runs)
    assert [run.status().state for run in runs] == ["done", "stopped", "stopped", "stopped"]
    queueing.resume(runs)
    assert [run.status().state for run in runs] == ["done", "queued", "queued", "queued"]
