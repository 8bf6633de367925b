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


def uses_hnsw(run: Run) -> bool:
    """Says whether neighbours come from an index: as the run says it did, or else as it was asked to."""
    used = run.about().get("index") or run.config().get("density", {}).get("index", "hnsw")
    return used != "exact"


@lru_cache(maxsize=2)
def _classes(run: Run, version: str) -> DataFrame:  # noqa: ARG001 - part of the key
    return signatures.classes(run)


@lru_cache(maxsize=2)
def _tenures(run: Run, version: str) -> DataFrame:  # noqa: ARG001 - part of the key
    return signatures.tenures(run)


@lru_cache(maxsize=2)
def _strengths(run: Run, version: str) -> DataFrame:  # noqa: ARG001 - part of the key
    return signatures.strong_share(run, STRONG)
