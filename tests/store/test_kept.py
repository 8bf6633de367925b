"""Selected ids: the rows of the epochs that trained on them, in every format, with where they are from."""

from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from app.exporting import export, kept_export
from store import queries
from store.questions import kept
from store.run import Run
from tests.synthetic import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=30, epochs=5)


def selected(run: Run) -> list[list[int]]:
    rows = [queries.epoch_rows(run, epoch, ["selected"]) for epoch in range(5)]
    return [frame.sample_id[frame.selected.astype(bool)].astype(int).tolist() for frame in rows]


@pytest.mark.parametrize("block", [1, 2, 10])
def test_rows_are_those_of_the_kept_samples__however_many_epochs_a_time(run: Run, block: int):
    rows = pd.concat(kept.by_epoch(run, block=block))
    assert [rows.sample_id[rows.epoch == epoch].tolist() for epoch in range(5)] == selected(run)
    assert set(rows.weight) == {1.0}


def test_the_matrix_holds_the_same(run: Run):
    assert [np.flatnonzero(row).tolist() for row in kept.matrix(run)] == selected(run)
    assert kept.matrix(run).sum() == queries.metrics(run).kept.sum()


def test_every_format_holds_the_same_and_names_its_settings(run: Run):
    digest = export.config_digest(run.config())
    table = pd.read_csv(BytesIO(kept_export.as_csv(run)))
    assert [table.sample_id[table.epoch == epoch].tolist() for epoch in range(5)] == selected(run)
    assert (set(table.run), set(table.config)) == ({run.id}, {digest})
    file = pq.ParquetFile(BytesIO(kept_export.as_parquet(run)))
    assert file.read().to_pandas().equals(table[["epoch", "sample_id", "weight"]].astype(
        {"epoch": "int32", "weight": "float32"}))  # fmt: skip
    assert file.schema_arrow.metadata[b"undertow.config"] == digest.encode()
    arrays = np.load(BytesIO(kept_export.as_npz(run)))
    np.testing.assert_array_equal(arrays["selected"], kept.matrix(run))
    assert (str(arrays["run"]), str(arrays["config"])) == (run.id, digest)
    assert digest in kept_export.file_name(run, "csv")


def test_a_run_without_epochs_has_no_rows(tmp_path_factory: pytest.TempPathFactory):
    empty = make_run(tmp_path_factory.mktemp("runs"), samples=20, epochs=0)
    assert kept.matrix(empty).shape == (0, 20)
    assert kept_export.as_csv(empty).decode().splitlines() == ['"epoch","sample_id","weight","run","config"']
