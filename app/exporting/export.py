"""The ranked suspects as a file to work with elsewhere: ids, labels, scores, and which run said so.

A file leaves the app, so every row carries the run, the epoch and a digest of the settings it came from.
"""

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from pandas import DataFrame

JUDGED = ("verdict", "corrected_label", "judged_at")
COLUMNS = (
    "rank", "sample_id", "label", "suggested_label", "true_label", "consistency", "mean_margin",
    "mean_confidence", "mean_loss", "mean_rank",
)  # fmt: skip


def suspects(ranked: DataFrame, *, by: str, run_id: str, config: Mapping[str, Any], epoch: int) -> DataFrame:
    """Returns what is written to a file: one row a sample, most suspicious first.

    ranked: suspects by one signal over the epochs up to this one, with verdicts where they are to be told.
    """
    table = ranked[[*COLUMNS, *(name for name in JUDGED if name in ranked)]]
    return table.assign(
        true_label=table["true_label"].astype("Int64"),
        ranked_by=by,
        epoch=epoch,
        run=run_id,
        config=config_digest(config),
    )


def config_digest(config: Mapping[str, Any]) -> str:
    """Returns twelve hexadecimal digits of a configuration: equal settings, equal digits."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def csv(table: DataFrame) -> bytes:
    """Returns a table as CSV."""
    return table.to_csv(index=False).encode()


def parquet(table: DataFrame) -> bytes:
    """Returns a table as a Parquet file."""
    written = BytesIO()
    table.to_parquet(written, index=False)
    return written.getvalue()
