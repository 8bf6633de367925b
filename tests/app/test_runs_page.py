"""Runs as a person works with it: a queue to arrange, runs to find, stop and delete, a failure to read."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import launch, queue
from store.run import Run, find_runs
from tests.pages import texts
from tests.synthetic import JOINT, make_run

TRACEBACK = """Traceback (most recent call last):
  File "/x/engine/train.py", line 120, in train
    raise ValueError(text)
ValueError: <b>keep</b> must be from 0.01 to 1
"""


def test_a_waiting_run_is_moved_to_the_front(page: Callable[..., AppTest], tmp_path: Path) -> None:
    runs = [make_run(tmp_path, epochs=0, state="queued") for _ in range(2)]
    at = page(tmp_path)
    assert "queue: 2 of 2" in texts(at)
    at.button(key=f"first_{runs[1].id}").click().run()
    assert [run.id for run in queue.in_order(tmp_path, queue.queued(tmp_path))] == [runs[1].id, runs[0].id]


def test_slots_are_written_for_the_supervisor_and_follow_another_tab(
    page: Callable[..., AppTest], tmp_path: Path
) -> None:
    make_run(tmp_path, epochs=0, state="queued")
    at = page(tmp_path)
    at.number_input(key="runs_slots").set_value(3).run()
    assert queue.slots(tmp_path) == 3
    queue.set_slots(tmp_path, 5)
    assert at.run().number_input(key="runs_slots").value == 5


def test_slots_stand_in_every_drawing_for_a_browser_that_missed_the_first(
    page: Callable[..., AppTest], tmp_path: Path
) -> None:
    make_run(tmp_path, epochs=0, state="queued")
    queue.set_slots(tmp_path, 3)
    at = page(tmp_path)
    for drawn in (at, at.run()):
        assert drawn.number_input(key="runs_slots").proto.default == 3


def test_stop_all_stops_what_waits(page: Callable[..., AppTest], tmp_path: Path) -> None:
    for _ in range(2):
        make_run(tmp_path, epochs=0, state="queued")
    page(tmp_path).button(key="stop_all").click().run()
    assert [run.status().state for run in find_runs(tmp_path)] == ["stopped", "stopped"]


def test_a_stalled_run_that_does_not_stop_is_killed(
    page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[Run] = []
    monkeypatch.setattr(launch, "kill", killed.append)
    run = make_run(tmp_path, samples=20, epochs=2, state="running")
    run.write_status(pid=os.getpid(), heartbeat=time.time() - 70)
    at = page(tmp_path)
    assert "silent for 1 min" in texts(at)
    assert at.button(key=f"stop_{run.id}")
    run.request_stop()
    at.run()
    assert "it was asked to stop" in texts(at)
    at.button(key=f"kill_{run.id}").click().run()
    assert killed == [run]


def test_a_failure_shows_its_exception_and_its_line(page: Callable[..., AppTest], tmp_path: Path) -> None:
    run = make_run(tmp_path, samples=20, epochs=1, state="failed")
    (run.folder / "log.txt").write_text(TRACEBACK)
    said = texts(page(tmp_path))
    assert "ValueError: &lt;b&gt;keep&lt;/b&gt; must be from 0.01 to 1" in said
    assert "engine/train.py:120, in train" in said
    assert "<code>raise ValueError(text)</code>" in said


@pytest.mark.parametrize("name", ["manifest.json", "config.json"])
def test_a_run_whose_small_files_are_damaged_is_listed_and_deleted(
    page: Callable[..., AppTest], tmp_path: Path, name: str
) -> None:
    healthy = make_run(tmp_path, samples=20, epochs=1)
    torn = make_run(tmp_path, samples=20, epochs=1)
    (torn.folder / name).write_text("{half")
    at = page(tmp_path)
    assert "Cannot be read" in texts(at)
    assert name in at.error[0].value
    at.button(key=f"delete_{torn.id}").click().run()
    assert not torn.folder.exists()
    assert (find_runs(tmp_path), list(at.error)) == ([healthy], [])


def test_a_click_on_what_another_tab_has_deleted_is_a_sentence(
    page: Callable[..., AppTest], tmp_path: Path
) -> None:
    for _ in range(2):
        make_run(tmp_path, samples=20, epochs=1, state="stopped")
    shown, other = find_runs(tmp_path)  # pages show the newest
    at = page(tmp_path)
    launch.delete(other)
    at.button(key=f"resume_{other.id}").click().run()
    assert [toast.value for toast in at.toast] == ["It was deleted meanwhile."]
    at = page(tmp_path)
    shown.write_status(state="queued")
    at.button(key=f"resume_{shown.id}").click().run()
    assert "is queued; stop it before resuming it" in at.toast[0].value
    assert not at.exception


def test_many_runs_are_searched_and_paged(page: Callable[..., AppTest], tmp_path: Path) -> None:
    for place in range(22):
        make_run(tmp_path, epochs=0, state="queued", settings=(*JOINT, f"name=run{place:02d}"))
    at = page(tmp_path)
    assert texts(at).count('class="ut-run"') == 20
    at.text_input(key="runs_search").set_value("run07").run()
    assert texts(at).count('class="ut-run"') == 1
    at.text_input(key="runs_search").set_value("nothing of the sort").run()
    assert "No run fits; clear the search or a filter." in texts(at)
