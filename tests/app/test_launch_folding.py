"""A run that folds what it recorded takes as long as it takes: nobody kills it for that."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import launch
from app.supervisor import Patience
from store.status import FOLDING
from tests.launching import Queue, eventually

GRACE = 0.2


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(tmp_path)
    queue.patience = Patience(poll=0.02, idle=0.5, grace=GRACE)
    yield queue
    queue.end()


def test_a_stopped_run_may_fold_for_longer_than_a_batch_may_take(queue: Queue) -> None:
    run = queue.submit("fold")
    eventually(lambda: run.status().phase == "training")
    launch.stop(run)
    eventually(lambda: run.status().phase == FOLDING)
    begun = time.monotonic()
    eventually(lambda: time.monotonic() - begun > 5 * GRACE or not run.status().is_alive)
    assert (run.status().state, run.status().phase) == ("stopping", FOLDING)
    (run.folder / "folded").touch()
    eventually(lambda: not run.status().is_alive)
    assert (run.status().state, run.status().message) == ("stopped", "")
    assert "killing" not in queue.log()
