"""Arrow and Parquet hold exactly the numbers given, in few bytes, with one sample's row found by its id."""

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from store import tables
from store.schema import TABLES

DTYPES = {"BOOLEAN": np.bool_, "UTINYINT": np.uint8, "USMALLINT": np.uint16, "UINTEGER": np.uint32}


def random_columns(size, rng):
    """History of any size with the extremes of each type; of a column none, two in ten or all are unknown."""
    columns = {}
    for column in TABLES["history"]:
        unknown = rng.random(size) < rng.choice([0, 0.2, 1])
        if column.type == "FLOAT":
            values = rng.choice([np.inf, -np.inf, -0.0, 0.1, *rng.normal(0, 1e6, 9)], size)
            columns[column.name] = np.where(unknown, np.nan, values).astype(
                rng.choice([np.float32, np.float64])
            )
        else:
            most = 1 if column.type == "BOOLEAN" else np.iinfo(DTYPES[column.type]).max
            values = rng.choice([0, 1, most], size)
            as_floats = np.where(unknown, np.nan, values)
            columns[column.name] = as_floats if rng.random() < 0.5 else np.ma.masked_array(values, unknown)
    return columns


def expected(column, values):
    """The cells as Python numbers, None where they are unknown."""
    kind = DTYPES.get(column.type, np.float32)
    unknown = tables.unknown_cells(values).tolist()
    cells = np.ma.getdata(values).tolist()
    return [None if gone else kind(cell).item() for cell, gone in zip(cells, unknown, strict=True)]


@pytest.mark.parametrize(("seed", "size"), [*enumerate([0, 1, 2, 7, 8, 9, 300, 20_000])])
def test_any_columns_are_read_as_they_were_given__by_arrow_and_by_duckdb(tmp_path, seed, size):
    columns = random_columns(size, np.random.default_rng(seed))
    path = tmp_path / "history.parquet"
    path.write_bytes(tables.parquet_bytes(tables.arrow_table("history", columns), {}))
    found = pq.read_table(path)
    assert found.schema.equals(tables.arrow_schema("history"))
    asked = duckdb.sql(f"FROM read_parquet('{path}')").to_arrow_table()
    for column in TABLES["history"]:
        cells = expected(column, columns[column.name])
        assert found[column.name].to_pylist() == cells
        assert asked[column.name].to_pylist() == cells


def test_what_is_unknown_may_hold_any_number():
    column = np.ma.masked_array([70_000, 3], [True, False])
    table = tables.arrow_table("classes", {"label": column, "name": ["cat", "dog"]})
    assert table["label"].to_pylist() == [None, 3]


@pytest.mark.parametrize("value", [70_000, -1, 0.5, np.inf])
def test_a_known_number_that_does_not_fit_is_refused(value):
    with pytest.raises(ValueError, match=r"classes\.label must be a whole number that fits uint16; got"):
        tables.arrow_table("classes", {"label": np.array([1, value]), "name": ["cat", "dog"]})


def test_lists_of_the_largest_ids_are_read_as_they_were_given(tmp_path):
    ids = np.array([[0, 2**32 - 1, 5], [2**31, 2**31 - 1, 0]])
    path = tmp_path / "map.parquet"
    path.write_bytes(tables.parquet_bytes(pa.table({"neighbours": tables.list_array(ids)}), {}))
    assert pq.read_table(path)["neighbours"].to_pylist() == ids.tolist()
    assert duckdb.sql(f"FROM read_parquet('{path}')").fetchall() == [(row,) for row in ids.tolist()]


def test_one_sample_is_in_one_row_group_and_its_id_costs_next_to_nothing(rows, tmp_path):
    samples = 3 * tables.ROWS_A_GROUP
    path = tmp_path / "part.parquet"
    columns = {"epoch": np.full(samples, 4), **rows.epoch(4, samples)}
    path.write_bytes(tables.parquet_bytes(tables.arrow_table("history", columns), {}))
    footer = pq.read_metadata(path)
    place = tables.arrow_schema("history").get_field_index("sample_id")
    ids = [footer.row_group(group).column(place) for group in range(footer.num_row_groups)]
    starts = [group * tables.ROWS_A_GROUP for group in range(3)]
    assert [(one.statistics.min, one.statistics.max + 1) for one in ids] == [
        (start, start + tables.ROWS_A_GROUP) for start in starts
    ]
    assert sum(one.total_compressed_size for one in ids) < samples / 16
