"""Answers that are kept while nothing changes: every question of the store, under (run id, data version).

Streamlit tells large frames and arrays apart by a sample of their values and so can return a wrong answer;
only texts and numbers are therefore arguments here, and the version of a run's data is one of them.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from numpy import ndarray
from pandas import DataFrame

from engine import diagnostics
from engine.diagnostics import Badge
from store import queries
from store.queries import Why
from store.questions import comparing
from store.questions import detections as detections_of
from store.questions import terms as store_terms
from store.run import Run, default_root, find_run

# The runs of a comparison as part of a key: their ids with the versions of their data.
Versions = tuple[tuple[str, str], ...]

KEPT_ANSWERS = 256
KEPT_COMPARISONS = (
    32  # one number or one bit an epoch for each sample of a run: 0.2 to 1.3 MB at 50,000 x 200
)


def versions(compared: Sequence[Run]) -> Versions:
    """Returns runs as part of a key: it changes when an answer about any of them can change."""
    return tuple((run.id, run.data_version()) for run in compared)


def runs(of: Versions) -> list[Run]:
    """Returns the runs that a key names, in its order."""
    return [find_run(default_root(), run_id) for run_id, _ in of]


def metrics(run: Run) -> DataFrame:
    """Returns the metrics of every epoch."""
    return _answer("metrics", run.id, run.data_version())


def epoch_stats(run: Run, signal: str, label: int | None = None) -> DataFrame:
    """Returns quantiles and histogram of a signal by epoch."""
    return _answer("epoch_stats", run.id, run.data_version(), signal, label)


def stats_of(compared: Sequence[Run], signal: str) -> DataFrame:
    """Returns quantiles and histogram of a signal by run and epoch."""
    return _answer_of("stats_of", versions(compared), signal)


def history(run: Run, sample_ids: Sequence[int]) -> DataFrame:
    """Returns every epoch of some samples."""
    return _answer("history", run.id, run.data_version(), tuple(int(sample_id) for sample_id in sample_ids))


def epoch_rows(
    run: Run, epoch: int, columns: Sequence[str], sample_ids: Sequence[int] | None = None
) -> DataFrame:
    """Returns some columns of one epoch."""
    ids = None if sample_ids is None else tuple(int(sample_id) for sample_id in sample_ids)
    return _answer("epoch_rows", run.id, run.data_version(), epoch, tuple(columns), ids)


def summary(run: Run, epoch: int | None = None, columns: Sequence[str] | None = None) -> DataFrame:
    """Returns one row a sample over the epochs up to this one; few columns are answered sooner."""
    chosen = None if columns is None else tuple(columns)
    return _answer("summary", run.id, run.data_version(), epoch, None, chosen)


def detections(run: Run) -> DataFrame:
    """Returns how well every ranking finds the labels known to be wrong, by epoch."""
    return _detections(run.id, run.data_version())


def suspects(run: Run, by: str, top: int, epoch: int | None = None) -> DataFrame:
    """Returns the samples most likely to have a wrong label."""
    return _answer("suspects", run.id, run.data_version(), by, top, epoch)


def noise_known(run: Run) -> bool:
    """Says whether true labels are known."""
    return bool(_answer("noise_known", run.id, run.data_version()))


def kept_noise(run: Run) -> DataFrame:
    """Returns the share of flipped labels among the kept samples by epoch."""
    return _answer("kept_noise", run.id, run.data_version())


def kept_by_class(run: Run, epoch: int) -> DataFrame:
    """Returns how many samples of each class an epoch kept, the most neglected class first."""
    return _answer("kept_by_class", run.id, run.data_version(), epoch)


def why(run: Run, sample_id: int, epoch: int) -> Why:
    """Returns why an epoch kept or dropped a sample."""
    answer: Why = _answer("why", run.id, run.data_version(), sample_id, epoch)
    return answer


def neighbours(run: Run, sample_id: int, epoch: int) -> DataFrame:
    """Returns the nearest samples in feature space."""
    return _answer("neighbours", run.id, run.data_version(), sample_id, epoch)


def per_sample(run: Run, measure: str, epoch: int) -> ndarray:
    """Returns one number a sample over the epochs up to this one, (N,)."""
    return _compared_answer("per_sample", run.id, run.data_version(), measure, epoch)


def kept_bits(run: Run, epoch: int) -> ndarray:
    """Returns which samples each epoch up to this one kept, as bits."""
    return _compared_answer("kept_bits", run.id, run.data_version(), epoch)


def labels(run: Run) -> ndarray:
    """Returns label and true label of every sample, (2, N)."""
    return _compared_answer("labels", run.id, run.data_version())


def terms(run: Run, epoch: int, *, by_loss: bool = False) -> DataFrame:
    """Returns what was known of each sample when an epoch was selected."""
    return _terms(run.id, run.data_version(), epoch, by_loss=by_loss)


def kept_sets(run: Run, epochs: Sequence[int]) -> dict[int, ndarray]:
    """Returns the ids that some epochs kept, by epoch."""
    return _kept_sets(run.id, run.data_version(), tuple(int(epoch) for epoch in epochs))


def badges(run: Run, mates: Sequence[Run] = ()) -> list[Badge]:
    """Returns the diagnostics of a run, and last the one that compares it with the mates of its study."""
    of = versions((run, *mates))
    return [*_diagnosed(*of[0]), _compared(of)]


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _detections(run_id: str, version: str) -> DataFrame:  # noqa: ARG001 - part of the key
    return detections_of.by_epoch(find_run(default_root(), run_id))


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _diagnosed(run_id: str, version: str) -> list[Badge]:  # noqa: ARG001 - part of the key
    return diagnostics.remembered(find_run(default_root(), run_id), diagnostics.diagnosed)


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _compared(of: Versions) -> Badge:
    return diagnostics.between_runs(runs(of))


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _answer(question: str, run_id: str, version: str, *arguments: Any) -> Any:  # noqa: ARG001 - part of the key
    return getattr(queries, question)(find_run(default_root(), run_id), *arguments)


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _answer_of(question: str, of: Versions, *arguments: Any) -> Any:
    return getattr(queries, question)(runs(of), *arguments)


@st.cache_data(max_entries=16, show_spinner=False)
def _terms(run_id: str, version: str, epoch: int, *, by_loss: bool) -> DataFrame:  # noqa: ARG001 - part of the key
    return store_terms.terms(find_run(default_root(), run_id), epoch, by_loss=by_loss)


@st.cache_data(max_entries=32, show_spinner=False)
def _kept_sets(run_id: str, version: str, epochs: tuple[int, ...]) -> dict[int, ndarray]:  # noqa: ARG001 - part of the key
    return store_terms.kept_sets(find_run(default_root(), run_id), epochs)


@st.cache_data(max_entries=KEPT_COMPARISONS, show_spinner=False)
def _compared_answer(question: str, run_id: str, version: str, *arguments: Any) -> ndarray:  # noqa: ARG001
    answer: ndarray = getattr(comparing, question)(find_run(default_root(), run_id), *arguments)
    return answer
