"""The samples that are highest by a signal in one epoch, asked so that only they leave the database.

An epoch of a million samples has a million rows; sorting them all to show a hundred takes forty times the
reader's memory.
"""

import pandas as pd

from store import schema
from store.reader import ask
from store.run import Run


def top(run: Run, epoch: int, by: str, count: int) -> pd.DataFrame:
    """Returns the count highest samples by a column of history in an epoch, highest first, equal ones by id.

    Columns: sample_id, what is fixed for the sample, selected and the column itself. Samples of which it is
    unknown are left out. Raises KeyError where history has no such column.
    """
    name = schema.column("history", by).name
    listed = "" if name in ("sample_id", "selected") else f', "{name}"'
    return ask(
        run,
        f"""
        SELECT sample_id, label, true_label, consistency, selected{listed}
        FROM (
            SELECT sample_id, selected{listed} FROM history
            WHERE epoch = $epoch AND "{name}" IS NOT NULL
            ORDER BY "{name}" DESC, sample_id LIMIT $count
        ) JOIN samples USING (sample_id)
        ORDER BY "{name}" DESC, sample_id
        """,
        epoch=int(epoch),
        count=int(count),
    )
