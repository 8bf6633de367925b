"""Predictions: what is written is what is read, and what is damaged or of other settings is refused."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from store import files, predictions
from store.errors import RunIsForeign
from store.predictions import Prediction
from store.questions import terms
from store.run import Run

CONFIG = {"strategy": {"kind": "joint", "keep": 0.5}, "seed": 3}


def expected() -> Prediction:
    sets = {2: np.array([0, 4, 5]), 1: np.arange(6), 3: np.array([], np.int64)}
    return Prediction(base="20260101-000000-abcdef", epoch=2, of=6, kept=sets)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, CONFIG)


def test_a_prediction_is_read_as_it_was_written(run: Run):
    assert predictions.read(run) is None
    predictions.write(run, expected())
    found = predictions.read(run)
    assert found is not None
    assert (found.base, found.epoch, found.of) == ("20260101-000000-abcdef", 2, 6)
    assert list(found.kept) == [2, 1, 3]
    for epoch, ids in expected().kept.items():
        assert_array_equal(found.kept[epoch], ids)
    assert [path.name for path in run.folder.glob(f"{files.SCRATCH}*")] == []


@pytest.mark.parametrize("ids", [[3, 2], [1, 1], [0, 6], [-1, 2]])
def test_ids_must_ascend_within_the_samples(run: Run, ids: list[int]):
    wrong = Prediction(base="a", epoch=0, of=6, kept={0: np.array(ids)})
    with pytest.raises(ValueError, match=r"ids kept in epoch 0 must ascend from 0 to 5; got \["):
        predictions.write(run, wrong)
    assert not (run.folder / predictions.NAME).exists()


def test_a_prediction_holds_its_own_epoch(run: Run):
    with pytest.raises(ValueError, match="a prediction must hold its epoch 7"):
        predictions.write(run, Prediction(base="a", epoch=7, of=6, kept={1: np.arange(2)}))


def test_nothing_is_predicted_of_a_run_that_has_begun(make_run):
    run = make_run(epochs=1)
    with pytest.raises(ValueError, match="must have no epoch yet, or it is no prediction"):
        predictions.write(run, expected())


@pytest.mark.parametrize("content", [b"", b"PAR1 but not really", None])
def test_a_damaged_file_is_refused_with_what_to_do(run: Run, content: bytes | None):
    path = predictions.write(run, expected())
    path.write_bytes(path.read_bytes()[:-20] if content is None else content)
    with pytest.raises(RunIsForeign, match=f"{run.id} is no whole prediction; delete it, the run itself"):
        predictions.read(run)


def test_a_prediction_for_other_settings_is_refused(run: Run):
    predictions.write(run, expected())
    files.write_json(run.folder / "config.json", {**CONFIG, "seed": 4})
    with pytest.raises(RunIsForeign, match="was written for other settings"):
        predictions.read(run)


def test_the_digest_is_of_the_settings_and_not_of_their_order():
    assert predictions.digest({"a": 1, "b": [2]}) == predictions.digest({"b": [2], "a": 1})
    assert predictions.digest({"a": 1}) != predictions.digest({"a": 2})


# ---- the terms that decided, and the sets that were kept


def test_terms_are_known_after_the_epoch_before_and_kept_is_of_the_epoch(make_run, rows):
    run = make_run(epochs=3)
    before, now = rows.epoch(1), rows.epoch(2)
    found = terms.terms(run, 2)
    assert_array_equal(found["rarity"].to_numpy(), before["rarity"])
    assert_array_equal(found["score"].to_numpy(), before["score"])
    assert_array_equal(found["selected"].to_numpy(bool), now["selected"])
    assert found["last_loss"].isna().all()
    assert terms.terms(run, 0)["score"].isna().all()
    assert terms.terms(run, 9).empty


def test_the_last_loss_is_that_of_the_last_visit_before_the_epoch(make_run, rows):
    run = make_run(epochs=3)
    losses = np.stack([rows.epoch(epoch)["loss"] for epoch in (0, 1)])
    last = np.where(np.isnan(losses[1]), losses[0], losses[1])
    assert_array_equal(terms.terms(run, 2, by_loss=True)["last_loss"].to_numpy(), last)


def test_kept_sets_are_those_of_the_recorded_epochs(make_run, rows):
    found = terms.kept_sets(make_run(epochs=2), [1, 0, 5])
    assert list(found) == [0, 1]
    for epoch, ids in found.items():
        assert_array_equal(ids, np.flatnonzero(rows.epoch(epoch)["selected"]))
    assert terms.kept_sets(make_run(epochs=0), [0]) == {}
