"""What a reader sees while a run grows, folds and is rewound, and what it says of files that are foreign."""

import json
import shutil
import threading
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from store import manifest, reader, sources
from store.reader import ask, ask_runs
from store.run import Run, RunIsForeign
from store.schema import TABLES

COUNTS = """
    SELECT epoch, count(*) AS n, count(DISTINCT sample_id) AS samples
    FROM history GROUP BY epoch ORDER BY epoch
"""


@pytest.fixture
def own_reader(monkeypatch):
    """A reader of this test alone, as a new process has it."""
    own = reader._Reader()
    monkeypatch.setattr(reader, "_reader", lambda: own)
    return own


def test_before_anything_is_written_every_table_is_empty_and_has_its_columns(tmp_path):
    run = Run.create(tmp_path, {})
    for table, columns in TABLES.items():
        frame = ask(run, f"SELECT * FROM {table}")
        assert (list(frame.columns), len(frame)) == ([column.name for column in columns], 0)


def test_unknown_numbers_are_nan_and_unknown_truth_is_missing(make_run):
    frame = ask(make_run(1), "SELECT loss, prediction, correct, selected FROM history")
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "loss": "float32",
        "prediction": "float64",
        "correct": "boolean",
        "selected": "bool",
    }
    assert np.isnan(frame.prediction).any()


def test_values_are_bound_by_name(make_run):
    run = make_run(2)
    assert ask(run, "SELECT $a + $b AS c", a=1, b=2).c.tolist() == [3]


def test_a_folder_name_may_hold_any_sign(tmp_path, rows):
    run = Run.create(tmp_path / "it's [1] * ä", {})
    run.write_samples(rows.fixed(), rows.classes)
    rows.add(run, 2)
    run.fold()
    rows.add(run, 1)
    assert ask(run, COUNTS).n.tolist() == [40, 40, 40]


def test_several_runs_are_asked_at_once_and_named(make_run):
    runs = [make_run(2), make_run(1), make_run()]
    runs[0].fold()
    frame = ask_runs(runs, "SELECT run, epoch, kept FROM metrics ORDER BY run, epoch")
    expected = sorted([(runs[0].id, 0, 0), (runs[0].id, 1, 1), (runs[1].id, 0, 0)])
    assert list(frame.itertuples(index=False, name=None)) == expected
    assert ask_runs(runs, "SELECT * FROM samples").columns[0] == "run"
    assert ask_runs([], "SELECT * FROM metrics").columns[0] == "run"
    assert len(ask(runs[1], "SELECT * FROM metrics")) == 1


def test_a_reader_in_a_loop_sees_each_epoch_once_while_epochs_arrive_and_folds_happen(make_run, rows):
    run, over, failures, seen = make_run(), threading.Event(), [], []

    def read() -> None:
        last = 0
        try:
            while not (over.is_set() and last == 30):
                frame = ask(run, COUNTS)
                assert frame.epoch.tolist() == list(range(len(frame)))
                assert (frame.n == rows.samples).all() and (frame.samples == rows.samples).all()
                assert len(frame) >= last
                last = len(frame)
                seen.append(last)
        except BaseException as failure:
            failures.append(failure)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    for epoch in range(30):
        rows.add(run, 1)
        if epoch % 3 == 2:
            run.fold()
    over.set()
    for thread in readers:
        thread.join(timeout=120)
    assert failures == []
    assert seen[-1] == 30
    assert manifest.read_manifest(run.folder).generation == 10


def test_a_question_asked_of_a_state_that_went_away_is_asked_again(make_run, rows, monkeypatch):
    run = make_run(2)
    real, interrupted = reader._enter, []

    def enter_late(*given, **named):
        if not interrupted:
            interrupted.append(True)
            for _ in range(2):
                rows.add(run, 1)
                run.fold()
        real(*given, **named)

    monkeypatch.setattr(reader, "_enter", enter_late)
    assert ask(run, COUNTS).n.tolist() == [40] * 4
    assert interrupted == [True]


@pytest.mark.parametrize("moment", [(manifest, "numbered"), (sources, "check")])
def test_a_state_that_goes_away_while_it_is_looked_at_is_looked_at_again(make_run, rows, monkeypatch, moment):
    run = make_run(2)
    run.fold()
    module, name = moment
    real, interrupted = getattr(module, name), []

    def look_late(*given, **named):
        if not interrupted:
            interrupted.append(True)
            for _ in range(2):
                rows.add(run, 1)
                run.fold()
        return real(*given, **named)

    monkeypatch.setattr(module, name, look_late)
    assert ask(run, COUNTS).n.tolist() == [40] * 4
    assert interrupted == [True]


def test_a_rewound_epoch_is_never_answered_from_memory(make_run, rows):
    run = make_run(3)
    for number in range(20):
        run.rewind(1)
        run.write_epoch(2, rows.epoch(2, loss=np.full(rows.samples, number)), rows.metrics(number))
        frame = ask(
            run,
            "SELECT avg(loss) AS loss, any_value(kept) AS kept FROM history JOIN metrics USING (epoch) "
            "WHERE epoch = 2",
        )
        assert frame.iloc[0].tolist() == [number, number]


def test_views_and_databases_of_past_states_are_let_go_after_a_grace(make_run, rows, own_reader, monkeypatch):
    run = make_run(1)
    clock = [0.0]
    monkeypatch.setattr(reader.time, "monotonic", lambda: clock[0])

    def held() -> tuple[int, int]:
        schemas = own_reader._connection.execute(
            "SELECT count(*) FROM duckdb_schemas() WHERE schema_name LIKE 'r_%'"
        )
        return schemas.fetchall()[0][0], len(own_reader._attached)

    counts = []
    for seconds in (0, 1, 2, 100, 200):
        clock[0] = seconds
        rows.add(run, 1)
        run.fold()
        ask(run, COUNTS)
        counts.append(held())
    assert counts == [(1, 1), (2, 2), (3, 3), (2, 2), (2, 2)]


def test_a_deleted_run_is_let_go(make_run, own_reader):
    run, other = make_run(1), make_run(1)
    run.fold()
    ask(run, COUNTS)
    run.delete()
    ask(other, COUNTS)
    assert run.folder not in own_reader._views
    with pytest.raises(RunIsForeign, match="is no run"):
        ask(run, COUNTS)


def test_wrong_sql_fails_as_duckdb_says_it(make_run):
    with pytest.raises(duckdb.BinderException, match="mood"):
        ask(make_run(1), "SELECT mood FROM history")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def overwrite(path: Path) -> None:
    path.write_bytes(b"not a table")


def replace_by_strangers(path: Path) -> None:
    pq.write_table(pa.table({"epoch": [1], "loss": [0.5]}), path)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, overwrite, replace_by_strangers, empty])
@pytest.mark.parametrize("kind", ["epoch", "metrics", "stats"])
@pytest.mark.parametrize("was_asked", [False, True])
def test_a_part_that_is_not_the_run_s_own_is_named_with_the_remedy(make_run, damage, kind, was_asked):
    run = make_run(3)
    if was_asked:
        ask(run, COUNTS)
    damage(manifest.part_path(run.folder, kind, 1))
    table = {"epoch": "history", "metrics": "metrics", "stats": "epoch_stats"}[kind]
    sentence = rf"parts/{kind}-00001\.parquet of run {run.id} .*; restore it from a copy, or delete"
    with pytest.raises(RunIsForeign, match=sentence):
        ask(run, f"SELECT sum(epoch) FROM {table}")
    with pytest.raises(RunIsForeign, match=sentence):
        run.fold()


def test_a_part_of_another_run_is_refused(make_run):
    run, other = make_run(3), make_run(3)
    shutil.copy(manifest.part_path(other.folder, "epoch", 1), manifest.part_path(run.folder, "epoch", 1))
    with pytest.raises(
        RunIsForeign, match=r"parts/epoch-00001\.parquet of run .* was not written by this run"
    ):
        ask(run, COUNTS)


def test_a_part_of_another_epoch_is_refused(make_run):
    run = make_run(3)
    shutil.copy(manifest.part_path(run.folder, "epoch", 2), manifest.part_path(run.folder, "epoch", 3))
    with pytest.raises(
        RunIsForeign, match=r"parts/epoch-00003\.parquet of run .* was not written by this run"
    ):
        ask(run, COUNTS)


def test_a_missing_part_is_named_with_the_remedy(make_run):
    run = make_run(4)
    manifest.part_path(run.folder, "epoch", 1).unlink()
    sentence = r"parts/epoch-00001\.parquet of run .* is missing though later ones are there; restore it"
    with pytest.raises(RunIsForeign, match=sentence):
        ask(run, COUNTS)
    run.rewind(0)
    assert ask(run, COUNTS).n.tolist() == [40]


@pytest.mark.parametrize("damage", [halve, overwrite, empty, Path.unlink])
def test_a_database_that_is_not_the_one_published_is_named(make_run, damage):
    run = make_run(2)
    run.fold()
    damage(run.folder / "run.duckdb")
    with pytest.raises(
        RunIsForeign, match=r"run\.duckdb of run .* is damaged or was not written by this run|vanish"
    ):
        ask(run, COUNTS)


def test_a_database_with_other_rows_is_refused(make_run):
    run = make_run(2)
    run.fold()
    with duckdb.connect(str(run.folder / "run.duckdb")) as client:
        client.execute("DELETE FROM history WHERE sample_id = 3")
    with pytest.raises(RunIsForeign, match=r"run\.duckdb of run .* is damaged or was not written"):
        ask(run, COUNTS)


@pytest.mark.parametrize("damage", [truncate, overwrite, replace_by_strangers])
@pytest.mark.parametrize("table", ["samples", "classes"])
def test_damaged_samples_are_named(make_run, damage, table):
    run = make_run(1)
    damage(run.folder / f"{table}.parquet")
    with pytest.raises(RunIsForeign, match=rf"{table}\.parquet of run .* is damaged"):
        ask(run, "SELECT * FROM samples, classes")


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 3, "mood": 3}'])
def test_a_damaged_manifest_is_named(make_run, content):
    run = make_run(1)
    (run.folder / "manifest.json").write_text(content)
    with pytest.raises(RunIsForeign, match=r"manifest\.json .*damaged"):
        ask(run, COUNTS)


def test_files_beside_the_parts_do_not_matter(make_run):
    run = make_run(2)
    for name in (
        "epoch-00002 copy.parquet",
        "notes.txt",
        "epoch-2.parquet",
        ".scratch-1-a-epoch-00002.parquet",
    ):
        (run.folder / "parts" / name).write_bytes(b"anything")
    assert ask(run, COUNTS).n.tolist() == [40, 40]


def test_the_settings_bound_what_questions_may_take(make_run):
    settings = "SELECT current_setting('threads') AS threads, current_setting('memory_limit') AS memory"
    assert json.loads(ask(make_run(), settings).to_json(orient="records")) == [
        {"threads": 2, "memory": "22.8 MiB"}
    ]


def test_a_question_that_needs_more_memory_gets_it_and_hands_it_back(make_run):
    run = make_run()
    list_of_40_megabytes = "SELECT len(list(range)) AS n FROM range(5_000_000)"
    assert ask(run, list_of_40_megabytes).n.tolist() == [5_000_000]
    assert ask(run, "SELECT current_setting('memory_limit') AS memory").memory.tolist() == ["22.8 MiB"]


@pytest.mark.parametrize("end", [duckdb.FatalException, duckdb.InternalException])
def test_a_question_that_ends_duckdb_is_asked_again_of_another_connection(
    make_run, own_reader, monkeypatch, end
):
    run, dead, real = make_run(2), [], own_reader._answer

    def ends_once(*given, **named):
        if not dead:
            dead.append(own_reader._connection)
            own_reader._connection.close()
            raise end("database has been invalidated")
        return real(*given, **named)

    monkeypatch.setattr(own_reader, "_answer", ends_once)
    assert ask(run, COUNTS).n.tolist() == [40, 40]
    assert own_reader._connection is not dead[0]
