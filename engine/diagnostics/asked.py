"""The answers that several diagnostics of one run share, asked once for each state of its data.

Each is a scan of the whole history, and a page asks every diagnostic at once.
"""

from functools import lru_cache

from pandas import DataFrame

from store.questions import signatures
from store.run import Run

STRONG = 0.95  # strength above which augmentation is as good as full (ours)


def classes(run: Run) -> DataFrame:
    """Returns signatures.classes; not to be changed."""
    return _classes(run, run.data_version())


def tenures(run: Run) -> DataFrame:
    """Returns signatures.tenures; not to be changed."""
    return _tenures(run, run.data_version())


def strengths(run: Run) -> DataFrame:
    """Returns signatures.strong_share above STRONG; not to be changed."""
    return _strengths(run, run.data_version())


def no_index(run: Run) -> str:
    """Says why neighbours come from no index, as the run says it did, or was asked to; "" where they do."""
    used = run.about().get("index") or run.config().get("density", {}).get("index", "hnsw")
    reasons = {"exact": "This run compares all pairs", "none": "This run seeks no neighbours"}
    return reasons.get(str(used), "")


@lru_cache(maxsize=2)
def _classes(run: Run, version: str) -> DataFrame:  # noqa: ARG001 - part of the key
    return signatures.classes(run)


@lru_cache(maxsize=2)
def _tenures(run: Run, version: str) -> DataFrame:  # noqa: ARG001 - part of the key
    return signatures.tenures(run)


@lru_cache(maxsize=2)
def _strengths(run: Run, version: str) -> DataFrame:  # noqa: ARG001 - part of the key
    return signatures.strong_share(run, STRONG)
