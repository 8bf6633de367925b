"""The terms that decided an epoch's selection, as they were logged, and the sets that epochs kept.

What an epoch goes by is known after the epoch before, so the terms of epoch e are the rows of e - 1; beside
them stands what e really kept, against which anything computed from the terms can be held.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy import ndarray

from store.reader import ask
from store.run import Run

# Every sample in an epoch (now), with what was known of it as that began (before, last_loss), by id; binds
# $epoch, and $by_loss, which says whether the last loss is wanted.
AS_IT_BEGAN = """
    history AS now JOIN samples USING (sample_id)
    LEFT JOIN (FROM history WHERE epoch = $epoch - 1) AS before USING (sample_id)
    LEFT JOIN (
        SELECT sample_id, arg_max(loss, epoch) AS last_loss FROM history
        WHERE $by_loss AND epoch < $epoch AND isfinite(loss) GROUP BY sample_id
    ) USING (sample_id)
    WHERE now.epoch = $epoch ORDER BY sample_id
"""


def terms(run: Run, epoch: int, *, by_loss: bool = False) -> pd.DataFrame:
    """Returns what was known of each sample when an epoch was selected, one row a sample, by id.

    Columns: sample_id, label, true_label, consistency; neighbour_distance, rarity and score as known after
    the epoch before (NaN before the first); last_loss at the last visit before, in nats, only where by_loss,
    since it reads the whole history; selected in the epoch. No rows where the epoch is not recorded.
    """
    return ask(
        run,
        f"""
        SELECT sample_id, label, true_label, consistency, before.neighbour_distance, before.rarity,
            before.score, last_loss, now.selected
        FROM {AS_IT_BEGAN}
        """,
        epoch=int(epoch),
        by_loss=by_loss,
    )


def kept_sets(run: Run, epochs: Sequence[int]) -> dict[int, ndarray]:
    """Returns the ids (M,) that each of these epochs kept, ascending, by epoch; unrecorded epochs lack."""
    wanted = [int(epoch) for epoch in epochs]
    rows = ask(
        run,
        """
        SELECT epoch, sample_id FROM history
        WHERE selected AND epoch IN (SELECT unnest($epochs::USMALLINT[])) ORDER BY epoch, sample_id
        """,
        epochs=wanted,
    )
    epoch, ids = rows["epoch"].to_numpy(np.int64), rows["sample_id"].to_numpy(np.int64)
    found, starts = np.unique(epoch, return_index=True)
    return dict(zip(found.tolist(), np.split(ids, starts[1:]), strict=True)) if len(found) else {}
