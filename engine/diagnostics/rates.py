"""Whether variance means the same at another learning rate: a question to several runs at once.

SADA's influence is a change of loss, and a larger step changes every loss more (arXiv 2510.00434); only the
order of the samples can be compared. The threshold is ours.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from engine.diagnostics.badge import Badge, Signature, figure
from engine.ranks import rank_correlation
from store.questions import signatures
from store.run import Run

SENSITIVE = 0.5  # rank correlation, below which the order of the samples depends on the rate (ours)

_RATES = Signature(
    "Sensitivity to the learning rate",
    "lowest rank correlation (Spearman) of the samples' last variance between runs that differ in nothing "
    f"but the learning rate; red below {SENSITIVE}",
    "runs",
    "runs",
)


def between_runs(runs: Sequence[Run]) -> Badge:
    """The order of the samples by variance depends on the learning rate; runs: the one asked about first."""
    twins = _twins(runs)
    if len(twins) < 2:
        return _RATES.unknown("No other run of this study differs in nothing but the learning rate.")
    frame = signatures.last_variances([run for run, _ in twins])
    table = frame.pivot(index="sample_id", columns="run", values="variance")
    found = {}
    for (left, left_rate), (right, right_rate) in combinations(twins, 2):
        if left.id in table and right.id in table:
            between = rank_correlation(table[left.id].to_numpy(float), table[right.id].to_numpy(float))
            found[(left_rate, right_rate)] = between
    known = {rates: between for rates, between in found.items() if not np.isnan(between)}
    if not known:
        return _RATES.unknown("The runs with other learning rates hold no variance yet.")
    worst = min(known, key=lambda rates: known[rates])
    return _RATES.judged(
        known[worst] < SENSITIVE,
        figure(known[worst]),
        "is the lowest rank correlation of variance between two learning rates, "
        f"{worst[0]:g} and {worst[1]:g}; 1 = the same order of the samples.",
        n=len(twins),
    )


def _twins(runs: Sequence[Run]) -> list[tuple[Run, float]]:
    """The first run and those that differ from it in the learning rate alone, one a rate, with the rate."""
    if not runs:
        return []
    settings = [_without_rate(run.config()) for run in runs]
    twins: dict[float, Run] = {}
    for run, (rest, rate) in zip(runs, settings, strict=True):
        if rest == settings[0][0] and rate is not None:
            twins.setdefault(rate, run)
    return [(run, rate) for rate, run in twins.items()]


def _without_rate(config: Mapping[str, Any]) -> tuple[str, float | None]:
    """Returns the settings as text without names and learning rate, and the rate."""
    kept = {key: value for key, value in config.items() if key not in ("name", "study")}
    rate = kept.pop("learning_rate", None)
    if isinstance(kept.get("optimizer"), dict):
        rate = kept["optimizer"].get("learning_rate", rate)
        kept["optimizer"] = {key: value for key, value in kept["optimizer"].items() if key != "learning_rate"}
    return json.dumps(kept, sort_keys=True), rate
