"""One number of the last epoch, wherever that epoch lies."""

import numpy as np
import pytest

from store import manifest
from store.errors import RunIsForeign
from store.questions import glance


def test_the_last_metric_is_that_of_the_newest_epoch_in_parts_and_in_the_database(make_run, rows):
    run, found = make_run(), []
    for epoch, test_loss in enumerate([0.5, 0.25, np.nan]):
        found.append(glance.last_metric(run, "test_loss"))
        run.write_epoch(epoch, rows.epoch(epoch), rows.metrics(epoch) | {"test_loss": test_loss})
        found.append(glance.last_metric(run, "test_loss"))
        run.fold()
    assert found == [None, 0.5, 0.5, 0.25, 0.25, None]


def test_a_damaged_part_is_named_instead_of_a_number(make_run):
    run = make_run(2)
    manifest.part_path(run.folder, "metrics", 1).write_bytes(b"half")
    with pytest.raises(RunIsForeign, match=r"metrics-00001\.parquet of run .* is damaged"):
        glance.last_metric(run, "test_loss")
