"""Grades by epoch and the areas below them: beside the questions that answer one epoch from scratch."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from store import queries
from store.questions import detections, suspicion
from store.run import Run
from tests.synthetic import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=80, epochs=7)


@pytest.mark.parametrize("most", [1, 3, 24])
def test_each_grade_is_the_one_of_its_epoch(run: Run, most: int):
    grades = detections.by_epoch(run, most)
    assert sorted(set(grades.epoch)) == {1: [6], 3: [2, 5, 6], 24: list(range(7))}[most]
    for row in grades.itertuples(index=False):
        alone = queries.detection(run, row.signal, row.epoch)
        assert (row.auroc, row.average_precision, row.n) == pytest.approx(
            (alone.auroc, alone.average_precision, alone.n), abs=1e-9, nan_ok=True
        )


def test_every_ranking_is_graded(run: Run):
    assert set(detections.by_epoch(run).signal) == set(suspicion.SUSPECT_SIGNALS)


def test_nothing_is_graded_where_no_label_is_known_to_be_wrong(tmp_path: Path):
    unknown = make_run(tmp_path, samples=20, epochs=2, settings=("strategy.kind=joint",))
    grades = detections.by_epoch(unknown)
    assert grades.empty
    assert list(grades.columns) == ["epoch", "signal", "auroc", "average_precision", "n"]


@pytest.mark.parametrize("seed", range(10))
def test_ranks_are_those_of_pandas__with_ties_and_unknown_values(seed: int):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(60) < 0.2, np.nan, rng.integers(0, 12, 60) / 3)
    expected = pd.Series(-values).rank(method="min").to_numpy()
    np.testing.assert_array_equal(suspicion.ranks(values), expected)


def test_no_values_have_no_ranks():
    assert suspicion.ranks(np.array([])).tolist() == []
    assert np.isnan(suspicion.ranks(np.array([np.nan]))).all()
