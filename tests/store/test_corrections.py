"""Corrected labels: a child run gets exactly the labels of its base, but for the corrections."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy import ndarray

from app.noise import corrections_card
from engine import config
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.datasets.prepare import prepared
from engine.progress import Report, silent
from store import corrections, judgements
from store.judgements import Judgement
from store.run import Run

NAMES = ("ant", "bee", "cat", "dog")


class Animals:
    """A source of a hundred samples of four classes, whose images tell which sample they are."""

    def load(self, report: Report = silent) -> Dataset:  # noqa: ARG002 a protocol's
        labels = np.random.default_rng(0).integers(0, 4, 100)
        images = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)
        return Dataset(
            images=images, labels=labels, test_images=images[:4], test_labels=labels[:4], class_names=NAMES,
            prompts=("a {}",), flip=False,
        )  # fmt: skip


BASES = (
    ("noise.kind=none",),
    ("noise.kind=symmetric", "noise.share=0.3", "noise.seed=4"),
    ("noise.kind=asymmetric", "noise.share=0.5", "subset.share=0.6", "subset.seed=2"),
    ("noise.kind=symmetric", "noise.share=0.2", "tail.kind=exponential", "tail.factor=3", "validation=0.2"),
)


def dataset(settled: RunConfig) -> Dataset:
    return prepared(
        Animals(),
        subset=settled.subset,
        tail=settled.tail,
        validation=settled.validation,
        noise=settled.noise,
    )


def record(root: Path, settled: RunConfig, loaded: Dataset) -> Run:
    """Writes what the engine writes of a data set, as a run."""
    run = Run.create(root, settled.model_dump(mode="json"))
    count = len(loaded.labels)
    unknown = np.full(count, -1)
    columns = {
        "sample_id": np.arange(count),
        "label": loaded.labels,
        "true_label": unknown if loaded.true_labels is None else loaded.true_labels,
        "consistency": np.full(count, np.nan),
    }
    run.write_samples(columns, loaded.class_names)
    return run


def child_of(run: Run, settled: RunConfig) -> Dataset:
    changed: dict[str, Any] = {**settled.model_dump(mode="json"), "noise": corrections_card.noise(run)}
    return dataset(config.parse(changed))


def corrected(labels: ndarray, changes: dict[int, int]) -> ndarray:
    found = labels.copy()
    found[list(changes)] = list(changes.values())
    return found


@pytest.mark.parametrize("settings", BASES, ids=["plain", "symmetric", "subset", "tail"])
def test_a_child_trains_on_the_labels_of_its_base_with_the_corrections(tmp_path: Path, settings: tuple[str]):
    settled = config.parse({}, list(settings))
    base = dataset(settled)
    run = record(tmp_path, settled, base)
    changes = {sample_id: int((base.labels[sample_id] + 1) % 4) for sample_id in (0, 3, len(base.labels) - 1)}
    judgements.judge(run, {
        **{sample_id: Judgement("noisy", label) for sample_id, label in changes.items()},
        1: Judgement("noisy"), 2: Judgement("hard"), 4: Judgement("fine"),
    })  # fmt: skip
    child = child_of(run, settled)
    np.testing.assert_array_equal(child.labels, corrected(base.labels, changes))
    np.testing.assert_array_equal(child.images, base.images)
    np.testing.assert_array_equal(child.validation_labels, base.validation_labels)


def test_the_child_knows_the_truth_where_its_base_did(tmp_path: Path):
    for settings in BASES:
        settled = config.parse({}, list(settings))
        base = dataset(settled)
        run = record(tmp_path, settled, base)
        judgements.judge(run, {0: Judgement("noisy", int((base.labels[0] + 1) % 4))})
        child = child_of(run, settled)
        if base.true_labels is None:
            assert child.true_labels is None
        else:
            np.testing.assert_array_equal(child.true_labels, base.true_labels)


def test_a_grandchild_keeps_the_corrections_of_its_parent(tmp_path: Path):
    settled = config.parse({}, ["noise.kind=none"])
    run = record(tmp_path, settled, dataset(settled))
    judgements.judge(run, {5: Judgement("noisy", int((dataset(settled).labels[5] + 1) % 4))})
    child = child_of(run, settled)
    parent = config.parse({**settled.model_dump(mode="json"), "noise": corrections_card.noise(run)})
    next_run = record(tmp_path, parent, child)
    judgements.judge(next_run, {6: Judgement("noisy", int((child.labels[6] + 1) % 4))})
    expected = corrected(child.labels, {6: int((child.labels[6] + 1) % 4)})
    np.testing.assert_array_equal(child_of(next_run, parent).labels, expected)


@pytest.mark.parametrize("names", [("0", "1", "10", "2"), ("3", "2", "1", "0"), ("a", "a", "b", "b")])
def test_classes_named_like_numbers_or_alike_are_not_mistaken(tmp_path: Path, names: tuple[str, ...]):
    settled = config.parse({}, ["noise.kind=none"])
    base = replace(Animals().load(), class_names=names)
    run = record(tmp_path, settled, base)
    judgements.judge(run, {0: Judgement("noisy", int((base.labels[0] + 1) % 4))})
    noise = config.parse({"noise": corrections_card.noise(run)}).noise
    expected = corrected(base.labels, {0: int((base.labels[0] + 1) % 4)})
    np.testing.assert_array_equal(noise.corrupt(base).labels, expected)


def test_alike_names_beside_a_number_are_refused(tmp_path: Path):
    settled = config.parse({}, ["noise.kind=none"])
    run = record(tmp_path, settled, replace(Animals().load(), class_names=("a", "a", "1", "b")))
    with pytest.raises(ValueError, match="the classes must have different names"):
        corrections.corrected_labels(run)


def test_the_file_is_named_after_its_content_and_says_where_it_is_from(tmp_path: Path):
    settled = config.parse({}, ["noise.kind=none"])
    base = dataset(settled)
    run = record(tmp_path, settled, base)
    other = int((base.labels[0] + 1) % 4)
    judgements.judge(run, {0: Judgement("noisy", other), 1: Judgement("noisy")})
    path = corrections.write(run, {"config": "abc"})
    assert corrections.write(run, {"config": "abc"}) == path
    assert path.parent == run.folder / "corrections"
    table = corrections.corrected_labels(run)
    assert table.iloc[0][["label", "base_label", "verdict", "base_run"]].tolist() == [
        NAMES[other], NAMES[base.labels[0]], "noisy", run.id,
    ]  # fmt: skip
    assert corrections.tally(run) == (2, 2, 1, 0, 0)
    assert corrections.tally(run).unresolved == 1
    judgements.judge(run, {0: None})
    assert corrections.write(run, {}) != path
    assert path.is_file()


@pytest.mark.parametrize("judged", [{500: Judgement("fine")}, {0: Judgement("noisy", 9)}])
def test_a_verdict_on_what_the_run_does_not_have_is_refused(tmp_path: Path, judged: dict[int, Judgement]):
    settled = config.parse({}, ["noise.kind=none"])
    run = record(tmp_path, settled, dataset(settled))
    judgements.judge(run, judged)
    with pytest.raises(ValueError, match="must be from 0 to"):
        corrections.corrected_labels(run)
