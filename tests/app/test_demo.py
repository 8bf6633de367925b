"""The demo study: equal settings give one study, nothing trains twice, and its suspect lacks consistency."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app import demo, launch
from app.studies import design
from engine.config import parse
from store.run import Run, find_runs
from store.schema import EPOCH_COLUMNS, METRIC_COLUMNS


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder in which nothing starts, as no supervisor does."""
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **__: None)
    return tmp_path / "runs"


def test_study_has_both_methods_for_each_of_three_seeds_on_equally_noisy_labels() -> None:
    configs = demo.demo_configs()
    assert [(config.name, config.seed) for config in configs] == [
        ("SADA + joint, seed 0", 0),
        ("full data, seed 0", 0),
        ("SADA + joint, seed 1", 1),
        ("full data, seed 1", 1),
        ("SADA + joint, seed 2", 2),
        ("full data, seed 2", 2),
    ]
    assert {config.noise.model_dump_json() for config in configs} == {
        '{"kind":"symmetric","share":0.1,"seed":0}'
    }


def test_study_is_named_after_its_settings_alike_in_every_process() -> None:
    script = "from app.demo import demo_configs; import sys; sys.stdout.write(demo_configs()[0].study)"
    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    configs = demo.demo_configs()
    assert {config.study for config in configs} == {elsewhere.stdout}
    plain = [config.model_copy(update={"study": ""}) for config in configs]
    assert elsewhere.stdout == f"demo-{design.content_key(plain)}"


def test_changed_setting_makes_another_study() -> None:
    configs = demo.demo_configs()
    changed = [*configs[:-1], configs[-1].model_copy(update={"epochs": 7})]
    assert design.content_key(changed) != design.content_key(configs)


def test_second_start_finds_the_runs_of_the_first_and_resumes_what_ended_early(root: Path) -> None:
    first = demo.prepare(root, fresh=False)
    first[0].write_status(state="done")
    first[1].write_status(state="failed", message="the disk is full")
    second = demo.prepare(root, fresh=False)
    assert second == first
    assert [run.status().state for run in second] == ["done"] + 5 * ["queued"]


def test_deleted_run_is_queued_again_in_its_place(root: Path) -> None:
    first = demo.prepare(root, fresh=False)
    launch.delete(first[2])
    second = demo.prepare(root, fresh=False)
    assert [run for run in second if run not in first] == [second[2]]
    assert second[2].config() == demo.demo_configs()[2].model_dump(mode="json")


def test_fresh_start_deletes_the_study_and_nothing_else(root: Path) -> None:
    other = launch.submit(root, parse({"name": "mine"}))
    first = demo.prepare(root, fresh=False)
    second = demo.prepare(root, fresh=True)
    assert not set(first) & set(second)
    assert set(find_runs(root)) == {other, *second}


# Kept in epoch 1 are the three highest scores after epoch 0; the lowest of them, the cut, is 0.7 * 0.9.
RARITY = np.array([0.9, 0.8, 0.7, 0.9, 0.9, 0.8], np.float32)
CONSISTENCY = np.array([0.9, 0.9, 0.9, 0.05, 0.1, 0.5], np.float32)
LABELS = np.array([0, 1, 0, 1, 0, 1])
FLIPPED_FOUR_AND_FIVE = np.array([0, 1, 0, 1, 1, 0], float)


def finished(root: Path, *, strategy: str, true_labels: np.ndarray) -> Run:
    """A run of two epochs that dropped samples 3, 4 and 5 in the last."""
    run = Run.create(root, {"strategy": {"kind": strategy}, "study": "demo"})
    known = {
        "sample_id": np.arange(6),
        "label": LABELS,
        "true_label": true_labels,
        "consistency": CONSISTENCY,
    }
    run.write_samples(known, ["zero", "one"])
    metrics = {column.name: float("nan") for column in METRIC_COLUMNS if column.name != "epoch"}
    for epoch, selected in enumerate((np.ones(6, bool), np.arange(6) < 3)):
        unknown = {column.name: np.full(6, np.nan) for column in EPOCH_COLUMNS if column.name != "epoch"}
        measured = {"loss": np.ones(6), "margin": np.ones(6), "confidence": np.ones(6), "correct": np.ones(6)}
        score = (RARITY + 1e-6) * (CONSISTENCY + 1e-6)
        rows = {**unknown, **measured, "sample_id": np.arange(6), "selected": selected}
        run.write_epoch(epoch, {**rows, "rarity": RARITY, "score": score}, metrics)
    run.write_status(state="done")
    return run


def test_featured_is_the_flipped_sample_that_lacks_most_consistency(root: Path) -> None:
    # Needed for the cut: sample 4 has 0.1 of 0.63 / 0.9 = 0.7, sample 5 has 0.5 of 0.63 / 0.8 = 0.79.
    run = finished(root, strategy="joint", true_labels=FLIPPED_FOUR_AND_FIVE)
    assert demo.featured_suspect([run]) == (run, 4, 1)


def test_featured__nobody_knows_the_truth__lacks_most_consistency_of_all(root: Path) -> None:
    # Sample 3 has 0.05 of the 0.7 that it needs.
    run = finished(root, strategy="joint", true_labels=np.full(6, np.nan))
    assert demo.featured_suspect([run]) == (run, 3, 1)


def test_featured__no_finished_joint_run__is_none(root: Path) -> None:
    unfinished = finished(root, strategy="joint", true_labels=FLIPPED_FOUR_AND_FIVE)
    unfinished.write_status(state="stopped")
    baseline = finished(root, strategy="everything", true_labels=FLIPPED_FOUR_AND_FIVE)
    assert demo.featured_suspect([unfinished, baseline]) is None
