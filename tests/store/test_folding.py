"""Folding beside a run that trains: when it starts, that it delays nobody, and how it says that it failed."""

import json
import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from store import manifest, queries
from store.folding import beside
from store.folding.beside import FoldFailed, Folding


def rows_of(run):
    return queries.history(run, range(40))


@pytest.mark.parametrize(
    ("folded", "newer", "samples", "due"),
    [
        (0, 7, 1_000_000, False),  # fewer than eight parts are read as quickly
        (0, 8, 125_000, True),  # eight parts that hold a million rows
        (0, 8, 124_999, False),
        (0, 63, 40, False),
        (0, 64, 40, True),  # small, but many files
        (64, 15, 1_000_000, False),
        (64, 16, 1_000_000, True),  # a quarter of what is folded
        (400, 99, 40, False),
        (400, 100, 40, True),
    ],
)
def test_a_fold_is_due_when_the_parts_are_many_beside_what_is_folded(
    make_run, monkeypatch, folded, newer, samples, due
):
    run = make_run(1)
    state = manifest.Committed(
        manifest.Manifest(folded=folded - 1, rows=folded * samples), tuple(range(folded, folded + newer))
    )
    monkeypatch.setattr(manifest, "committed", lambda _folder: state)
    monkeypatch.setattr(beside.tables, "read_rows", lambda _path: samples)
    assert beside.is_due(run.folder, folded + newer - 1) is due
    assert not beside.is_due(run.folder, folded + 6)  # what is not checkpointed yet does not count


def test_a_run_is_folded_while_it_grows_and_wholly_at_its_end(make_run, rows, monkeypatch):
    monkeypatch.setattr(beside, "ROWS", 1)
    run, plain = make_run(), make_run()
    folding = Folding(run.folder)
    generations = []
    for epoch in range(20):
        rows.add(run, 1)
        rows.add(plain, 1)
        folding.after_epoch(epoch - 1)  # the last one is not checkpointed yet
        if epoch in (8, 19):
            folding._at_work.join(timeout=60)
            generations.append((manifest.read_manifest(run.folder).generation, run.last_epoch()))
    assert generations[0] == (1, 8)
    assert generations[1][0] >= 2
    assert manifest.read_manifest(run.folder).folded < 19
    folding.finish()
    now = manifest.read_manifest(run.folder)
    assert (now.folded, now.rows) == (19, 20 * 40)
    assert [path.name for path in run.folder.glob("*.duckdb")] == [now.database]
    assert list((run.folder / "parts").iterdir()) == []
    assert rows_of(run).equals(rows_of(plain))


def test_a_fold_in_training_takes_in_nothing_that_a_resume_would_drop(make_run):
    run = make_run(5)
    run.fold(up_to=2)
    assert manifest.read_manifest(run.folder).folded == 2
    assert run.epochs() == [0, 1, 2, 3, 4]
    run.rewind(2)
    assert (run.last_epoch(), manifest.read_manifest(run.folder).generation) == (2, 1)


def test_a_fold_that_fails_while_training_is_logged_tried_again_later_and_said_at_the_end(
    make_run, rows, monkeypatch, caplog
):
    monkeypatch.setattr(beside, "ROWS", 1)
    run = make_run(8)
    part = manifest.part_path(run.folder, "epoch", 3)
    whole = part.read_bytes()
    part.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    folding = Folding(run.folder)
    with caplog.at_level(logging.WARNING):
        folding.after_epoch(7)
        folding._at_work.join(timeout=60)
        rows.add(run, 1)
        folding.after_epoch(8)
    sentence = rf"parts/epoch-00003\.parquet of run {run.id} has changed since it was written; restore it"
    assert len(caplog.records) == 1
    assert "not folded while training, which goes on; parts/epoch-00003.parquet" in caplog.text
    with pytest.raises(FoldFailed, match=sentence):
        folding.finish()
    part.write_bytes(whole)
    rows.add(run, 6)
    folding.after_epoch(13)
    assert manifest.read_manifest(run.folder).generation == 0
    folding.after_epoch(14)  # twice as long
    folding._at_work.join(timeout=60)
    assert (manifest.read_manifest(run.folder).folded, run.epochs()) == (14, list(range(15)))


def test_the_process_has_a_low_priority_and_says_nothing_of_a_run_that_is_gone(make_run):
    run = make_run(2)
    script = """
import json, os, sys
from store.folding import fold, beside
def told(*given, **named):
    sys.stderr.write(json.dumps([os.nice(0), named["threads"], given[1]]))
fold.fold = told
beside.main()
"""
    command = [sys.executable, "-c", script, str(run.folder), "--up-to", "1", "--threads", "1"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stderr)
    assert told == [os.nice(0) + beside.NICENESS, 1, 1]
    run.delete()
    gone = [sys.executable, "-m", "store.folding.beside", str(run.folder)]
    assert subprocess.run(gone, capture_output=True, text=True, check=True).stderr == ""


def test_whoever_starts_a_fold_loads_no_duckdb():
    script = "import sys, store.folding.beside; sys.exit('duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_fold_that_the_disk_has_no_room_for_does_not_begin(make_run, monkeypatch):
    monkeypatch.setattr(beside, "ROWS", 1)
    run = make_run(8)
    folding = Folding(run.folder)
    with monkeypatch.context() as nearly_full:
        nearly_full.setattr(beside.shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000))
        folding.after_epoch(7)
    assert folding._at_work is None
    folding.after_epoch(7)
    folding._at_work.join(timeout=60)
    assert manifest.read_manifest(run.folder).folded == 7
