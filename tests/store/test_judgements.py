"""Verdicts: written beside the run, undone, shared by two tabs, and never lost to a damaged file."""

import json
import threading
from pathlib import Path

import pytest

from store import files, judgements
from store.errors import RunIsForeign
from store.judgements import Judgement
from store.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, {"seed": 1})


def test_a_verdict_survives_a_restart_with_its_class_and_time(run: Run):
    judgements.judge(run, {7: Judgement("noisy", 3), 2: Judgement("hard")})
    found = judgements.judgements(Run.open(run.folder))
    assert {sample_id: one[:2] for sample_id, one in found.items()} == {2: ("hard", None), 7: ("noisy", 3)}
    assert found[7].when.endswith("Z")
    assert judgements.table(run)["corrected_label"].fillna(-1).tolist() == [-1, 3]


def test_what_stood_before_undoes_a_verdict(run: Run):
    first = judgements.judge(run, {7: Judgement("fine", when="2026-01-01T00:00:00Z")})
    second = judgements.judge(run, {7: Judgement("noisy", 3)})
    judgements.judge(run, second)
    assert judgements.judgements(run) == {7: Judgement("fine", None, "2026-01-01T00:00:00Z")}
    judgements.judge(run, first)
    assert judgements.judgements(run) == {}


def test_clearing_can_be_undone(run: Run):
    judgements.judge(run, {1: Judgement("hard"), 2: Judgement("noisy", 0)})
    before = judgements.judgements(run)
    cleared = judgements.clear(run)
    assert judgements.judgements(run) == {}
    judgements.judge(run, cleared)
    assert judgements.judgements(run) == before


def test_two_tabs_that_judge_at_once_lose_nothing(run: Run):
    def judge_all(first: int) -> None:
        for sample_id in range(first, 40, 2):
            judgements.judge(run, {sample_id: Judgement("fine")})

    tabs = [threading.Thread(target=judge_all, args=(first,)) for first in (0, 1)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert list(judgements.judgements(run)) == list(range(40))


def test_a_verdict_changes_the_version_and_nothing_of_the_engine(run: Run):
    before = {path.name: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    data_version, version = run.data_version(), judgements.version(run)
    judgements.judge(run, {1: Judgement("fine")})
    assert judgements.version(run) != version
    assert run.data_version() == data_version
    assert {name: (run.folder / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"format": 1, "run": "', "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 1, "run": "RUN"}', "is damaged"),
        ('{"format": 1, "run": "RUN", "judgements": {"x": {}}}', "is damaged"),
        (
            '{"format": 1, "run": "RUN", "judgements": {"1": {"verdict": "odd", "corrected": null}}}',
            "is damaged",
        ),
        ('{"format": 1, "run": "another", "judgements": {}}', "was not written for this run"),
        ('{"format": 99, "run": "RUN", "judgements": {}}', "was not written for this run"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_never_overwritten(run: Run, content: str, says: str):
    path = run.folder / "judgements.json"
    path.write_text(content.replace("RUN", run.id))
    before = path.read_bytes()
    for ask in (lambda: judgements.judgements(run), lambda: judgements.judge(run, {1: Judgement("fine")})):
        with pytest.raises(RunIsForeign, match=rf"judgements\.json of run {run.id} {says}"):
            ask()
    with pytest.raises(RunIsForeign):
        judgements.clear(run)
    assert path.read_bytes() == before


def test_a_failed_write_keeps_what_was_there(run: Run, monkeypatch: pytest.MonkeyPatch):
    judgements.judge(run, {1: Judgement("fine")})

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Permission denied")

    monkeypatch.setattr(files, "_write_pieces", refuse)
    with pytest.raises(PermissionError):
        judgements.judge(run, {2: Judgement("fine")})
    assert list(judgements.judgements(run)) == [1]
    assert not list(run.folder.glob(".scratch-*"))


@pytest.mark.parametrize(
    "judgement",
    [Judgement("odd"), Judgement("fine", 3), Judgement("noisy", -1)],
)
def test_a_verdict_that_is_none_is_refused(run: Run, judgement: Judgement):
    with pytest.raises(ValueError, match="sample 5 must be"):
        judgements.judge(run, {5: judgement})
    assert judgements.judgements(run) == {}


def test_the_file_is_plain_json(run: Run):
    judgements.judge(run, {7: Judgement("noisy", 3, "2026-01-01T00:00:00Z")})
    content = json.loads((run.folder / "judgements.json").read_text())
    assert content["judgements"] == {
        "7": {"verdict": "noisy", "corrected": 3, "when": "2026-01-01T00:00:00Z"}
    }
