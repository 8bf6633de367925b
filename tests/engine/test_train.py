"""The loop on real digits.

What is recorded is what was done, and a stopped run goes on as if it never stopped.
"""

from itertools import count

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal

from engine import checkpoint, density, train
from engine.config import parse
from engine.progress import Stopped
from engine.train import Diverged
from store import queries

JOINT = [
    "strategy.kind=joint",
    "policy.kind=sada",
    "noise.kind=symmetric",
    "influence.window=2",
    "maps.every=2",
]


@pytest.fixture(scope="module")
def config():
    return parse({}, [*JOINT, "epochs=5", "density.refresh_every=3"])


@pytest.fixture(scope="module")
def trained(make_task, config):
    task, state, run = make_task(config)
    train.train(task, state)
    task.progress.end()
    return run


def test_what_is_recorded_is_what_was_done(trained, config, digits):
    metrics, samples = queries.metrics(trained), len(digits.labels)
    kept = round(config.strategy.keep * samples)
    assert metrics.epoch.tolist() == [0, 1, 2, 3, 4]
    assert metrics.kept.tolist() == [samples, kept, kept, kept, kept]
    assert metrics.samples_backpropagated.tolist() == metrics.kept.tolist()
    assert metrics.samples_forwarded.tolist() == [2 * samples, kept, kept, kept + samples, kept]
    assert metrics.map_trust.notna().tolist() == [True, False, True, False, True]
    assert metrics.feature_age.iloc[[0, 3]].tolist() == [0, 0]
    assert metrics.recall.min() > 0.95
    assert metrics.seconds_record.notna().tolist() == [False, True, True, True, True]
    rows = queries.epoch_rows(
        trained, 4, ["selected", "loss", "strength", "weight", "operation", "prediction"]
    )
    assert rows.selected.sum() == kept
    for column in ("loss", "strength", "weight", "operation", "prediction"):
        assert_array_equal(rows[column].notna(), rows.selected, err_msg=column)


def test_the_kept_are_those_with_the_highest_score_after_the_epoch_before(trained):
    before, after = (queries.epoch_rows(trained, epoch, ["selected", "score"]) for epoch in (3, 4))
    chosen = after.selected.to_numpy(bool)
    assert before.score[chosen].min() >= before.score[~chosen].max()


def test_strength_is_one_minus_the_scaled_variance_known_before(trained):
    before = queries.epoch_rows(trained, 3, ["variance"]).variance
    used = queries.epoch_rows(trained, 4, ["strength"]).strength
    both = before.notna() & used.notna()
    assert both.sum() > 300
    order = np.argsort(before[both].to_numpy())
    assert (np.diff(used[both].to_numpy()[order]) <= 1e-6).all()


def test_influence_and_variance_follow_from_the_losses_in_the_log(trained, config):
    """By brute force: |loss - loss at the visit before|, and the moving average of the windows' variances."""
    window, newest = config.influence.window, config.influence.newest_weight
    checked = 0
    for _, life in queries.history(trained, list(range(0, 1437, 9))).groupby("sample_id"):
        visits = life[life.loss.notna()]
        expected = visits.loss.diff().abs()
        np.testing.assert_allclose(visits.influence, expected, rtol=1e-4, atol=1e-6)
        assert life.influence[life.loss.isna()].isna().all()
        average = np.nan
        for row in range(window, len(visits)):
            variance = np.var(expected.iloc[row - window + 1 : row + 1])
            average = variance if np.isnan(average) else newest * variance + (1 - newest) * average
            np.testing.assert_allclose(visits.variance.iloc[row], average, rtol=1e-3, atol=1e-6)
            checked += 1
    assert checked > 50


def test_training_learns(trained):
    assert queries.metrics(trained).test_accuracy.iloc[-1] > 0.6  # chance is 0.1


def test_a_resumed_run_equals_the_run_never_stopped_bit_for_bit(make_task, config, trained):
    """Stopped in the middle of a batch loop of SADA with joint selection; the numbers differ in no bit."""
    batches = count()
    task, state, run = make_task(config, should_stop=lambda: next(batches) > 60)
    with pytest.raises(Stopped):
        train.train(task, state)
    task.progress.end()
    assert 0 < run.last_epoch() < 4
    task, state, _ = make_task(config, run=run)
    assert checkpoint.restore(state, run.checkpoints, recorded=run.last_epoch() + 1)
    run.rewind(state.epoch - 1)
    train.train(task, state)
    task.progress.end()
    ours, theirs = (queries.history(each, list(range(len(task.dataset.labels)))) for each in (run, trained))
    assert len(ours) == 5 * len(task.dataset.labels)
    assert ours.equals(theirs)
    for epoch in (0, 2, 4):
        assert run.read_map(epoch)[["x", "y"]].equals(trained.read_map(epoch)[["x", "y"]])


def test_skipped_samples_get_no_gradient(make_task):
    """Training on a subset equals training on a data set of which the rest was replaced by noise."""
    budget = ("strategy.keep=0.1", "strategy.warmup_epochs=0")
    config = parse({}, ["strategy.kind=random_subset", *budget, "epochs=1", "maps.every=0"])
    weights = []
    for garble in (False, True):
        task, state, _ = make_task(config)
        if garble:
            rng = np.random.default_rng((config.seed, 0))
            chosen = config.strategy.select(state.signals, 0, epochs=config.epochs, rng=rng).ids
            rest = np.setdiff1d(np.arange(len(task.dataset.labels)), chosen)
            images = task.dataset.images.copy()
            images[rest] = np.random.default_rng(0).permutation(images[rest])
            object.__setattr__(task.dataset, "images", images)
        train.train(task, state)
        task.progress.end()
        weights.append([parameter.detach().clone() for parameter in state.model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))


def test_a_run_that_diverges_ends_in_a_sentence(make_task):
    config = parse({}, ["optimizer.learning_rate=10", "epochs=3", "optimizer.weight_decay=1", "maps.every=0"])
    task, state, _ = make_task(config)
    for parameter in state.model.parameters():
        parameter.data.fill_(torch.inf)
    with pytest.raises(
        Diverged,
        match=r"training diverged: no loss of epoch 0 is finite; lower optimizer.learning_rate .it is 10",
    ):
        train.train(task, state)
    task.progress.end()


def test_neighbours_are_sought_and_maps_move_only_where_features_came_in(make_task, monkeypatch):
    config = parse({}, ["strategy.kind=joint", "epochs=7", "model.kind=resnet8", "maps.every=1"])
    task, state, run = make_task(config)
    sought, find = [], density.nearest_neighbours

    def note(features, *arguments, **options):
        sought.append(state.epoch)
        return find(features, *arguments, **options)

    monkeypatch.setattr(density, "nearest_neighbours", note)
    train.train(task, state)
    assert sought == [0, 5]  # the warm-up, and a refresh
    rows = [queries.epoch_rows(run, epoch, ["neighbour_distance", "rarity", "score"]) for epoch in (1, 4, 5)]
    assert_frame_equal(rows[0], rows[1])
    assert rows[0]["neighbour_distance"].notna().all()
    assert not rows[1]["rarity"].equals(rows[2]["rarity"])
    spent = queries.metrics(run)
    assert spent["seconds_index"].gt(0).tolist() == [epoch in (0, 5) for epoch in range(7)]
    assert spent["exact_seconds"].notna().tolist() == [epoch in (0, 5) for epoch in range(7)]
    assert spent["map_movement"].gt(0).tolist() == [epoch == 5 for epoch in range(7)]
    assert spent["map_movement"].eq(0).tolist() == [epoch not in (0, 5) for epoch in range(7)]
    assert spent["map_trust"].notna().all()
    assert_frame_equal(run.read_map(0), run.read_map(4))
    assert not run.read_map(4)["x"].equals(run.read_map(5)["x"])


def test_only_every_so_many_epochs_and_the_last_are_tested(make_task):
    config = parse(
        {}, ["epochs=6", "test_every=2", "density.index=none", "consistency.kind=none", "maps.every=0"]
    )
    task, state, run = make_task(config)
    train.train(task, state)
    spent = queries.metrics(run)
    tested = [epoch in (0, 2, 4, 5) for epoch in range(6)]
    assert spent["test_accuracy"].notna().tolist() == tested
    assert spent["test_loss"].notna().tolist() == tested
    assert spent["seconds_test"].gt(0).tolist() == tested
