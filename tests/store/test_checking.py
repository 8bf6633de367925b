"""What a check of a run names: every changed, missing, foreign and swapped file, and nothing whole."""

import json
import os
import random
import shutil
import stat
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from store import files, manifest, predictions, samples
from store.checking import findings
from store.checking.findings import Finding
from store.folding import fold
from store.predictions import Prediction
from store.run import Run
from tests.store.conftest import Rows

FLIPS = 60  # of every kind of file


def problems(run: Run) -> list[tuple[str, str]]:
    """The names of what a check finds wrong, each with what is wrong, without the remedy."""
    found = [finding for finding in findings.check(run.folder) if finding.verdict == findings.PROBLEM]
    return [(finding.name, finding.sentence.partition(";")[0]) for finding in found]


def leftovers(run: Run) -> list[tuple[str, str]]:
    found = findings.check(run.folder)
    return [(one.name, one.sentence) for one in found if one.verdict == findings.LEFTOVER]


def write_map(run: Run, epoch: int = 0) -> None:
    ids = np.arange(40)
    neighbours = (ids[:, None] + np.arange(1, 4)) % 40
    positions = np.random.default_rng(epoch).random((40, 2), np.float32)
    run.write_map(epoch, sample_ids=ids, positions=positions, neighbours=neighbours)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of one epoch as parts with a map, and one of three epochs in its database, to be copied."""
    rows, root = Rows(), tmp_path_factory.mktemp("kept")
    runs = {name: Run.create(root, {"epochs": 10}) for name in ("hot", "folded")}
    for run, epochs in zip(runs.values(), (1, 3), strict=True):
        run.write_samples(rows.fixed(), rows.classes)
        rows.add(run, epochs)
    write_map(runs["hot"])
    runs["folded"].fold()
    for path in (runs["folded"].folder / "parts").iterdir():
        path.unlink()
    return runs


@pytest.fixture
def hot(kept: dict[str, Run], tmp_path: Path) -> Run:
    """A run of one epoch as parts, with a map."""
    return Run(shutil.copytree(kept["hot"].folder, tmp_path / kept["hot"].id))


@pytest.fixture
def folded(kept: dict[str, Run], tmp_path: Path) -> Run:
    """A run of three epochs in its database."""
    return Run(shutil.copytree(kept["folded"].folder, tmp_path / kept["folded"].id))


def rewritten(run: Run, sql: str) -> None:
    """Changes the run's database by SQL, and the manifest so that the file itself looks as it was written."""
    now = manifest.read_manifest(run.folder)
    path = run.folder / str(now.database)
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)
    published = json.loads((run.folder / "manifest.json").read_text())
    published |= {"bytes": path.stat().st_size, "sha256": files.sha256(path)}
    (run.folder / "manifest.json").write_text(json.dumps(published))


def test_a_whole_run_is_good_and_every_file_is_counted_once(make_run):
    run = make_run(2)
    write_map(run)
    found = list(findings.check(run.folder))
    parts = [
        f"parts/{kind}-0000{epoch}.parquet" for epoch in (0, 1) for kind in ("stats", "metrics", "epoch")
    ]
    assert [finding.name for finding in found] == [
        "config.json", "status.json", "manifest.json", "classes.parquet", "samples.parquet", *parts,
        "maps/epoch-00000.parquet",
    ]  # fmt: skip
    assert {finding.verdict for finding in found} == {"ok"}
    by_name = {finding.name: finding for finding in found}
    path = run.folder / parts[2]
    assert by_name[parts[2]] == Finding(parts[2], rows=40, bytes=path.stat().st_size)
    assert sum(one.rows for one in found if findings.holds_history(one.name)) == 2 * 40


def test_a_folded_run_is_good_and_its_database_counts_all_rows(folded):
    (database,) = [finding for finding in findings.check(folded.folder) if finding.name == "run.duckdb"]
    size = (folded.folder / "run.duckdb").stat().st_size
    assert database == Finding("run.duckdb", rows=3 * 40, bytes=size)
    assert (problems(folded), leftovers(folded)) == ([], [])


@pytest.mark.parametrize(
    "name",
    [
        "parts/epoch-00000.parquet",
        "parts/metrics-00000.parquet",
        "parts/stats-00000.parquet",
        "samples.parquet",
        "classes.parquet",
        "maps/epoch-00000.parquet",
        "run.duckdb",
    ],
)
def test_any_byte_that_changes_names_its_file_and_no_other(hot, folded, name):
    run = folded if name == "run.duckdb" else hot
    path, rng = run.folder / name, random.Random(name)
    whole = path.read_bytes()
    for place in rng.sample(range(len(whole)), min(FLIPS, len(whole))):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
        assert [found for found, _ in problems(run)] == [name], place
    path.write_bytes(whole)
    assert problems(run) == []


@pytest.mark.parametrize("name", ["parts/epoch-00000.parquet", "samples.parquet", "maps/epoch-00000.parquet"])
def test_a_truncated_and_a_foreign_file_are_told_apart(hot, name):
    path = hot.folder / name
    table, whole = pq.read_table(path).replace_schema_metadata(None), path.read_bytes()
    path.write_bytes(whole[:-1])
    assert problems(hot) == [(name, "is no whole Parquet file")]
    path.write_bytes(b"")
    assert problems(hot) == [(name, "is no whole Parquet file")]
    pq.write_table(table, path)
    assert problems(hot) == [(name, "was not written by Undertow")]


def test_a_truncated_database_is_named_with_both_sizes(folded):
    path = folded.folder / "run.duckdb"
    size = path.stat().st_size
    os.truncate(path, size - 1)
    assert problems(folded) == [("run.duckdb", f"has {size - 1} bytes where {size} were written")]
    path.unlink()
    assert problems(folded) == [("run.duckdb", "is missing")]


@pytest.mark.parametrize("name", ["parts/epoch-00000.parquet", "samples.parquet", "maps/epoch-00000.parquet"])
def test_a_whole_file_of_another_run_is_named_with_whose_it_is(hot, make_run, name):
    other = make_run(1)
    write_map(other)
    shutil.copy(other.folder / name, hot.folder / name)
    kind = {"p": "epoch 0", "s": "samples", "m": "map 0"}[name[0]]
    assert problems(hot) == [(name, f"is another file: {kind} of run {other.id}")]


def test_two_parts_that_changed_places_are_both_named(make_run):
    run = make_run(2)
    first, second = (manifest.part_path(run.folder, "epoch", epoch) for epoch in (0, 1))
    spare = run.folder / "spare"
    first.rename(spare), second.rename(first), spare.rename(second)
    assert problems(run) == [
        ("parts/epoch-00000.parquet", f"is another file: epoch 1 of run {run.id}"),
        ("parts/epoch-00001.parquet", f"is another file: epoch 0 of run {run.id}"),
    ]


@pytest.mark.parametrize("kind", ["epoch", "metrics", "stats"])
def test_a_missing_part_is_named_and_the_others_are_still_checked(make_run, kind):
    run = make_run(3)
    manifest.part_path(run.folder, kind, 1).unlink()
    manifest.part_path(run.folder, "epoch", 2).write_bytes(b"no parquet")
    assert problems(run) == [
        (f"parts/{kind}-00001.parquet", "is missing"),
        ("parts/epoch-00002.parquet", "is no whole Parquet file"),
    ]


def test_a_part_of_more_samples_than_the_run_has_is_named(hot, rows):
    samples.write(hot.folder, rows.fixed(30), class_names=rows.classes, is_fixed=False)
    assert problems(hot) == [("parts/epoch-00000.parquet", "has 40 rows where 30 are due")]


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        (
            "DELETE FROM history WHERE epoch = 1 AND sample_id = 7",
            "table history has 119 rows where 120 are due",
        ),
        (
            "UPDATE history SET epoch = 2 WHERE epoch = 1 AND sample_id = 7",
            "1 samples from 0 on have not one row an epoch in history",
        ),
        ("UPDATE metrics SET epoch = 2", "table metrics is of 1 epochs where 3 are due"),
        ("DELETE FROM epoch_stats WHERE label = 1 AND epoch = 0", "table epoch_stats has"),
        ("ALTER TABLE history ALTER loss TYPE DOUBLE", "table history has other columns than the schema"),
        ("DROP TABLE metrics", "table metrics is missing"),
        ("UPDATE samples SET label = 1 WHERE sample_id = 3", "table samples is not that of samples.parquet"),
        ("UPDATE classes SET name = 'dog'", "table classes is not that of classes.parquet"),
        ("DELETE FROM sample_summary WHERE sample_id = 0", "table sample_summary has 39 of 40 samples"),
    ],
)
def test_a_database_that_was_published_wrong_is_named_with_its_table(folded, sql, wrong):
    rewritten(folded, sql)
    ((name, sentence),) = problems(folded)
    assert (name, sentence[: len(wrong)]) == ("run.duckdb", wrong)


def test_documents_that_are_no_json_are_named(folded):
    for name in ("config.json", "run.json", "status.json"):
        (folded.folder / name).write_text("{")
    wrong = "is damaged: no JSON object"
    assert problems(folded) == [(name, wrong) for name in ("config.json", "run.json", "status.json")]


@pytest.mark.parametrize(
    ("changed", "name", "wrong"),
    [
        ({"folded": "two"}, "manifest.json", "manifest.json of run "),
        ({"database": None}, "manifest.json", "manifest.json of run "),
        ({"folded": 1}, "run.duckdb", "table history has 120 rows where 80 are due"),
        ({"rows": 119}, "run.duckdb", "has 120 rows of history where the manifest says 119"),
        ({"schema": 1}, "manifest.json", "run "),
        ({"other": 1}, "manifest.json", "manifest.json of run "),
    ],
)
def test_a_manifest_that_cannot_be_is_named(folded, changed, name, wrong):
    path = folded.folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    ((found, sentence),) = problems(folded)
    assert (found, sentence[: len(wrong)]) == (name, wrong)


def test_a_damaged_checkpoint_is_named_and_a_whole_one_is_not(hot):
    path = hot.checkpoints / "epoch-00001.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights", b"12345678")
    assert problems(hot) == []
    content = path.read_bytes()
    path.write_bytes(content.replace(b"12345678", b"12345679"))
    assert problems(hot) == [("checkpoints/epoch-00001.pt", "is damaged")]


def test_a_prediction_is_checked_and_what_the_app_keeps_beside_a_run_is_no_leftover(make_run):
    run = make_run()
    ids = np.arange(20)
    path = predictions.write(run, Prediction(base=run.id, epoch=1, of=40, kept={0: ids, 1: ids + 20}))
    (run.folder / "badges.json").write_text("{}")
    assert (problems(run), leftovers(run)) == ([], [])
    path.write_bytes(path.read_bytes().replace(run.id.encode(), b"20200101-000000-0a1b2c"))
    assert problems(run) == [("predicted.parquet", "has changed since it was written")]


def test_what_is_left_over_is_harmless_and_named_with_what_removes_it(make_run, rows):
    run = make_run(2)
    run.fold()
    rows.add(run, 1)
    run.fold()
    stray = run.folder / "parts" / f"{files.SCRATCH}999999999-00000000-epoch-00003.parquet"
    stray.write_bytes(b"half")
    (run.folder / "parts" / "notes.txt").write_text("mine")
    uncommitted = manifest.part_path(run.folder, "stats", 3)
    shutil.copy(manifest.part_path(run.folder, "stats", 2), uncommitted)
    run.write_status(state="stopped")
    earlier = "database of an earlier generation, kept for its readers; a fold removes it"
    folded = "parts of epochs that are in the database, kept for those who read them; a fold removes them"
    assert problems(run) == []
    assert leftovers(run) == [
        (f"parts/{stray.name}", "half-written by a process that is gone; a resume removes it"),
        ("run.duckdb", earlier),
        ("parts/ (3 files)", folded),
        ("parts/stats-00003.parquet", "of an epoch that was never committed; a resume removes it"),
        ("parts/notes.txt", "no file of Undertow's; nothing reads it"),
    ]


def test_a_check_writes_nothing_and_works_where_only_reading_is_allowed(make_run, rows):
    run = make_run(2)
    run.fold()
    rows.add(run, 1)
    paths = [run.folder, *run.folder.rglob("*")]
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}
    for path in paths:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    assert problems(run) == []
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths} == before
    assert sorted(run.folder.rglob("*")) == sorted(paths[1:])
    for path in paths:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_parts_and_a_database_that_a_fold_replaces_meanwhile_are_no_problem(make_run, monkeypatch, rows):
    run = make_run(2)
    run.fold()
    rows.add(run, 2)
    monkeypatch.setattr(fold, "GRACE", 0.0)
    found = []
    for finding in findings.check(run.folder):
        found.append(finding)
        if finding.name == "samples.parquet":
            run.fold()
            run.fold()  # the second one removes what the first one still kept for readers
    assert [finding for finding in found if finding.verdict == findings.PROBLEM] == []
    assert [(one.name, one.rows) for one in found if one.name.endswith(".duckdb")] == [("run.2.duckdb", 160)]


def test_epochs_that_a_resume_drops_meanwhile_are_no_problem(make_run, rows):
    run = make_run(2)
    run.fold()
    rows.add(run, 2)
    found = []
    for finding in findings.check(run.folder):
        found.append(finding)
        if finding.name == "samples.parquet":
            run.rewind(0)
    assert [finding for finding in found if finding.verdict == findings.PROBLEM] == []
    good = [(one.name, one.rows) for one in found if one.verdict == findings.OK]
    assert [one for one in good if one[0].endswith(".duckdb")] == [("run.2.duckdb", 40)]


def test_a_new_run_without_anything_is_good(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    assert [finding.name for finding in findings.check(run.folder)] == [
        "config.json",
        "status.json",
        "manifest.json",
    ]
