"""What leaves Undertow is what was logged, to the bit, of one moment, and whole or not there at all."""

import json
import os
import signal
from collections.abc import Callable
from errno import ENOSPC
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from store import files, queries
from store.derived import ALL_TABLES, RUN, SUMMARY
from store.errors import DiskIsFull, RunIsForeign
from store.exporting import exports
from store.exporting.exports import ExportRefused, export
from store.folding import fold
from store.run import Run
from store.schema import SCHEMA_VERSION, TABLES
from store.tables import ARROW_TYPES

EPOCHS = 4
CLASSES = ('cat, "tame"', "süß\nowl", "NA")  # what a careless CSV breaks on
TYPES = {**ARROW_TYPES, "DOUBLE": pa.float64(), "BIGINT": pa.int64()}
PARTS = {"history": "epoch", "metrics": "metrics", "epoch_stats": "stats"}
SORTED_BY = {
    "samples": ["sample_id"],
    "history": ["epoch", "sample_id"],
    "metrics": ["epoch"],
    "epoch_stats": ["epoch", "signal", "label"],
    "classes": ["label"],
    SUMMARY: ["sample_id"],
    RUN: ["id"],
}

Tables = dict[str, pa.Table]


def schema(table: str) -> pa.Schema:
    return pa.schema([(column.name, TYPES[column.type]) for column in ALL_TABLES[table]])


def any_float(epoch: int, samples: int) -> np.ndarray:
    """Floats of every size: random bits, among them tiny and infinite ones; NaN is unknown."""
    drawn = np.random.default_rng(epoch).integers(0, 2**32, samples, dtype=np.uint32).view(np.float32)
    drawn[:5] = (0.1, -0.0, 1e-45, np.inf, np.float32(16777217))
    return drawn


def logged(run: Run) -> Tables:
    """The rows of a run of which nothing is folded, read from its parts by nothing of ours."""
    tables = {name: pq.read_table(run.folder / f"{name}.parquet") for name in ("samples", "classes")}
    for table, kind in PARTS.items():
        parts = sorted((run.folder / "parts").glob(f"{kind}-*.parquet"))
        tables[table] = pa.concat_tables(pq.read_table(part) for part in parts)
    return tables


def from_frame(table: str, frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, schema(table), preserve_index=False)


def from_lists(table: str, read: pa.Table) -> pa.Table:
    """What a CSV file says, with its lists read as the JSON that they are."""
    for field in schema(table):
        if pa.types.is_list(field.type):
            lists = [None if text is None else json.loads(text) for text in read[field.name].to_pylist()]
            read = read.set_column(
                read.schema.get_field_index(field.name), field.name, pa.array(lists, field.type)
            )
    return read.cast(schema(table))


def csv_by_arrow(table: str, path: Path) -> pa.Table:
    types = {f.name: pa.string() if pa.types.is_list(f.type) else f.type for f in schema(table)}
    convert = csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    return from_lists(
        table, csv.read_csv(path, csv.ReadOptions(), csv.ParseOptions(newlines_in_values=True), convert)
    )


def csv_by_pandas(table: str, path: Path) -> pa.Table:
    types: dict[str, Any] = {
        f.name: f.type.to_pandas_dtype() if pa.types.is_floating(f.type)
        else "boolean" if pa.types.is_boolean(f.type)
        else str(f.type).replace("ui", "UI").replace("int", "Int").replace("UIInt", "UInt")
        if pa.types.is_integer(f.type)
        else "object"
        for f in schema(table)
    }  # fmt: skip
    frame = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    for field in schema(table):
        if pa.types.is_list(field.type):
            frame[field.name] = frame[field.name].map(json.loads)
    return from_frame(table, frame)


def csv_by_duckdb(table: str, path: Path) -> pa.Table:
    columns = {column.name: column.type for column in ALL_TABLES[table]}
    return ask(f"FROM read_csv('{path}', columns = {columns}, auto_detect = true)").cast(schema(table))


@cache
def client() -> duckdb.DuckDBPyConnection:
    """Making one takes longer than what is asked of it here."""
    return duckdb.connect(config={"threads": 1})


def ask(sql: str, database: Path | None = None) -> pa.Table:
    if database is None:
        return client().sql(sql).to_arrow_table()
    client().execute(f"ATTACH '{database}' AS exported (READ_ONLY); USE exported")
    try:
        return client().sql(sql).to_arrow_table()
    finally:
        client().execute("USE memory; DETACH exported")


READERS: dict[str, dict[str, Callable[[str, Path], pa.Table]]] = {
    "parquet": {
        "arrow": lambda _, path: pq.read_table(path),
        "pandas": lambda table, path: from_frame(table, pd.read_parquet(path)),
        "duckdb": lambda _, path: ask(f"FROM read_parquet('{path}')"),
    },
    "csv": {"arrow": csv_by_arrow, "pandas": csv_by_pandas, "duckdb": csv_by_duckdb},
}


def read(path: Path, form: str) -> dict[str, Tables]:
    """Returns by reader and table what an export holds."""
    if form == "duckdb":
        return {"duckdb": {table: ask(f"FROM {table}", path) for table in ALL_TABLES}}
    assert sorted(file.name for file in path.iterdir()) == sorted(f"{table}.{form}" for table in ALL_TABLES)
    return {
        name: {table: reader(table, path / f"{table}.{form}") for table in ALL_TABLES}
        for name, reader in READERS[form].items()
    }


def cells(table: str, rows: pa.Table) -> dict[str, list[Any]]:
    """Every cell of every column in one order, None where it is unknown, floats as their bits."""
    order = [(key, "ascending") for key in SORTED_BY[table]]
    found = rows.cast(schema(table)).sort_by(order)
    return {field.name: bits(found[field.name]) for field in found.schema}


def bits(column: pa.ChunkedArray) -> list[Any]:
    if not pa.types.is_floating(column.type):
        return column.to_pylist()
    known = np.asarray(column.is_valid())
    values = column.fill_null(0).to_numpy()
    return [
        bit if is_known else None
        for bit, is_known in zip(values.view(f"u{values.itemsize}").tolist(), known, strict=True)
    ]


@pytest.fixture
def run(make_run: Callable[..., Run], rows: Any) -> Run:
    """A stopped run of four epochs with class names and floats of every kind, nothing folded."""
    made = make_run()
    made.write_samples(rows.fixed(), CLASSES)
    for epoch in range(EPOCHS):
        columns = rows.epoch(epoch, weight=any_float(epoch, rows.samples))
        made.write_epoch(epoch, columns, rows.metrics(epoch) | {"test_loss": 0.1 + epoch})
    made.write_about({"class_names": CLASSES})
    made.write_status(state="stopped")
    return made


def fold_nothing(_: Run) -> None:
    pass


def fold_half(run: Run) -> None:
    run.fold(EPOCHS // 2 - 1)


STATES = {"hot": fold_nothing, "half folded": fold_half, "folded": Run.fold}


@pytest.mark.parametrize("state", STATES)
def test_every_cell_of_every_table_is_the_one_that_was_logged(run: Run, tmp_path: Path, state: str):
    expected, summary = logged(run), queries.summary(run)
    STATES[state](run)
    for form in exports.FORMS:
        path = tmp_path / exports.default_name(run, form)
        size = export(run, path, form)
        assert size == sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
        for reader, found in read(path, form).items():
            for table in TABLES:
                assert cells(table, found[table]) == cells(table, expected[table]), (form, reader, table)
            assert_summary(found[SUMMARY], summary)
            assert_tells_whose(run, found[RUN])
    assert not (tmp_path / ".undertow-export").exists()


def assert_summary(found: pa.Table, expected: pd.DataFrame) -> None:
    """Means of the same numbers in another order may differ in their last bit; nothing else may."""
    frame = found.sort_by("sample_id").to_pandas().astype("float64")
    assert (frame.pop("up_to") == EPOCHS - 1).all()
    asked = expected.sort_values("sample_id", ignore_index=True)[list(frame)].astype("float64")
    pd.testing.assert_frame_equal(frame, asked, rtol=1e-14)


def assert_tells_whose(run: Run, found: pa.Table) -> None:
    (row,) = found.to_pylist()
    said = {**row, "config": json.loads(row["config"]), "about": json.loads(row["about"])}
    assert said == {
        "id": run.id,
        "schema_version": SCHEMA_VERSION,
        "state": "stopped",
        "last_epoch": EPOCHS - 1,
        "config": run.config(),
        "about": run.about(),
    }


@pytest.mark.parametrize("slice_rows", [100, 40], ids=["2 epochs, 25 samples", "1 epoch, 10 samples"])
def test_a_long_run_is_the_same_read_in_slices(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slice_rows: int
):
    fold_half(run)
    export(run, tmp_path / "whole", "parquet")
    monkeypatch.setattr("store.exporting.snapshot.SLICE_ROWS", slice_rows)
    monkeypatch.setattr("store.exporting.snapshot.ROWS_A_BATCH", 2048)
    export(run, tmp_path / "sliced", "parquet")
    for table in ALL_TABLES:
        whole, sliced = (pq.read_table(tmp_path / name / f"{table}.parquet") for name in ("whole", "sliced"))
        assert sliced.equals(whole) or table == SUMMARY, table
        assert sliced.num_rows == whole.num_rows


@pytest.mark.parametrize("table", ["history", "epoch_stats"])
def test_rows_come_by_epoch_then_sample_or_class__all_samples_first(run: Run, tmp_path: Path, table: str):
    run.fold()
    export(run, tmp_path / "out", "parquet")
    rows = pq.read_table(tmp_path / "out" / f"{table}.parquet", columns=SORTED_BY[table]).to_pandas()
    assert rows.equals(rows.sort_values(SORTED_BY[table], ignore_index=True, na_position="first"))


def test_a_parquet_file_says_whose_it_is_and_what_its_columns_mean(run: Run, tmp_path: Path):
    export(run, tmp_path / "out", "parquet")
    file = pq.ParquetFile(tmp_path / "out" / "history.parquet")
    note = {key.decode(): text.decode() for key, text in file.metadata.metadata.items()}
    assert (note["undertow.run"], note["undertow.schema"]) == (run.id, str(SCHEMA_VERSION))
    assert json.loads(note["undertow.config"]) == run.config()
    assert json.loads(note["undertow.columns"])["selected"] == "trained on in this epoch; used in the epoch"
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_database_says_what_its_tables_and_columns_mean(run: Run, tmp_path: Path):
    export(run, tmp_path / "out.duckdb", "duckdb")
    silent = "SELECT column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
    assert ask(silent, tmp_path / "out.duckdb").num_rows == 0
    untold = "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL"
    assert ask(untold, tmp_path / "out.duckdb").num_rows == 0


@pytest.mark.parametrize("form", exports.FORMS)
@pytest.mark.parametrize("samples", [40, 0], ids=["samples only", "queued"])
def test_a_run_without_epochs_has_all_tables(
    make_run: Callable[..., Run], tmp_path: Path, form: str, samples: int
):
    run = make_run() if samples else Run.create(tmp_path / "runs", {"epochs": 2})
    path = tmp_path / exports.default_name(run, form)
    export(run, path, form)
    for found in read(path, form).values():
        rows = {table: found[table].num_rows for table in ALL_TABLES}
        assert rows == dict.fromkeys(ALL_TABLES, 0) | {
            "samples": samples,
            "classes": 3 if samples else 0,
            "run": 1,
        }
        assert found["run"]["last_epoch"].to_pylist() == [None]


@pytest.mark.parametrize("is_final", [False, True], ids=["parts stay", "parts go"])
def test_a_running_run_is_exported_as_of_one_moment(run: Run, tmp_path: Path, rows: Any, is_final: bool):
    pending = [EPOCHS]

    def train_on(step: str, *_: int | None) -> None:
        if step == "metrics" and pending:
            rows.add(run, 1)
            fold.fold(run.folder, is_final=is_final)
            pending.clear()

    fold_half(run)
    export(run, tmp_path / "out", "parquet", told=train_on)
    last = {
        table: pq.read_table(tmp_path / "out" / f"{table}.parquet", columns=["epoch"])["epoch"]
        .to_numpy()
        .max()
        for table in ("history", "metrics", "epoch_stats")
    }
    assert set(last.values()) == {EPOCHS if is_final else EPOCHS - 1}
    assert pq.read_table(tmp_path / "out" / "run.parquet")["last_epoch"].to_pylist() == [last["history"]]


def test_what_is_trained_anew_meanwhile_is_exported_anew(run: Run, tmp_path: Path, rows: Any):
    pending = [EPOCHS]

    def train_otherwise(step: str, *_: int | None) -> None:
        if step == "epoch_stats" and pending:
            pending.clear()
            run.rewind(EPOCHS - 2)
            run.write_epoch(EPOCHS - 1, rows.epoch(99), rows.metrics(99))

    export(run, tmp_path / "out", "parquet", told=train_otherwise)
    metrics = pq.read_table(tmp_path / "out" / "metrics.parquet")
    assert metrics["test_loss"].to_pylist()[-1] == 99
    history = pq.read_table(tmp_path / "out" / "history.parquet")
    assert cells("history", history) == cells("history", logged(run)["history"])


@pytest.mark.parametrize(
    ("folds", "damaged"),
    [(False, "parts/epoch-00001.parquet"), (False, "samples.parquet"), (True, "run.duckdb")],
)
def test_a_damaged_run_is_named_and_nothing_is_written(run: Run, tmp_path: Path, folds: bool, damaged: str):
    if folds:
        run.fold()
    content = bytearray((run.folder / damaged).read_bytes())
    content[len(content) // 2] ^= 1
    (run.folder / damaged).write_bytes(content)
    for form in exports.FORMS:
        with pytest.raises(RunIsForeign, match=Path(damaged).name):
            export(run, tmp_path / "out", form)
    assert names(tmp_path) == ["runs"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("form", exports.FORMS)
def test_what_is_there_is_replaced_only_when_asked(run: Run, tmp_path: Path, form: str):
    path = tmp_path / "out"
    export(run, path, form)
    before = path.stat().st_ino
    with pytest.raises(ExportRefused, match=r"out is there already; choose another --out or add --force"):
        export(run, path, form)
    assert path.stat().st_ino == before
    export(run, path, form, is_forced=True)
    assert path.stat().st_ino != before
    assert names(tmp_path) == ["out", "runs"]


def test_nothing_but_an_export_is_replaced(run: Run, tmp_path: Path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "history.tex").touch()
    for form in exports.FORMS:
        with pytest.raises(ExportRefused, match="is no export as"):
            export(run, tmp_path / "thesis", form, is_forced=True)
    assert names(tmp_path / "thesis") == ["history.tex"]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("runs/{run}/run.duckdb", "lies in the run .*; choose another --out"),
        ("missing/out", "there is no folder .*missing; make it or choose another --out"),
        ("closed/out", r"nothing can be written to .*closed \(.+\); choose another --out"),
    ],
)
def test_a_place_where_it_may_not_go_is_refused_in_a_sentence(
    run: Run, tmp_path: Path, place: str, sentence: str
):
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / ".undertow-export").touch()  # holds for root as well, who may write everywhere
    run.fold()
    database = (run.folder / "run.duckdb").read_bytes()
    with pytest.raises(ExportRefused, match=sentence):
        export(run, tmp_path / place.format(run=run.id), "duckdb", is_forced=True)
    assert (run.folder / "run.duckdb").read_bytes() == database


def fill_disk(*_: Any, **__: Any) -> None:
    raise OSError(ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("form", "writes"),
    [
        ("parquet", "pyarrow.parquet.ParquetWriter.write_table"),
        ("csv", "store.exporting.exports.files.sync"),
        ("duckdb", "store.folding.fold.summaries.fill"),
    ],
)
def test_a_full_disk_is_a_sentence_with_a_remedy(
    run: Run, tmp_path: Path, form: str, writes: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(writes, fill_disk)
    with pytest.raises(
        DiskIsFull, match=r"the disk is full: .*; free some space there or choose another --out"
    ):
        export(run, tmp_path / "out", form)
    assert names(tmp_path) == ["runs"]


@pytest.mark.parametrize("form", exports.FORMS)
def test_nothing_is_left_after_ctrl_c(run: Run, tmp_path: Path, form: str):
    def press(step: str, *_: int | None) -> None:
        if step in ("history", "database"):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        export(run, tmp_path / "out", form, told=press)
    assert names(tmp_path) == ["runs"]


def test_ctrl_c_within_a_query_is_ctrl_c(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: Any, **__: Any) -> None:
        raise RuntimeError("Query interrupted")  # DuckDB's word for a pressed Ctrl-C

    monkeypatch.setattr("store.folding.fold.summaries.fill", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(run, tmp_path / "out", "duckdb")
    assert names(tmp_path) == ["runs"]


def test_what_a_killed_export_left_is_cleaned_by_the_next_and_a_living_one_is_not(run: Run, tmp_path: Path):
    place = tmp_path / ".undertow-export"
    stray, living = place / f"{files.SCRATCH}999999999-0-0-out", files.scratch_path(place / "another")
    for path in (stray / "spill", living):
        path.mkdir(parents=True)
    (stray / "spill" / "block").touch()
    export(run, tmp_path / "out", "csv")
    assert names(place) == [living.name]


def test_progress_ends_with_all_rows(run: Run, tmp_path: Path):
    told: list[tuple[str, int | None, int | None]] = []
    export(run, tmp_path / "out", "csv", told=lambda *said: told.append(said))
    counts = [(done, total) for _, done, total in told if done is not None and total is not None]
    assert counts[-1][0] == counts[-1][1] == sum(logged(run)[table].num_rows for table in TABLES) + 40
    assert [done for done, _ in counts] == sorted(done for done, _ in counts)
