"""Runs that seek no neighbours: what follows from them is unknown, never zero, and all else is as before."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine import density, train
from engine.config import parse
from engine.diagnostics import asked, cost, trust
from engine.track import Tracker
from store import queries

WITHOUT = ["policy.kind=sada", "influence.window=2", "density.index=none", "epochs=3"]
UNKNOWN = ("neighbour_distance", "density", "rarity", "score")


def run_of(make_task, *assignments: str) -> SimpleNamespace:
    task, state, run = make_task(parse({}, [*WITHOUT, *assignments]))
    train.train(task, state)
    task.progress.end()
    return SimpleNamespace(run=run, state=state)


@pytest.fixture(scope="module")
def without_maps(make_task):
    return run_of(make_task, "maps.every=0")


def test_rarity_and_recall_are_unknown_and_no_pass_is_made_for_them(without_maps, digits):
    run, samples = without_maps.run, len(digits.labels)
    assert queries.epoch_rows(run, 2, list(UNKNOWN))[list(UNKNOWN)].isna().all(axis=None)
    metrics = queries.metrics(run)
    assert metrics[["recall", "jaccard", "exact_seconds", "clean_agreement"]].isna().all(axis=None)
    assert metrics.samples_forwarded.tolist() == [samples] * 3


def test_sada_trains_as_with_neighbours(without_maps, make_task):
    beside = run_of(make_task, "maps.every=0", "density.index=exact")
    for own, other in zip(
        without_maps.state.model.parameters(), beside.state.model.parameters(), strict=True
    ):
        assert_array_equal(own.detach().numpy(), other.detach().numpy())
    for known in (without_maps, beside):
        assert np.isfinite(known.state.signals.variance).sum() > 300


def test_badges_say_that_there_is_no_index(without_maps):
    run = without_maps.run
    assert asked.no_index(run) == "This run seeks no neighbours"
    badges = [trust.recall(run), trust.jaccard(run), trust.index_is_named(run), cost.index_pays(run)]
    assert {badge.sentence[: len("This run seeks no neighbours")] for badge in badges} == {
        "This run seeks no neighbours"
    }


def test_a_map_seeks_the_neighbours_that_it_shows(make_task, digits):
    run = run_of(make_task, "maps.every=2", "epochs=1").run
    metrics = queries.metrics(run)
    assert metrics.map_trust.notna().all() and metrics.recall.isna().all()
    assert metrics.samples_forwarded.tolist() == [2 * len(digits.labels)]  # features are refreshed for it


def test_consistency_alone_still_ranks(make_task):
    known = run_of(make_task, "maps.every=0", "strategy.kind=consistency_only", "epochs=2").state.signals
    assert_array_equal(np.argsort(known.score), np.argsort(known.consistency))


def test_a_tracker_refuses_a_strategy_that_goes_by_rarity(tmp_path):
    strategy = parse({}, ["strategy.kind=joint"]).strategy
    settings = density.DensitySettings(index="none")
    with pytest.raises(ValueError, match=r"density\.index must not be none"):
        Tracker(tmp_path, labels=[0, 1], strategy=strategy, density=settings, epochs=1)
