"""The highest samples of one epoch, in the order that a person reads them, wherever the rows lie."""

import numpy as np
import pandas as pd
import pytest

from store.questions import ranking


@pytest.fixture
def run(make_run, rows):
    """Epoch 0: the scores 0.1, 0.7, unknown, 0.7, 0.3, and 0 for the other samples."""
    score = np.concatenate([np.float32([0.1, 0.7, np.nan, 0.7, 0.3]), np.zeros(35, np.float32)])
    run = make_run()
    run.write_epoch(0, rows.epoch(0, score=score), rows.metrics(0))
    run.write_epoch(1, rows.epoch(1, score=np.full(40, 9)), rows.metrics(1))
    return run


def test_the_highest_come_first_and_equal_ones_by_id(run):
    found = ranking.top(run, 0, "score", 4)
    assert found["sample_id"].tolist() == [1, 3, 4, 0]
    assert found["score"].tolist() == pytest.approx([0.7, 0.7, 0.3, 0.1])
    assert found["label"].tolist() == [1, 0, 1, 0]


def test_unknown_ones_are_left_out(run):
    assert len(ranking.top(run, 0, "score", 1000)) == 39


def test_a_fold_changes_nothing(run):
    before = ranking.top(run, 0, "score", 10)
    run.fold()
    pd.testing.assert_frame_equal(ranking.top(run, 0, "score", 10), before)


def test_a_column_that_history_lacks_is_named(run):
    with pytest.raises(KeyError, match="history has no column 'rank'"):
        ranking.top(run, 0, "rank", 10)
