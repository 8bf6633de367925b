"""A run of another version of the schema is refused with its sentence everywhere, and never misread."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from store import damaged
from store.reader import ask, ask_runs
from store.run import Run, RunIsForeign, find_run, find_runs
from store.schema import SCHEMA_VERSION
from tests import faults

VERSIONS = [1, 2, SCHEMA_VERSION + 1, 99, str(SCHEMA_VERSION), None, True, float(SCHEMA_VERSION) + 0.5]
REFUSED = (
    rf"was written with schema version .* and this Undertow reads version {SCHEMA_VERSION}; open it with"
)


def of_version(run: Run, version: object) -> Run:
    """Makes a run one of another version."""
    path = run.folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": version}))
    return run


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_run_of_another_version_is_refused_whatever_is_asked(make_run, version):
    run, whole = make_run(2), make_run(2)
    run.fold()
    of_version(run, version)
    root = run.folder.parent
    for refused in (
        lambda: Run.open(run.folder),
        lambda: find_run(root, run.id),
        lambda: ask(run, faults.COUNTS),
        lambda: ask_runs([whole, run], "SELECT count(*) FROM history"),
        run.last_epoch,
        run.data_version,
        run.fold,
        lambda: run.rewind(0),
        lambda: run.claim().__enter__(),
        lambda: run.write_epoch(2, {}, {}),
    ):
        with pytest.raises(RunIsForeign, match=REFUSED):
            refused()
    assert find_runs(root) == [whole]
    assert [(found, str(version) in sentence) for found, sentence in damaged.find_damaged(root)] == [
        (run, True)
    ]
    assert faults.is_whole(ask(whole, faults.COUNTS))
    of_version(run, SCHEMA_VERSION)
    assert faults.is_whole(ask(run, faults.COUNTS))  # nothing of it was changed


@pytest.mark.parametrize(
    "words",
    [("runs", "list"), ("runs", "show"), ("runs", "fold"), ("runs", "check"), ("export",)],
    ids=" ".join,
)
def test_every_command_says_one_sentence(make_run, undertow: Path, words):
    run = of_version(make_run(1), 1)
    named = [] if words == ("runs", "list") else [run.id]
    options = ["--to", "csv", "--out", str(run.folder.parent / "out")] if words == ("export",) else []
    done = subprocess.run(
        [undertow, *words, *named, *options, "--runs", run.folder.parent],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in said, said
    assert "schema version 1 and this Undertow reads" in said, said


def test_the_engine_refuses_it_in_one_sentence(make_run, monkeypatch):
    from engine import __main__ as engine  # late: it loads what trains

    monkeypatch.setattr(sys, "argv", ["engine", str(of_version(make_run(1), 99).folder)])
    with pytest.raises(SystemExit, match="schema version 99 and this Undertow reads"):
        engine.main()
