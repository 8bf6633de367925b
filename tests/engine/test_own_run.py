"""The end of a run that a person's own process logs: what it says while it folds."""

import time
from pathlib import Path

import pytest

from engine import progress
from engine.own.run import OwnRun
from store.folding.beside import Folding
from store.status import FOLDING

LIMIT = 60.0


def test_the_heartbeat_goes_on_while_a_run_is_folded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    own = OwnRun(tmp_path, {"tracked": True}, epochs=None)
    beats: set[float | None] = set()

    def folded(_: Folding) -> None:
        give_up = time.monotonic() + LIMIT
        while len(beats) < 3 and time.monotonic() < give_up:
            status = own.run.status()
            if status.phase == FOLDING:
                beats.add(status.heartbeat)

    monkeypatch.setattr(Folding, "finish", folded)
    own.end("done")
    assert len(beats) == 3
    assert (own.run.status().state, own.run.status().phase) == ("done", "")
