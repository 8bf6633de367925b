"""Diagnostics are kept beside a finished run for as long as they are true of it, and no longer."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import diagnostics
from engine.diagnostics import Badge
from engine.diagnostics import cache as kept
from store.run import Run
from tests.synthetic import make_run

BADGE = Badge("Name", "red", "1", "A sentence.", 3, "samples", "how", "noise", (2, 7))


class Counted:
    """Computes one badge and counts how often it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, _: Run) -> list[Badge]:
        self.times += 1
        return [BADGE]


def test_what_is_kept_is_what_was_computed(tmp_path: Path) -> None:
    run = make_run(tmp_path, samples=20, epochs=3)
    first = diagnostics.remembered(run, diagnostics.diagnosed)
    assert first == diagnostics.remembered(run, _never) == diagnostics.diagnosed(run)


def test_a_run_that_trains_keeps_none(tmp_path: Path) -> None:
    run, compute = make_run(tmp_path, samples=20, epochs=3, state="running"), Counted()
    assert [diagnostics.remembered(run, compute) for _ in range(2)] == [[BADGE], [BADGE]]
    assert compute.times == 2
    assert not (run.folder / kept.FILE).exists()


def _rewind(run: Run, _: pytest.MonkeyPatch) -> None:
    run.rewind(1)


def _other_rules(_: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "rules", lambda: "other")


def _damage(run: Run, _: pytest.MonkeyPatch) -> None:
    (run.folder / kept.FILE).write_text("{half")


def _strange(run: Run, _: pytest.MonkeyPatch) -> None:
    path = run.folder / kept.FILE
    path.write_text(path.read_text().replace('"verdict"', '"judgement"'))


@pytest.mark.parametrize("change", [_rewind, _other_rules, _damage, _strange])
def test_other_data_other_rules_or_damage__it_is_computed_anew(
    change: Callable[[Run, pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, compute = make_run(tmp_path, samples=20, epochs=3), Counted()
    diagnostics.remembered(run, compute)
    diagnostics.remembered(run, compute)
    assert compute.times == 1
    change(run, monkeypatch)
    assert diagnostics.remembered(run, compute) == [BADGE]
    assert compute.times == 2


def _never(run: Run) -> list[Badge]:
    raise AssertionError(f"run {run.id} was diagnosed again")
