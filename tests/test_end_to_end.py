"""The main path, nothing stubbed: real runs, stop and resume through the app, a broken run's own sentence."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from app import launch
from engine import config
from store import queries, schema, summaries
from store.checking import findings
from store.run import Run

MAIN = Path(__file__).parents[1] / "app" / "main.py"


def wait_until(holds: Callable[[], bool], seconds: float = 120) -> None:
    """Waits for a condition; fails where it does not come to hold."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it did not come to hold in time"
        time.sleep(0.05)


def of_method(runs: list[Run], strategy: str) -> list[Run]:
    return [run for run in runs if run.config()["strategy"]["kind"] == strategy]


def test_the_demo_is_two_methods_with_three_seeds_each(demo_runs):
    assert [run.status().state for run in demo_runs] == ["done"] * 6
    for strategy in ("joint", "everything"):
        assert sorted(run.config()["seed"] for run in of_method(demo_runs, strategy)) == [0, 1, 2]


def test_the_kept_set_has_at_most_half_of_the_wrong_labels_of_the_data(demo_runs):
    for run in of_method(demo_runs, "joint"):
        noise = queries.kept_noise(run)
        assert noise.share_noisy_all.iloc[-1] == pytest.approx(0.1, abs=0.001)
        assert (noise.share_noisy_kept.iloc[1:] <= 0.05).all()


def test_consistency_finds_the_wrong_labels(demo_runs):
    assert queries.detection(demo_runs[0], "consistency").auroc >= 0.9


def test_every_method_learns_the_digits(demo_runs):
    for run in demo_runs:
        assert queries.metrics(run).test_accuracy.iloc[-1] > 0.95


def test_joint_selection_back_propagates_about_half(demo_runs):
    joint, full = (of_method(demo_runs, strategy) for strategy in ("joint", "everything"))
    spent = [queries.metrics(runs[0]).samples_backpropagated.sum() for runs in (joint, full)]
    assert spent[0] == 1437 + 19 * 718
    assert spent[1] == 20 * 1437


def test_same_settings_same_numbers_though_the_engine_was_killed_at_a_random_batch(demo_runs, tmp_path):
    """SADA + joint of the demo again, in another folder and process, killed with SIGKILL and resumed."""
    first = of_method(demo_runs, "joint")[-1]
    again = launch.submit(tmp_path, config.parse(first.config()))
    epoch, waited = random.randrange(1, 18), random.random() * 0.3
    wait_until(lambda: again.last_epoch() >= epoch)
    time.sleep(waited)  # into the middle of whatever it does then
    os.kill(again.status().pid or 0, signal.SIGKILL)
    wait_until(lambda: again.status().is_over)
    assert again.status().state in ("failed", "lost"), (epoch, waited)
    launch.resume(again)
    wait_until(lambda: again.status().state == "done")
    ours, theirs = (queries.history(run, list(range(1437))) for run in (first, again))
    assert len(ours) == 20 * 1437
    assert ours.equals(theirs), (epoch, waited)


def test_any_duckdb_client_opens_a_finished_run(demo_runs):
    run = demo_runs[0]
    database = json.loads((run.folder / "manifest.json").read_text())["database"]
    with duckdb.connect(str(run.folder / database), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
        assert tables == {*schema.TABLES, summaries.TABLE}
        assert connection.execute("SELECT count(*) FROM history").fetchone() == (20 * 1437,)


def test_every_file_of_a_real_run_is_as_it_was_written_and_none_is_a_stranger(demo_runs):
    for run in demo_runs:
        found = list(findings.check(run.folder))
        assert [one for one in found if one.verdict == findings.PROBLEM] == []
        assert [one for one in found if "nothing reads it" in one.sentence] == []


def test_starting_the_demo_again_trains_nothing(demo_root, demo_runs, undertow):
    before = {run.id: run.status().updated for run in demo_runs}
    subprocess.run([undertow, "demo", "--no-serve", "--runs", demo_root], check=True, timeout=120)
    assert {run.id: run.status().updated for run in demo_runs} == before


def test_a_run_is_stopped_and_resumed_from_the_app(tmp_path):
    run = launch.submit(tmp_path, config.parse({}, ["consistency.kind=none", "epochs=12", "maps.every=0"]))
    wait_until(lambda: run.last_epoch() >= 1)
    launch.stop(run)
    wait_until(lambda: run.status().state == "stopped")
    stopped_after = run.last_epoch()
    assert 1 <= stopped_after < 11
    assert len(queries.metrics(run)) == stopped_after + 1
    launch.resume(run)
    wait_until(lambda: run.status().state == "done")
    assert queries.metrics(run).epoch.tolist() == list(range(12))


def test_a_broken_run_ends_in_failed_with_its_sentence_in_the_app(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERTOW_RUNS", str(tmp_path))
    settings = config.RunConfig().model_dump(mode="json") | {"epochs": 0}
    run = Run.create(tmp_path, settings)
    launch.ensure_supervisor(tmp_path)
    wait_until(lambda: run.status().state == "failed")
    assert run.status().message == "epochs must be at least 1; got 0"
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    shown = " ".join(str(element.value) for element in (*page.markdown, *page.error, *page.caption))
    assert "epochs must be at least 1; got 0" in shown
