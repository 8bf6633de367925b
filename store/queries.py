"""The questions that pages ask of a run: one function a question, its SQL in sight. All of them only read.

What is derived from the history (means, forgetting, ranks) is computed when it is asked for, so that it
cannot disagree with its rows; only a fold keeps the summary of its last epoch, made by the same SQL.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from store import maps, schema, summaries
from store.questions import decision, suspicion, terms
from store.questions.decision import Why
from store.questions.suspicion import SUSPECT_SIGNALS
from store.reader import ask, ask_runs
from store.run import Run

__all__ = [
    "SUSPECT_SIGNALS",
    "Detection",
    "Why",
    "detection",
    "epoch_rows",
    "epoch_stats",
    "history",
    "kept_by_class",
    "kept_noise",
    "metrics",
    "metrics_of",
    "neighbours",
    "noise_known",
    "precision_recall",
    "stats_of",
    "summary",
    "suspects",
    "why",
    "whys",
]

_LAST = 65_535  # the highest epoch that the schema can hold

_ASKED = "($sample_ids IS NULL OR sample_id IN (SELECT unnest($sample_ids::UINTEGER[])))"


class Detection(NamedTuple):
    """How well a signal finds the wrong labels among the n samples where both it and the truth are known."""

    auroc: float
    average_precision: float
    n: int
    n_noisy: int


def metrics(run: Run) -> pd.DataFrame:
    """Returns every column of metrics, one row an epoch, in order."""
    return ask(run, "SELECT * FROM metrics ORDER BY epoch")


def metrics_of(runs: Sequence[Run]) -> pd.DataFrame:
    """Returns the metrics of several runs with the column run in front, by run and epoch."""
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
        FROM (FROM history WHERE sample_id IN (SELECT unnest($sample_ids::UINTEGER[]))) AS history
        JOIN (FROM samples WHERE sample_id IN (SELECT unnest($sample_ids::UINTEGER[]))) USING (sample_id)
        ORDER BY sample_id, epoch
        """,
        sample_ids=_ids(sample_ids),
    )


def epoch_rows(
    run: Run, epoch: int, columns: Sequence[str], sample_ids: Sequence[int] | None = None
) -> pd.DataFrame:
    """Returns the given columns of one epoch with what is fixed for the samples, all or some, by id."""
    names = [schema.column("history", name).name for name in columns if name != "sample_id"]
    listed = "".join(f', "{name}"' for name in names)
    return ask(
        run,
        f"""
        SELECT sample_id, label, true_label, consistency{listed}
        FROM history JOIN samples USING (sample_id)
        WHERE epoch = $epoch AND {_ASKED} ORDER BY sample_id
        """,
        epoch=int(epoch),
        sample_ids=None if sample_ids is None else _ids(sample_ids),
    )


def summary(
    run: Run,
    epoch: int | None = None,
    sample_ids: Sequence[int] | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Returns one row a sample, of all or some, about the epochs 0 to epoch (None: all), by id.

    A visit is an epoch in which the sample was measured. variability is the population standard deviation of
    confidence; forgetting_events counts visits that were wrong after the visit before was right; mean_margin
    is AUM; last_… is the latest known value. NaN where nothing is known. Few columns are answered sooner.
    """
    names = "*" if columns is None else ", ".join(columns)
    asked: dict[str, Any] = {
        "epoch": _LAST if epoch is None else int(epoch),
        "sample_ids": None if sample_ids is None else _ids(sample_ids),
    }
    if epoch is None or epoch >= run.last_epoch():
        kept = f"""
            SELECT samples.*, stored.* EXCLUDE (sample_id, up_to)
            FROM samples JOIN {summaries.TABLE} AS stored USING (sample_id) WHERE up_to <= $epoch
        """
        found = ask(run, f"SELECT {names} FROM ({kept}) WHERE {_ASKED} ORDER BY sample_id", **asked)
        if len(found):
            return found
    answer = summaries.select(f"epoch <= $epoch AND {_ASKED}")
    return ask(run, f"SELECT {names} FROM ({answer}) WHERE {_ASKED} ORDER BY sample_id", **asked)


def suspects(run: Run, by: str, top: int, epoch: int | None = None) -> pd.DataFrame:
    """Returns the summary of the most suspicious samples by one of SUSPECT_SIGNALS, most suspicious first.

    rank is the place in this order (equal ones by id); rank_<signal> and mean_rank are among all samples.
    Samples without a value are left out.
    """
    ranked = suspicion.with_ranks(summary(run, epoch))
    suspicions = suspicion.suspicion(ranked, by)
    order = np.argsort(-suspicions, kind="stable")[: min(top, int((~np.isnan(suspicions)).sum()))]
    worst = ranked.iloc[order].reset_index(drop=True)
    worst.insert(0, "rank", np.arange(1, len(worst) + 1))
    return worst


def noise_known(run: Run) -> bool:
    """True where some samples are known to have a wrong label."""
    return bool(ask(run, "SELECT count(*) AS n FROM samples WHERE label <> true_label").n[0])


def precision_recall(run: Run, by: str, epoch: int | None = None) -> pd.DataFrame:
    """Returns k, precision and recall of the k most suspicious samples among those whose truth is known."""
    return suspicion.precision_recall(*_suspected(run, by, epoch))


def detection(run: Run, by: str, epoch: int | None = None) -> Detection:
    """Returns how well one of SUSPECT_SIGNALS finds the labels that are known to be wrong."""
    suspicions, is_wrong = _suspected(run, by, epoch)
    return Detection(
        auroc=suspicion.auroc(suspicions, is_wrong),
        average_precision=suspicion.average_precision(suspicions, is_wrong),
        n=len(is_wrong),
        n_noisy=int(is_wrong.sum()),
    )


def kept_noise(run: Run) -> pd.DataFrame:
    """Returns epoch by epoch how many samples were kept and how many of them have a label known to be wrong.

    Shares are of the samples whose true label is known; NaN where there are none.
    """
    return ask(
        run,
        """
        SELECT epoch,
            count(*) FILTER (selected) AS kept,
            CASE WHEN count(true_label) > 0
                THEN count(*) FILTER (selected AND label <> true_label) END AS noisy_kept,
            noisy_kept / nullif(count(true_label) FILTER (selected), 0) AS share_noisy_kept,
            count(*) FILTER (label <> true_label) / nullif(count(true_label), 0) AS share_noisy_all
        FROM history JOIN samples USING (sample_id)
        GROUP BY epoch ORDER BY epoch
        """,
    )


def kept_by_class(run: Run, epoch: int) -> pd.DataFrame:
    """Returns how many samples of each class an epoch kept: label, n, kept; most neglected first."""
    return ask(
        run,
        """
        SELECT label, count(*) AS n, count(*) FILTER (selected) AS kept
        FROM history JOIN samples USING (sample_id)
        WHERE epoch = $epoch
        GROUP BY label ORDER BY kept / n, label
        """,
        epoch=epoch,
    )


def why(run: Run, sample_id: int, epoch: int) -> Why:
    """Returns why a sample was kept or dropped in an epoch; LookupError where the run has no such sample."""
    return whys(run, [sample_id], epoch)[0]


def whys(run: Run, sample_ids: Sequence[int], epoch: int) -> list[Why]:
    """Returns why each of some samples was kept or dropped in an epoch, from one look at all samples."""
    fixed = ask(
        run,
        "SELECT sample_id, consistency FROM samples WHERE sample_id IN (SELECT unnest($ids::UINTEGER[]))",
        ids=_ids(sample_ids),
    )
    consistency = dict(zip(fixed.sample_id.tolist(), fixed.consistency.astype(float), strict=True))
    for sample_id in sample_ids:
        if int(sample_id) not in consistency:
            raise LookupError(f"run {run.id} has no sample {sample_id}; pick one of its samples")
    config = run.config()
    known = ask(
        run,
        f"""
        SELECT sample_id, consistency, now.selected, now.weight, before.score, before.rarity, last_loss
        FROM {terms.AS_IT_BEGAN}
        """,
        epoch=int(epoch),
        by_loss=(config.get("strategy") or {}).get("kind") == "infobatch",
    )
    return [
        decision.explain(known, one, int(epoch), consistency=consistency[one], config=config)
        for one in _ids(sample_ids)
    ]


def neighbours(run: Run, sample_id: int, epoch: int) -> pd.DataFrame:
    """Returns the nearest samples in feature space by the last map at or before an epoch, nearest first.

    order: 1 = nearest. No rows where there is no such map or the sample is not on it.
    """
    drawn = [found for found in run.map_epochs() if found <= epoch]
    row = maps.read(run.folder, drawn[-1], sample_id) if drawn else None
    ids = _ids(row.neighbours[0]) if row is not None and len(row) else []
    return ask(
        run,
        """
        SELECT sample_id, label, true_label, consistency, list_position($ids, sample_id) AS "order"
        FROM samples WHERE list_contains($ids, sample_id) ORDER BY "order"
        """,
        ids=ids,
    )


def _suspected(run: Run, by: str, epoch: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Suspicion and truth, (M,) each, of the samples where both are known."""
    frame = summary(run, epoch)
    suspicions = suspicion.suspicion(frame, by)
    known = ~np.isnan(suspicions) & frame.true_label.notna().to_numpy()
    is_wrong = (frame.label != frame.true_label).to_numpy()
    return suspicions[known], is_wrong[known]


def _ids(sample_ids: Sequence[int]) -> list[int]:
    return [int(sample_id) for sample_id in sample_ids]
