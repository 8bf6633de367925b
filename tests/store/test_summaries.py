"""The summary that a fold keeps: the same as asked anew, only for the epochs it is of, and not needed."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from store import queries, summaries
from store.reader import ask
from store.run import Run
from store.schema import TABLES
from tests.synthetic import make_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, samples=50, epochs=6)


def stored(run: Run) -> int:
    return len(ask(run, f"FROM {summaries.TABLE}"))


@pytest.mark.parametrize("slice_rows", [4_000_000, 1])
def test_a_stored_summary_is_the_one_that_is_asked_anew(
    run: Run, slice_rows: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("store.folding.fold.SLICE_ROWS", slice_rows)
    monkeypatch.setattr("store.folding.fold.BLOCK", 16)
    fresh, some = (
        queries.summary(run),
        queries.summary(run, sample_ids=[7, 3], columns=["sample_id", "visits"]),
    )
    assert stored(run) == 0
    run.fold()
    assert stored(run) == 50
    pd.testing.assert_frame_equal(queries.summary(run), fresh)
    pd.testing.assert_frame_equal(queries.summary(run, 5), fresh)
    pd.testing.assert_frame_equal(
        queries.summary(run, sample_ids=[7, 3], columns=["sample_id", "visits"]), some
    )
    assert some.sample_id.tolist() == [3, 7]


def test_an_earlier_epoch_is_asked_anew(run: Run):
    fresh = queries.summary(run, 2)
    run.fold()
    pd.testing.assert_frame_equal(queries.summary(run, 2), fresh)
    assert not queries.summary(run, 2).equals(queries.summary(run))


def test_a_summary_is_not_used_once_newer_epochs_are_there(tmp_path: Path):
    run = make_run(tmp_path, samples=40, epochs=4, state="stopped")
    run.fold()
    before = queries.summary(run)
    rows = queries.epoch_rows(run, 3, [column.name for column in TABLES["history"][1:]])
    names = [column.name for column in TABLES["history"][1:]]
    measured = queries.metrics(run).iloc[-1].to_dict()
    run.write_epoch(
        4,
        {name: rows[name].to_numpy("float64", na_value=float("nan")) for name in names},
        {name: value for name, value in measured.items() if name != "epoch"},
    )
    assert stored(run) == 0
    after = queries.summary(run)
    assert (after.times_kept - before.times_kept).tolist() == rows.selected.astype(int).tolist()
    run.rewind(3)
    pd.testing.assert_frame_equal(queries.summary(run), before)


@pytest.mark.parametrize(
    "change",
    [f"DROP TABLE {summaries.TABLE}", f"ALTER TABLE {summaries.TABLE} RENAME mean_loss TO old_name"],
    ids=["none", "another"],
)
def test_a_run_folded_by_another_version_is_asked_anew(run: Run, change: str):
    fresh = queries.summary(run)
    run.fold()
    with duckdb.connect(str(run.folder / "run.duckdb")) as client:
        client.execute(change)
    pd.testing.assert_frame_equal(queries.summary(run), fresh)
    assert stored(run) == 0
