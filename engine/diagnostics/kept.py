"""How a selection fails: it keeps noise, the wrong region, always the same samples, or loses a class.

After the failure signatures of arXiv 2505.03809; every threshold is ours. Only epochs that dropped something
count, because an epoch on everything prefers nothing.
"""

import numpy as np
from numpy import ndarray
from pandas import DataFrame

from engine.diagnostics import asked
from engine.diagnostics.badge import Badge, Signature, figure, percent
from store import queries
from store.questions import signatures
from store.run import Run

# Thresholds, all ours.
LOW_CONSISTENCY = 0.25  # quantile
HIGH_MARGIN = 0.5  # quantile
MOSTLY = 0.5  # share of the epochs in which a sample counts as dropped
HARD_DROPPED = 0.05  # share of all samples
MONOPOLY = 0.8  # of the largest Gini coefficient that the kept share allows
NEGLECTED = 0.5  # share of a class among the kept / its share of the data

NOTHING_DROPPED = "No epoch dropped a sample, so that there is no choice to judge."

_NOISE = Signature(
    "Noise in the kept set",
    "share of wrong labels among the kept samples against their share of the data, where the truth is known; "
    "red above",
    "noise",
    "kept samples",
)
_REGION = Signature(
    "Region of the kept samples",
    "mean neighbour distance of the kept samples / that of all, as known before each epoch; red where the "
    "kept are not farther apart although the strategy prefers rare samples",
    "map",
    "kept samples",
)
_HARD = Signature(
    "Hard but valid samples",
    f"samples in the lowest {LOW_CONSISTENCY:.0%} of consistency and the upper {HIGH_MARGIN:.0%} of mean "
    f"margin (AUM), without those known to be wrong, that more than {MOSTLY:.0%} of the epochs dropped; red "
    f"above {HARD_DROPPED:.0%} of all samples",
    "map",
)
_MONOPOLY = Signature(
    "Turns among the samples",
    "Gini coefficient of times kept; red above "
    f"{MONOPOLY:.0%} of what it would be if every epoch kept the same samples",
    "map",
)
_STALE = Signature(
    "Age of the features",
    "highest mean age of the features in epochs; red where it reaches the epochs between two refreshes "
    "(density.refresh_every)",
    "overview#kept_samples",
    "epochs",
)
_COLLAPSE = Signature(
    "Classes among the kept",
    "share of a class among the kept samples / its share of the data, for the class that has least; red "
    f"below {NEGLECTED}",
    "map",
    "classes",
)


def noise(run: Run) -> Badge:
    """Wrong labels are kept more often than right ones."""
    found = signatures.noise_of_kept(run).iloc[0]
    if not found["known"]:
        return _NOISE.unknown("Nobody knows the true labels of this data.")
    if not found["n"]:
        return _NOISE.unknown(NOTHING_DROPPED)
    if not found["share"]:
        return _NOISE.unknown("No label of this data is known to be wrong.")
    return _NOISE.judged(
        found["share_kept"] > found["share"],
        percent(found["share_kept"]),
        f"of the kept samples have a wrong label, {percent(found['share'])} in the data.",
        n=found["n"],
    )


def region(run: Run) -> Badge:
    """The kept samples lie where it is crowded although the strategy prefers the rare."""
    if not _prefers_rare(run):
        return _REGION.unknown("Rarity plays no part in the selection of this run.")
    found = signatures.distance_of_kept(run).iloc[0]
    if not found["n"]:
        return _REGION.unknown("No epoch that dropped a sample knew the neighbour distances.")
    return _REGION.judged(
        found["kept"] <= found["everyone"],
        f"{figure(found['kept'] / found['everyone'])} ×",
        f"the mean neighbour distance of all samples: {figure(found['kept'])} of the kept ones against "
        f"{figure(found['everyone'])}.",
        n=found["n"],
    )


def hard_dropped(run: Run) -> Badge:
    """Samples that the model believes are dropped because image and label seem to disagree."""
    found = asked.tenures(run)
    if found.empty or not found["epochs"].iloc[0]:
        return _HARD.unknown(NOTHING_DROPPED)
    if found["consistency"].isna().all() or found["mean_margin"].isna().all():
        return _HARD.unknown("This run measured no consistency or no margin.")
    ids = _hard(found)
    return _HARD.judged(
        len(ids) > HARD_DROPPED * len(found),
        f"{len(ids):,}",
        f"samples ({percent(len(ids) / len(found))}) have a low consistency and a high mean margin and were "
        "mostly dropped: the model believes their labels.",
        n=len(found),
        ids=ids,
    )


def monopoly(run: Run) -> Badge:
    """Every epoch keeps the same samples."""
    found = asked.tenures(run)
    if found.empty or not found["epochs"].iloc[0]:
        return _MONOPOLY.unknown(NOTHING_DROPPED)
    kept, epochs = found["kept"].to_numpy(float), float(found["epochs"].iloc[0])
    if epochs < 2:
        return _MONOPOLY.unknown("Only one epoch dropped samples.")
    measured, most = gini(kept), 1 - float(kept.mean()) / epochs
    return _MONOPOLY.judged(
        measured > MONOPOLY * most,
        figure(measured),
        f"is the Gini coefficient of times kept, of at most {figure(most)} at this kept share; "
        f"{percent(float((kept == 0).mean()))} of the samples were never kept in {epochs:.0f} epochs.",
        n=len(found),
    )


def stale_features(run: Run) -> Badge:
    """Features grow older than a refresh lets them."""
    every = run.config().get("density", {}).get("refresh_every")
    known = queries.metrics(run).dropna(subset=["feature_age"])
    if known.empty or not every:
        return _STALE.unknown("No epoch recorded the age of its features.")
    oldest = known.iloc[int(known["feature_age"].argmax())]
    return _STALE.judged(
        oldest["feature_age"] >= every,
        figure(oldest["feature_age"]),
        f"epochs is the highest mean age of the features, in epoch {oldest['epoch']:.0f}; all are refreshed "
        f"every {every} epochs.",
        n=len(known),
    )


def class_collapse(run: Run) -> Badge:
    """A class all but disappears from what is trained on."""
    found = asked.classes(run)
    if found.empty or found["share_kept"].isna().all():
        return _COLLAPSE.unknown(NOTHING_DROPPED)
    shares = found["share_kept"] / found["share"]
    worst = found.iloc[int(shares.argmin())]
    return _COLLAPSE.judged(
        shares.min() < NEGLECTED,
        f"{figure(shares.min())} ×",
        f"its share of the data is what class {worst['name']} gets: {percent(worst['share_kept'])} of the "
        f"kept samples, {percent(worst['share'])} of the data; no class gets less.",
        n=len(found),
    )


def gini(counts: ndarray) -> float:
    """Gini coefficient of counts (N,): 0 = all equal, towards 1 = one has everything; NaN where all are 0."""
    total, samples = float(counts.sum()), len(counts)
    if not total:
        return float("nan")
    ordered = np.sort(counts.astype(np.float64))
    return float((2 * np.arange(1, samples + 1) - samples - 1) @ ordered / (samples * total))


def _prefers_rare(run: Run) -> bool:
    strategy = run.config().get("strategy", {})
    return strategy.get("kind") in ("joint", "rarity_only") and strategy.get("rarity_exponent", 1) > 0


def _hard(found: DataFrame) -> list[int]:
    """Ids of the hard but valid samples that were mostly dropped, those with the highest margin first."""
    low = found["consistency"] <= np.nanquantile(found["consistency"], LOW_CONSISTENCY)
    high = found["mean_margin"] >= np.nanquantile(found["mean_margin"], HIGH_MARGIN)
    dropped = 1 - found["kept"] / found["epochs"] > MOSTLY
    is_wrong = found["is_wrong"].to_numpy(bool, na_value=False)
    chosen = found[low & high & dropped & ~is_wrong]
    return list(chosen.sort_values("mean_margin", ascending=False)["sample_id"].astype(int))
