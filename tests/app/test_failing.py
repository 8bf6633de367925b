"""The place of a failure is read from the log as Python wrote it."""

import traceback
from pathlib import Path

import pytest

from app.runs import failing
from app.runs.failing import Failure
from store.run import Run

LOG = """epoch 0 done
Traceback (most recent call last):
  File "/x/engine/train.py", line 12, in load
    open(path)
FileNotFoundError: no such file

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/x/engine/__main__.py", line 90, in finish
    work(run)
    ~~~~^^^^^
  File "/x/engine/train.py", line 120, in train
    raise ValueError(text)
ValueError: keep must be from 0.01 to 1; got 2
and a second line
"""


def test_the_last_exception_and_its_innermost_line_are_found() -> None:
    assert failing.found(LOG) == Failure(
        "ValueError: keep must be from 0.01 to 1; got 2",
        "/x/engine/train.py",
        120,
        "train",
        "raise ValueError(text)",
    )


def test_a_real_traceback_names_this_file() -> None:
    try:
        [][1]
    except IndexError:
        found = failing.found(traceback.format_exc())
    assert found is not None
    assert (found.exception, found.code) == ("IndexError: list index out of range", "[][1]")
    assert found.place.startswith("app/test_failing.py:")


@pytest.mark.parametrize("log", ["", "epoch 0 done\n", "Traceback (most recent call last):\n  cut off"])
def test_a_log_without_an_exception_names_none(log: str) -> None:
    assert failing.found(log) is None


def test_an_exception_without_a_line_has_no_place() -> None:
    found = failing.found("Traceback (most recent call last):\nMemoryError\n")
    assert found is not None
    assert (found.exception, found.place) == ("MemoryError", "")


def test_the_exception_of_an_earlier_attempt_is_not_that_of_the_last(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    (run.folder / "log.txt").write_text(LOG)
    failing.mark_attempt(run)
    assert failing.found(run.log_tail()) is None
