"""The ranked suspects as a table to work with elsewhere: ids, labels, scores, and which run said so.

A file leaves the app, so every row carries the run, the epoch and a digest of the settings it came from.
"""

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

SCORES = ("consistency", "mean_margin", "mean_confidence", "mean_loss", "mean_rank")


def suggested(frame: DataFrame) -> "pd.Series[Any]":
    """Returns the last prediction where it is another class than the label; NaN elsewhere."""
    return frame["last_prediction"].where(frame["last_prediction"] != frame["label"])


def suspects(ranked: DataFrame, *, by: str, run_id: str, config: Mapping[str, Any], epoch: int) -> DataFrame:
    """Returns what is written to a file: one row a sample, most suspicious first.

    ranked: suspects of the store by one signal, over the epochs up to this one.
    """
    columns = {name: ranked[name] for name in ("rank", "sample_id", "label")}
    columns["suggested_label"] = suggested(ranked).astype("Int64")
    columns["true_label"] = ranked["true_label"].astype("Int64")
    columns |= {name: ranked[name] for name in SCORES}
    return DataFrame(columns).assign(ranked_by=by, epoch=epoch, run=run_id, config=config_digest(config))


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


def is_flipped(frame: DataFrame) -> "pd.Series[Any]":
    """Returns whether each label is wrong, as nullable truth: unknown where the true label is."""
    flipped = pd.Series(np.asarray(frame["label"] != frame["true_label"]), index=frame.index, dtype="boolean")
    return flipped.where(frame["true_label"].notna().to_numpy())
