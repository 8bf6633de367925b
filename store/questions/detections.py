"""How well each ranking finds the labels that are known to be wrong, epoch by epoch.

The history is added up once, in stretches of epochs, instead of being asked again for every epoch: means up
to an epoch are then sums of stretches.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy import ndarray

from store.questions import suspicion
from store.reader import ask
from store.run import Run

# Epochs that are graded of a long run: a curve looks no different with more, and each costs 30 ms.
MOST_EPOCHS = 16

# Samples whose history is added up at a time; a fold lays blocks of 1,024 together.
_SLICE = 10_240
_KINDS = ("sum", "count")
_MEANS = {"mean_margin": "margin", "mean_confidence": "confidence", "mean_loss": "loss"}


class _Known(NamedTuple):
    """What does not change with the epoch."""

    consistency: ndarray  # (N,)
    is_wrong: ndarray  # (N,) booleans
    has_truth: ndarray  # (N,) booleans


def by_epoch(run: Run, most: int = MOST_EPOCHS) -> pd.DataFrame:
    """Returns epoch, signal, auroc, average_precision and n, graded over the epochs 0 to epoch.

    At most so many epochs, evenly spread, the last among them; every one of SUSPECT_SIGNALS for each. NaN
    where a ranking has no value yet; no rows where no label is known to be wrong.
    """
    samples = ask(run, "SELECT label, true_label, consistency FROM samples ORDER BY sample_id")
    has_truth = samples.true_label.notna().to_numpy()
    is_wrong = has_truth & (samples.label != samples.true_label).to_numpy()
    columns = ["epoch", "signal", "auroc", "average_precision", "n"]
    if not is_wrong.any() or run.last_epoch() < 0:
        return pd.DataFrame(columns=columns)
    known = _Known(samples.consistency.to_numpy("float64"), is_wrong, has_truth)
    step = -(-(run.last_epoch() + 1) // most)
    rows = []
    for epoch, means in _means(run, len(samples), step):
        rows += [(epoch, *grade) for grade in _graded(known, means)]
    return pd.DataFrame(rows, columns=columns)


def _means(run: Run, samples: int, step: int) -> list[tuple[int, dict[str, ndarray]]]:
    """Returns each graded epoch with the means (N,) of the epochs up to it, NaN where nothing is known."""
    sums = ", ".join(f"sum({name}) AS sum_{name}, count({name}) AS count_{name}" for name in _MEANS.values())
    epochs = run.last_epoch() + 1
    totals = {
        (kind, name): np.zeros((-(-epochs // step), samples)) for kind in _KINDS for name in _MEANS.values()
    }
    for low in range(0, samples, _SLICE):
        found = ask(
            run,
            f"""
            SELECT sample_id, epoch // $step AS stretch, {sums}
            FROM history WHERE sample_id >= $low AND sample_id < $high AND epoch < $epochs
            GROUP BY sample_id, stretch
            """,
            step=step, low=low, high=low + _SLICE, epochs=epochs,
        )  # fmt: skip
        place = found.stretch.to_numpy(int), found.sample_id.to_numpy(int)
        for kind, name in totals:
            totals[kind, name][place] = found[f"{kind}_{name}"].fillna(0).to_numpy()
    for total in totals.values():
        np.cumsum(total, axis=0, out=total)
    with np.errstate(invalid="ignore"):
        means = {signal: totals["sum", name] / totals["count", name] for signal, name in _MEANS.items()}
    last = [min(end, epochs) - 1 for end in range(step, epochs + step, step)]
    return [(epoch, {name: mean[place] for name, mean in means.items()}) for place, epoch in enumerate(last)]


def _graded(known: _Known, means: dict[str, ndarray]) -> list[tuple[str, float, float, int]]:
    """Returns signal, AUROC, average precision and n of every ranking after one epoch."""
    values = {"consistency": known.consistency, **means}
    ranks, graded = [], []
    for name, sign in suspicion.SIGNS.items():
        suspicions = values[name] * sign
        if np.isfinite(suspicions).any():
            ranks.append(suspicion.ranks(suspicions))
        graded.append((name, *_grade(known, suspicions)))
    mean_rank = np.mean(ranks, axis=0) if ranks else np.full(len(known.is_wrong), np.nan)
    return [*graded, ("mean_rank", *_grade(known, -mean_rank))]


def _grade(known: _Known, suspicions: ndarray) -> tuple[float, float, int]:
    graded = known.has_truth & np.isfinite(suspicions)
    areas = suspicion.areas(suspicions[graded], known.is_wrong[graded])
    return areas.auroc, areas.average_precision, int(graded.sum())
