"""The samples in which two groups differ by a measure: the test of all of them and the table of the first.

Runs of the same seed began with the same weights and the same draws, so they are paired where the seeds allow
it; else the groups are two independent samples (ours).
"""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy import ndarray
from pandas import DataFrame

from app import cached
from app.sample_level import moderated
from app.sample_level.moderated import Moderated
from app.sample_level.sides import Sides
from app.samples import sample_life
from store.run import Run, default_root, find_run

Versions = tuple[tuple[str, str], ...]


def tested(sides: Sides, measure: str, *, is_centred: bool = False) -> Moderated:
    """Returns the test of every sample, A less B; ValueError below two seeds, NoSpread without any spread.

    is_centred: each run's median over its samples is taken off first, so that a shift which all samples
    share, such as more confidence everywhere, is no difference of any of them.
    """
    one, other = ([(run.id, run.data_version()) for run in runs] for runs in sides.runs())
    places = _pairs(sides)
    return _tested((tuple(one), tuple(other)), places, measure, sides.epoch, is_centred=is_centred)


def listed(sides: Sides, found: Moderated, measure: str, most: int) -> DataFrame:
    """Returns the first samples by p, then by size of the difference, most at most.

    Columns: rank, sample_id, label, true_label, a, b (means over the seeds tested), difference, t, p, q.
    """
    order = np.lexsort((-np.abs(found.difference), found.p))[: min(most, found.tested)]
    one, other = _used(sides.values(measure), _pairs(sides))
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


def _pairs(sides: Sides) -> tuple[tuple[int, int], ...]:
    """Returns places in A and B of runs of the same seed; none unless all of the smaller group have one."""
    seeds = [[member.config.get("seed") for member in group.members] for group in (sides.one, sides.other)]
    shared = sides.shared_seeds
    if len(shared) < 2 or len(shared) < min(map(len, seeds)):
        return ()
    return tuple((seeds[0].index(seed), seeds[1].index(seed)) for seed in shared)


@st.cache_data(max_entries=16, show_spinner=False)
def _tested(
    versions: tuple[Versions, Versions],
    pairs: tuple[tuple[int, int], ...],
    measure: str,
    epoch: int,
    *,
    is_centred: bool,
) -> Moderated:
    sides = [np.stack([cached.per_sample(run, measure, epoch) for run in _runs(side)]) for side in versions]
    if is_centred:
        sides = [side - np.nanmedian(side, axis=1, keepdims=True) for side in sides]
    test = moderated.paired if pairs else moderated.two_sample
    return test(*_used(sides, pairs))


def _used(sides: Sequence[ndarray], pairs: tuple[tuple[int, int], ...]) -> tuple[ndarray, ndarray]:
    """Returns the values (seeds, N) of the runs that are tested, in pairs where there are any."""
    one, other = sides
    if not pairs:
        return one, other
    return one[[first for first, _ in pairs]], other[[second for _, second in pairs]]


def _runs(versions: Sequence[tuple[str, str]]) -> list[Run]:
    return [find_run(default_root(), run_id) for run_id, _ in versions]
