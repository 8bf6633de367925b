"""What a study is decided by: one number a run, read from what the run recorded.

A preset names its measure before anything is trained, so that no number is picked after the fact.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app import wording
from store import queries
from store.questions import signatures
from store.run import Run

_SHARE = (0.0, 1.0)


@dataclass(frozen=True)
class Measure:
    """One number a run: what it means, how it is written, and which of two values is better.

    better: 1 the higher, -1 the lower, 0 neither; within: the least and the largest value that it can have.
    """

    name: str
    label: str
    meaning: str
    unit: Literal["share", "number", "count"]
    better: int
    take: Callable[[Run], float]
    within: tuple[float, float] = (-math.inf, math.inf)

    def written(self, value: float) -> str:
        """Writes a value of the measure."""
        if self.unit == "count":
            return wording.count(value)
        return wording.percent(value) if self.unit == "share" else wording.number(value)

    def interval(self, low: float, high: float) -> str:
        """Writes the ends of an interval of values, cut at what is possible."""
        return wording.interval(low, high, self.written, within=self.within)

    def difference(self, value: float) -> str:
        """Writes a difference of two values with its sign."""
        return wording.points(value) if self.unit == "share" else wording.number(value, signed=True)

    def spread(self, value: float) -> str:
        """Writes a standard deviation."""
        if self.unit != "share":
            return wording.number(value)
        return wording.points(value).removeprefix("+")


def value(run: Run, name: str) -> float:
    """Returns a measure of a run; NaN where the run did not record what it needs."""
    return MEASURES[name].take(run)


def _test_accuracy(run: Run) -> float:
    recorded = queries.metrics(run)["test_accuracy"]
    return float(recorded.iloc[-1]) if len(recorded) else np.nan


def _variance_change(run: Run) -> float:
    known = queries.epoch_stats(run, "variance")["q50"].dropna().to_numpy(float)
    return float(known[-1] / known[0] - 1) if len(known) > 1 and known[0] > 0 else np.nan


def _rare_strength(run: Run) -> float:
    classes = signatures.classes(run).dropna(subset=["strength"])
    rare = _is_rare(classes["size"].to_numpy(float))
    if not rare.any() or rare.all():
        return np.nan
    return float(classes["strength"][rare].mean() - classes["strength"][~rare].mean())


def _size_strength(run: Run) -> float:
    classes = signatures.classes(run)[["size", "strength"]].dropna().rank()
    return float(classes["size"].corr(classes["strength"]))


def _rare_accuracy(run: Run) -> float:
    probed = queries.epoch_stats(run, "clean_loss").query("n > 0")["epoch"]
    if probed.empty:
        return np.nan
    rows = queries.epoch_rows(run, int(probed.iloc[-1]), ["clean_correct"]).dropna(subset=["clean_correct"])
    classes = rows.assign(right=rows["clean_correct"].astype(float)).groupby("label")["right"]
    by_class = classes.agg(["size", "mean"])
    rare = _is_rare(by_class["size"].to_numpy(float))
    return float(by_class["mean"][rare].mean()) if rare.any() else np.nan


def _is_rare(sizes: np.ndarray) -> np.ndarray:
    """(classes,) → which have fewer samples than the median class; none where all are of one size."""
    return sizes < np.median(sizes) if len(sizes) else np.zeros(0, bool)


def _meaning_kept(run: Run) -> float:
    bands = signatures.lost_by_strength(run)
    visits = float(bands["n"].sum())
    return 1 - float((bands["lost"] * bands["n"]).sum()) / visits if visits else np.nan


def _neighbour_cost(run: Run) -> float:
    spent = queries.metrics(run)
    training = float(spent["seconds_train"].sum())
    asking = float(spent["seconds_index"].sum() + spent["seconds_query"].sum())
    return asking / training if training else np.nan


def _kept_agreement(run: Run) -> float:
    return float(queries.metrics(run)["jaccard"].mean())


def _consistency_auroc(run: Run) -> float:
    found = run.about().get("consistency_auroc")
    return np.nan if found is None else float(found)


def _kept_noise(run: Run) -> float:
    epochs = queries.kept_noise(run)
    chosen = epochs[epochs["epoch"] >= _warmup_epochs(run)].dropna(subset=["share_noisy_kept"])
    if chosen.empty or not epochs["share_noisy_all"].max() > 0:
        return np.nan
    return float(np.average(chosen["share_noisy_kept"], weights=chosen["kept"]))


def _warmup_epochs(run: Run) -> int:
    strategy = run.config().get("strategy")
    return int(strategy.get("warmup_epochs", 0)) if isinstance(strategy, Mapping) else 0


def _backpropagated(run: Run) -> float:
    return float(queries.metrics(run)["samples_backpropagated"].sum())


MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "test_accuracy",
            "Test accuracy",
            "share correct on the test set after the last epoch, never the best epoch",
            unit="share",
            better=1,
            take=_test_accuracy,
            within=_SHARE,
        ),
        Measure(
            "variance_change",
            "Change of V",
            "median variance of influence after the last epoch, against that after the first epoch that has "
            "one",
            unit="share",
            better=0,
            take=_variance_change,
        ),
        Measure(
            "rare_strength",
            "Strength of rare classes",
            "mean strength of the classes smaller than the median one, minus that of the others, over all "
            "visits (ours)",
            unit="number",
            better=0,
            take=_rare_strength,
        ),
        Measure(
            "size_strength",
            "Class size and strength",
            "rank correlation of the sizes of classes and their mean strengths, over all visits (ours)",
            unit="number",
            better=0,
            take=_size_strength,
            within=(-1.0, 1.0),
        ),
        Measure(
            "rare_accuracy",
            "Rare classes right",
            "mean share of training samples right on the clean image, over the classes smaller than the "
            "median one, at the last clean pass (ours: test accuracy by class is not recorded)",
            unit="share",
            better=1,
            take=_rare_accuracy,
            within=_SHARE,
        ),
        Measure(
            "meaning_kept",
            "Meaning kept",
            "of the kept samples that are right on the clean image, the share that is right on the augmented "
            "one in the same epoch (ours)",
            unit="share",
            better=1,
            take=_meaning_kept,
            within=_SHARE,
        ),
        Measure(
            "neighbour_cost",
            "Neighbours / training",
            "seconds of building and asking the neighbour index over seconds of training steps, whole run",
            unit="share",
            better=-1,
            take=_neighbour_cost,
        ),
        Measure(
            "kept_agreement",
            "Kept-set agreement",
            "Jaccard index of what the index and exact neighbours would keep, mean over the epochs that "
            "checked it",
            unit="number",
            better=1,
            take=_kept_agreement,
            within=_SHARE,
        ),
        Measure(
            "consistency_auroc",
            "Consistency AUROC",
            "chance that a right label has a higher consistency than a flipped one",
            unit="number",
            better=1,
            take=_consistency_auroc,
            within=_SHARE,
        ),
        Measure(
            "kept_noise",
            "Wrong labels kept",
            "share of the visits after warm-up that went to samples with a wrong label; unknown where "
            "none is known",
            unit="share",
            better=-1,
            take=_kept_noise,
            within=_SHARE,
        ),
        Measure(
            "backpropagated",
            "Back-propagated",
            "backward passes of the whole run",
            unit="count",
            better=0,
            take=_backpropagated,
        ),
    )
}
