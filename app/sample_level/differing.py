"""The samples in which two groups differ by a measure: the test of all of them and the table of the first.

The groups are two independent samples even where seeds are shared (ours): runs of one seed begin alike but
soon part, so pairs would halve the degrees of freedom and gain little.
"""

import numpy as np
import streamlit as st
from numpy import ndarray
from pandas import DataFrame

from app import cached
from app.cached import Versions
from app.sample_level import moderated
from app.sample_level.moderated import Moderated
from app.sample_level.sides import Sides
from app.samples import sample_life
from store.questions import comparing


def tested(sides: Sides, measure: str, *, is_centred: bool = False) -> Moderated:
    """Returns the test of every sample, A less B; ValueError below two seeds, NoSpread without any spread.

    is_centred: each run's median over its samples is taken off first, so that a shift which all samples
    share, such as more confidence everywhere, is no difference of any of them. Counts are never centred: most
    samples share their median, which jumps by whole steps.
    """
    return _tested(_versions(sides), measure, sides.epoch, is_centred=_is_centred(measure, is_centred))


def exchanged(sides: Sides, measure: str, rate: float, *, is_centred: bool = False) -> ndarray:
    """Returns how many samples are found at a rate after seeds are exchanged between the groups, (ways,)."""
    centred = _is_centred(measure, is_centred)
    return _exchanged(_versions(sides), measure, sides.epoch, rate, is_centred=centred)


def listed(sides: Sides, found: Moderated, measure: str, most: int) -> DataFrame:
    """Returns the first samples by p, then by size of the difference, most at most.

    Columns: rank, sample_id, label, true_label, a, b (means over the seeds tested), difference, t, p, q.
    """
    order = np.lexsort((-np.abs(found.difference), found.p))[: min(most, found.tested)]
    one, other = sides.values(measure)
    label, true_label = cached.labels(sides.members[0].run)[:, order]
    names = sides.class_names
    return DataFrame(
        {
            "rank": np.arange(1, len(order) + 1),
            "sample_id": order,
            "label": [sample_life.class_name(names, value) for value in label],
            "true_label": [sample_life.class_name(names, value) for value in true_label],
            "a": one[:, order].mean(axis=0),
            "b": other[:, order].mean(axis=0),
            **{name: getattr(found, name)[order] for name in ("difference", "t", "p", "q")},
        }
    )


def _is_centred(measure: str, wanted: bool) -> bool:
    return wanted and not comparing.MEASURES[measure].is_counted


def _versions(sides: Sides) -> tuple[Versions, Versions]:
    one, other = (cached.versions(runs) for runs in sides.runs())
    return one, other


@st.cache_data(max_entries=16, show_spinner=False)
def _tested(versions: tuple[Versions, Versions], measure: str, epoch: int, *, is_centred: bool) -> Moderated:
    return moderated.two_sample(*_values(versions, measure, epoch, is_centred=is_centred))


@st.cache_data(max_entries=64, show_spinner=False)
def _exchanged(
    versions: tuple[Versions, Versions], measure: str, epoch: int, rate: float, *, is_centred: bool
) -> ndarray:
    return moderated.exchanged(*_values(versions, measure, epoch, is_centred=is_centred), [rate])[:, 0]


def _values(
    versions: tuple[Versions, Versions], measure: str, epoch: int, *, is_centred: bool
) -> tuple[ndarray, ndarray]:
    """Returns the values of A and B, (seeds, N) each."""
    one, other = (
        np.stack([cached.per_sample(run, measure, epoch) for run in cached.runs(side)]) for side in versions
    )
    if not is_centred:
        return one, other
    first, second = (side - np.nanmedian(side, axis=1, keepdims=True) for side in (one, other))
    return first, second
