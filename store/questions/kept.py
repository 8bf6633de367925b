"""Which samples each epoch trained on, to be used elsewhere: one epoch at a time, so that any run fits.

Fifty thousand samples and two hundred epochs are five million rows, more than a page should hold at once.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy import ndarray

from store.reader import ask
from store.run import Run


def by_epoch(run: Run, *, block: int = 10) -> Iterator[pd.DataFrame]:
    """Yields epoch, sample_id and weight of the kept samples, by epoch and id, some epochs at a time.

    weight: the factor on the sample's loss in that epoch; NaN where none was recorded. A kept sample is one
    that the epoch trained on. block: epochs a frame.
    """
    for first in range(0, run.last_epoch() + 1, block):
        yield ask(
            run,
            """
            SELECT epoch, sample_id, weight FROM history
            WHERE selected AND epoch >= $first AND epoch < $end ORDER BY epoch, sample_id
            """,
            first=first,
            end=first + block,
        )


def matrix(run: Run) -> ndarray:
    """Returns whether each epoch trained on each sample, (epochs, N) booleans."""
    samples = int(ask(run, "SELECT count(*) AS n FROM samples").n[0])
    kept = np.zeros((run.last_epoch() + 1, samples), bool)
    for rows in by_epoch(run):
        kept[rows.epoch.to_numpy(int), rows.sample_id.to_numpy(int)] = True
    return kept
