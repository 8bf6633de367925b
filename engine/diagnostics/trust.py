"""What the methods lean on, and whether it holds: neighbours, maps, and the agreement of image and label.

An approximation is measured against the exact answer in every run instead of trusted; thresholds are ours.
"""

import numpy as np
from pandas import DataFrame

from engine.diagnostics import asked
from engine.diagnostics.badge import Badge, Signature, figure, percent, seconds
from store import queries
from store.questions import signatures, suspicion
from store.run import Run

# Thresholds, all ours.
RECALL_LOW = 0.98
JACCARD_LOW = 0.95
TRUST_LOW = 0.9
AUROC_LOW = 0.7
FEWEST = 10  # right and wrong labels of a class, below which its AUROC says nothing
AS_SLOW = 0.5  # of the exact estimate
FEWEST_SECONDS = 0.5  # of the exact estimate, below which timings say nothing

_CARD = "overview#can_neighbours_and_map_be_trusted"

_RECALL = Signature(
    "HNSW recall",
    "share of the true nearest neighbours that the index finds, in its worst epoch; red below "
    f"{RECALL_LOW:.0%}",
    _CARD,
    "epochs",
)
_JACCARD = Signature(
    "Kept set by HNSW",
    "Jaccard index of the samples kept by the index's distances and by exact ones, in the worst epoch; red "
    f"below {JACCARD_LOW:.0%}",
    _CARD,
    "epochs",
)
_NAMED = Signature(
    "The index is an index",
    "red where the run says HNSW, but every neighbour is found in every epoch and the search takes at least "
    f"{AS_SLOW:.0%} of the time of comparing all pairs: then that is what it does",
    _CARD,
    "epochs",
)
_TRUST = Signature(
    "Trust in the map",
    f"trustworthiness of the map in its worst epoch; red below {TRUST_LOW:.0%}",
    _CARD,
    "maps",
)
_GAP = Signature(
    "Consistency against the truth",
    "AUROC of low consistency as a sign of a wrong label, where the truth is known; red below "
    f"{AUROC_LOW} over all samples or within a class with {FEWEST} right and {FEWEST} wrong labels",
    "noise",
)


def recall(run: Run) -> Badge:
    """The index misses true neighbours."""
    if reason := asked.no_index(run):
        return _RECALL.unknown(f"{reason}; there is no index to be wrong.")
    return _worst(
        _RECALL,
        queries.metrics(run),
        "recall",
        low=RECALL_LOW,
        words="of the true nearest neighbours were found",
    )


def jaccard(run: Run) -> Badge:
    """The index changes which samples are kept."""
    if reason := asked.no_index(run):
        return _JACCARD.unknown(f"{reason}; there is no index to be wrong.")
    return _worst(
        _JACCARD, queries.metrics(run), "jaccard", low=JACCARD_LOW,
        words="of the samples kept by either kind of distances were kept by both",
    )  # fmt: skip


def map_trust(run: Run) -> Badge:
    """Neighbours on the map are not neighbours among the features."""
    return _worst(
        _TRUST, queries.metrics(run), "map_trust", low=TRUST_LOW, words="is the trustworthiness of the map"
    )


def index_is_named(run: Run) -> Badge:
    """Brute force goes by the name of HNSW."""
    if reason := asked.no_index(run):
        return _NAMED.unknown(f"{reason}, as it says.")
    known = queries.metrics(run).dropna(subset=["recall", "exact_seconds", "seconds_query"])
    exact = float(known["exact_seconds"].mean()) if len(known) else 0.0
    if exact < FEWEST_SECONDS:
        return _NAMED.unknown(
            f"Comparing all pairs is not known to take {FEWEST_SECONDS}\N{NO-BREAK SPACE}s an epoch, so that "
            "timings cannot tell the two apart."
        )
    share = float(known["seconds_query"].mean()) / exact
    return _NAMED.judged(
        bool((known["recall"] == 1).all()) and share >= AS_SLOW,
        percent(share),
        f"of the time of comparing all pairs ({seconds(exact)} an epoch) goes into the search, whose recall "
        f"is {percent(known['recall'].min())} to {percent(known['recall'].max())}.",
        n=len(known),
    )


def consistency(run: Run) -> Badge:
    """Image-text agreement hardly tells right from wrong labels on this data."""
    known = signatures.truths(run)
    is_wrong = (known["label"] != known["true_label"]).to_numpy()
    found = suspicion.auroc(-known["consistency"].to_numpy(float), is_wrong)
    if np.isnan(found):
        return _GAP.unknown("Consistency or wrong labels that are known are missing in this run.")
    by_class = _auroc_by_class(known)
    worst = min(by_class, key=lambda name: by_class[name]) if by_class else None
    of_class = (
        f"; lowest within class {worst}: {figure(by_class[worst])}"
        if worst
        else "; no class has enough wrong labels to be judged alone"
    )
    return _GAP.judged(
        min([found, *by_class.values()]) < AUROC_LOW,
        figure(found),
        f"is the AUROC of low consistency against wrong labels{of_class}.",
        n=len(known),
    )


def _auroc_by_class(known: DataFrame) -> dict[str, float]:
    """AUROC within each label that has enough right and wrong samples, by the name of the class."""
    found = {}
    for name, rows in known.groupby(known["name"].fillna(known["label"].astype(str))):
        is_wrong = (rows["label"] != rows["true_label"]).to_numpy()
        if FEWEST <= is_wrong.sum() <= len(rows) - FEWEST:
            found[str(name)] = suspicion.auroc(-rows["consistency"].to_numpy(float), is_wrong)
    return found


def _worst(signature: Signature, metrics: DataFrame, name: str, *, low: float, words: str) -> Badge:
    """Judges a metric, high = good, by its worst epoch."""
    known = metrics.dropna(subset=[name])
    if known.empty:
        return signature.unknown("No epoch measured it.")
    worst = known.iloc[int(known[name].argmin())]
    return signature.judged(
        worst[name] < low,
        percent(worst[name]),
        f"{words} in the worst epoch, {worst['epoch']:.0f}; {percent(known[name].mean())} on average.",
        n=len(known),
    )
