"""Folding changes where the rows lie and nothing else, wherever it is interrupted."""

import pkgutil
import signal
import subprocess
import sys
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from store import connections, files, manifest, queries, sources
from store.folding import fold
from store.reader import ask
from store.run import Run, RunIsForeign
from store.schema import TABLES
from tests import faults

# Dies by SIGKILL at the given call of the given function, in the middle of what the last argument does.
DIES = """
import importlib, os, signal, sys
from store.run import Run
folder, module, name, calls, action = sys.argv[1:]
target = importlib.import_module(module)
real, left = getattr(target, name), [int(calls)]
def dies(*given, **named):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)
setattr(target, name, dies)
exec(action)
"""
ROWS = "SELECT * FROM history ORDER BY epoch, sample_id"
WRITES_EPOCH_3 = """
import numpy as np
from store.schema import EPOCH_COLUMNS, METRIC_COLUMNS
columns = {column.name: np.zeros(40) for column in EPOCH_COLUMNS[2:]} | {"sample_id": np.arange(40)}
Run.open(folder).write_epoch(3, columns, {column.name: 0.0 for column in METRIC_COLUMNS[1:]})
"""


def killed(run: Run, point: str, calls: int, action: str) -> bool:
    module, _, name = point.rpartition(".")
    script = [sys.executable, "-c", DIES, str(run.folder), module, name, str(calls), action]
    return subprocess.run(script, check=False).returncode == -signal.SIGKILL


def half_dropped(rows, epoch: int, samples: int) -> dict[str, Any]:
    """Every second sample dropped, features asked for in every fifth epoch."""
    kept = np.arange(samples) % 2 == 0
    measured = ("strength", "weight", "operation", "loss", "confidence", "margin", "influence", "variance")
    now, refreshed = rows.epoch(epoch, samples, selected=kept), rows.epoch(epoch // 5, samples)
    features = ("neighbour_distance", "density", "rarity", "score")
    return (
        now
        | {name: np.where(kept, now[name], np.nan) for name in measured}
        | {name: refreshed[name] for name in features}
    )


def tables_of(run: Run) -> dict[str, pd.DataFrame]:
    return {table: ask(run, f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES}


def assert_same(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(found[table], expected[table])


def test_answers_stay_the_same_in_every_mix_of_database_and_parts(make_run, rows):
    plain, folded = make_run(), make_run()
    for epochs, folds in ((2, 1), (1, 2), (3, 0)):
        rows.add(plain, epochs)
        rows.add(folded, epochs)
        for _ in range(folds):
            folded.fold()
        assert_same(tables_of(folded), tables_of(plain))
    assert (folded.epochs(), plain.epochs()) == (list(range(6)), list(range(6)))


def test_folding_again_without_new_epochs_does_nothing(make_run):
    run = make_run(2)
    run.fold()
    before = (run.folder / "manifest.json").read_text(), run.data_version()
    run.fold()
    assert ((run.folder / "manifest.json").read_text(), run.data_version()) == before


def test_a_run_without_epochs_folds_to_nothing(make_run):
    run = make_run()
    run.fold()
    assert manifest.read_manifest(run.folder).database is None


def test_any_client_opens_the_database_and_reads_what_each_column_means(make_run):
    run = make_run(2)
    run.fold()
    with duckdb.connect(str(run.folder / "run.duckdb"), read_only=True) as client:
        for table, columns in TABLES.items():
            found = client.execute(
                "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = $table"
                " ORDER BY column_index",
                {"table": table},
            ).fetchall()
            expected = [(column.name, column.type, f"{column.meaning}; {column.when}") for column in columns]
            assert found == expected
        assert client.execute("SELECT count(*) FROM history").fetchone() == (80,)
    assert (run.folder / "run.duckdb").read_bytes()[8:13] == b"DUCK@"  # storage version 64: DuckDB 1.0


def test_kept_rows_lie_before_dropped_ones_in_blocks_of_samples_and_stretches_of_epochs(
    make_run, monkeypatch
):
    monkeypatch.setattr(fold, "SLICE_ROWS", 13_000)  # one block a slice
    run = make_run(12, samples=2100)
    run.fold()
    with duckdb.connect(str(run.folder / "run.duckdb"), read_only=True) as client:
        found = client.execute("SELECT sample_id, selected, epoch FROM history ORDER BY rowid").fetchall()
    assert len(found) == 2100 * 12
    expected = sorted((ids // 1024, not kept, epoch // 10, ids, epoch) for ids, kept, epoch in found)
    assert [(ids // 1024, not kept, epoch // 10, ids, epoch) for ids, kept, epoch in found] == expected


def test_the_statistics_of_one_signal_lie_together(make_run):
    run = make_run(3)
    run.fold()
    with duckdb.connect(str(run.folder / "run.duckdb"), read_only=True) as client:
        found = client.execute("SELECT signal, label, epoch FROM epoch_stats ORDER BY rowid").fetchall()
    of_all = [(name, label, epoch) for name, label, epoch in found if label is None]
    assert of_all == sorted(of_all)
    by_class = [row for row in found if row not in of_all]
    assert by_class == sorted(by_class)
    assert [name for name, _, _ in found] == sorted(name for name, _, _ in found)


def test_what_is_empty_for_dropped_samples_takes_no_space_for_them(make_run, rows, tmp_path, monkeypatch):
    run = make_run(0, samples=10_000)
    for epoch in range(25):
        run.write_epoch(epoch, half_dropped(rows, epoch, 10_000), rows.metrics(epoch))
    monkeypatch.setattr(fold, "ORDER", "sample_id // 1024, epoch, sample_id")
    mixed = tmp_path / "mixed.duckdb"
    fold.build(run.folder, mixed, state=sources.state(run.folder), last_epoch=24, threads=1)
    monkeypatch.undo()
    run.fold()
    close = run.folder / "run.duckdb"
    assert close.stat().st_size < 0.8 * mixed.stat().st_size
    with duckdb.connect(str(close), read_only=True) as client:
        client.execute(f"ATTACH '{mixed}' AS mixed (READ_ONLY)")
        assert client.execute("FROM history EXCEPT ALL FROM mixed.history").fetchall() == []


def test_the_last_generation_stays_for_readers_in_between(make_run, rows):
    run = make_run(2)
    kept = []
    for _ in range(3):
        run.fold()
        databases = sorted(path.name for path in run.folder.glob("*.duckdb"))
        kept.append((databases, manifest.numbered(run.folder / "parts")))
        rows.add(run, 1)
    assert kept == [
        (["run.duckdb"], [0, 1]),
        (["run.2.duckdb", "run.duckdb"], [2]),
        (["run.2.duckdb", "run.3.duckdb"], [3]),
    ]


def test_a_fold_long_after_the_last_cleans_what_nobody_reads_any_more(make_run, rows, monkeypatch):
    run = make_run(2)
    run.fold()
    rows.add(run, 1)
    run.fold()
    before = tables_of(run)
    manifest.part_path(run.folder, "stats", 0).write_bytes(b"left by a fold that died")
    monkeypatch.setattr(fold, "GRACE", 0)
    run.fold()
    assert [path.name for path in run.folder.glob("*.duckdb")] == ["run.2.duckdb"]
    assert list((run.folder / "parts").iterdir()) == []
    assert_same(tables_of(run), before)


@pytest.mark.parametrize("epoch", [-1, 0, 2, 4])
def test_rewinding_reaches_into_what_is_folded(make_run, rows, epoch):
    run, fresh = make_run(2), make_run(epoch + 1)
    run.fold()
    rows.add(run, 2)
    run.fold()
    rows.add(run, 1)
    run.rewind(epoch)
    assert run.last_epoch() == epoch
    assert_same(tables_of(run), tables_of(fresh))
    rows.add(run, 2)
    rows.add(fresh, 2)
    assert_same(tables_of(run), tables_of(fresh))
    run.fold()
    assert_same(tables_of(run), tables_of(fresh))


@pytest.mark.parametrize(
    ("point", "calls"),
    [
        ("store.folding.fold._fill", 1),
        ("store.folding.fold._fill", 3),
        ("store.files.sync", 1),
        ("store.manifest.publish", 1),
        ("store.folding.fold._clean", 1),
        ("store.parts.remove_parts", 2),
    ],
)
def test_a_fold_killed_anywhere_leaves_the_run_readable(make_run, rows, point, calls):
    run = make_run(2)
    run.fold()
    rows.add(run, 2)
    before = tables_of(run)
    assert killed(run, point, calls, "Run.open(folder).fold()")
    assert_same(tables_of(run), before)
    rows.add(run, 1)
    run.fold()
    assert queries.metrics(run).epoch.tolist() == [0, 1, 2, 3, 4]
    assert not list(run.folder.glob(".scratch-*"))


@pytest.mark.parametrize(
    ("point", "calls"),
    [("store.folding.fold._fill", 3), ("store.manifest.publish", 1), ("store.parts.remove_parts", 3)],
)
def test_a_rewind_killed_anywhere_can_be_done_again(make_run, rows, point, calls):
    run, fresh = make_run(3), make_run(2)
    run.fold()
    rows.add(run, 2)
    assert killed(run, point, calls, "Run.open(folder).rewind(1)")
    assert set(queries.metrics(run).epoch) in ({0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 3, 4})
    run.rewind(1)
    assert_same(tables_of(run), tables_of(fresh))


@pytest.mark.parametrize("calls", range(1, 7))
def test_an_epoch_killed_while_it_is_written_is_there_or_not(make_run, calls):
    run = make_run(3)
    before = tables_of(run)
    assert killed(run, "os.fsync", calls, WRITES_EPOCH_3)
    if calls < 6:
        assert_same(tables_of(run), before)
    else:
        assert run.last_epoch() == 3  # its name is in place; only its durability was open
    with run.claim():
        epochs = {manifest.numbered(run.folder / "parts", kind)[-1] for kind in ("stats", "metrics", "epoch")}
        assert epochs == {run.last_epoch()}


@pytest.mark.parametrize(
    "step", ["store.sources.state", "store.manifest.publish", "store.folding.fold._clean"]
)
def test_a_fold_holds_its_lock_from_its_first_look_to_its_cleaning(make_run, monkeypatch, step):
    run, free = make_run(2), []
    real = pkgutil.resolve_name(step)

    def looked_at(*given):
        free.append(faults.is_free(run.folder / manifest.FOLD_LOCK))
        return real(*given)

    monkeypatch.setattr(step, looked_at)
    run.fold()
    assert free == [False]


def test_going_back_drops_the_map_of_every_later_epoch(make_run):
    run = make_run(3)
    for epoch in range(3):
        run.write_map(epoch, **faults.plane(epoch))
    run.rewind(0)
    assert run.map_epochs() == [0]


def test_a_database_is_on_the_disk_before_it_has_its_name(make_run, monkeypatch):
    run, flushed = make_run(2), []
    database = run.folder / "run.duckdb"
    monkeypatch.setattr(files, "sync", lambda path: flushed.append((path, database.exists())))
    run.fold()
    (content, was_named), names = flushed[0], flushed[1]
    assert (content.name.startswith(files.SCRATCH), content.name.endswith("run.duckdb")) == (True, True)
    assert not was_named
    assert names == (run.folder, True)


def test_what_a_killed_fold_spilled_is_removed_by_the_next(make_run, monkeypatch):
    run, places = make_run(2), []
    settings = connections.settings

    def spills(**given):
        places.append(given["spill"])
        places[-1].mkdir()
        (places[-1] / "duckdb_temp_storage-0.tmp").touch()
        return settings(**given)

    monkeypatch.setattr(connections, "settings", spills)
    dead = run.folder / f"{files.SCRATCH}999999999-gone-0-run.duckdb.spill"
    dead.mkdir()
    run.fold()
    assert [place.parent for place in places] == [run.folder]
    assert not list(run.folder.glob(f"{files.SCRATCH}*"))


def test_a_fold_on_a_full_disk_says_so_and_publishes_nothing(make_run, monkeypatch):
    run = make_run(2)
    before = tables_of(run)

    def full(*_given, **_named):
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fold, "_fill", full)
        with pytest.raises(OSError, match=r"the disk is full: run\.duckdb needs 0\.\d MB and .* MB are free"):
            run.fold()
    assert not list(run.folder.glob("*.duckdb*"))
    assert not list(run.folder.glob(".scratch-*"))
    assert_same(tables_of(run), before)


def test_one_sample_s_history_reads_few_row_groups_and_only_the_columns_asked_for(make_run, rows):
    samples, group = 9000, 122_880
    run = make_run(0, samples=samples)
    columns = rows.epoch(0, samples)
    for epoch in range(80):
        run.write_epoch(epoch, columns, rows.metrics(epoch))
    run.fold()
    rows.add(run, 1, samples)
    plan = ask(run, "EXPLAIN ANALYZE SELECT epoch, loss FROM history WHERE sample_id = 1234").iloc[0, 1]
    scanned, groups = plan.split("Row Groups Scanned:")[1].split("│")[0].split("/")
    assert int(groups) == -(-samples * 80 // group)
    assert int(scanned) <= 3  # of 6: where it was kept, and where its block was dropped
    assert "weight" not in plan


def test_a_database_that_goes_away_under_a_fold_is_a_sentence(make_run, rows):
    """As where rm -rf has come so far and the manifest is still there."""
    run = make_run(2)
    run.fold()
    rows.add(run, 1)
    (run.folder / "run.duckdb").unlink()
    with pytest.raises(RunIsForeign, match=f"the files of run {run.id} vanish while they are read"):
        run.fold()
    with pytest.raises(RunIsForeign, match=f"the files of run {run.id} vanish while they are read"):
        run.rewind(0)
