"""The questions that pages ask of a run: one function a question, its SQL in sight."""

from collections.abc import Sequence

import pandas as pd

from store.reader import ask, ask_runs
from store.run import Run


def metrics(run: Run) -> pd.DataFrame:
    """Returns every column of metrics, one row an epoch, in order."""
    return ask(run, "SELECT * FROM metrics ORDER BY epoch")


def metrics_of(runs: Sequence[Run]) -> pd.DataFrame:
    """Returns the metrics of several runs, ordered by run and epoch."""
    return ask_runs(runs, "SELECT * FROM metrics ORDER BY run, epoch")


def epoch_stats(run: Run, signal: str, label: int | None = None) -> pd.DataFrame:
    """Returns the summary of a signal epoch by epoch, of one class or (label None) of all samples."""
    return ask(
        run,
        """
        SELECT * FROM epoch_stats
        WHERE signal = $signal AND label IS NOT DISTINCT FROM $label
        ORDER BY epoch
        """,
        signal=signal,
        label=label,
    )


def stats_of(runs: Sequence[Run], signal: str) -> pd.DataFrame:
    """Returns the summary of a signal over all samples, epoch by epoch, of several runs."""
    return ask_runs(
        runs,
        "SELECT * FROM epoch_stats WHERE signal = $signal AND label IS NULL ORDER BY run, epoch",
        signal=signal,
    )


def history(run: Run, sample_ids: Sequence[int]) -> pd.DataFrame:
    """Returns every recorded epoch of the given samples with what is fixed for them, by sample and epoch."""
    return ask(
        run,
        """
        SELECT history.*, label, true_label, consistency
        FROM history JOIN samples USING (sample_id)
        WHERE sample_id IN (SELECT unnest($sample_ids::UINTEGER[]))
        ORDER BY sample_id, epoch
        """,
        sample_ids=[int(sample_id) for sample_id in sample_ids],
    )
