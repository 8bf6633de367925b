"""The probes and proxies of influence, held to brute force on real runs and to the theory they stand for."""

from itertools import count, pairwise

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn.functional import cross_entropy

from engine import checkpoint, clean, train
from engine.config import parse
from engine.influence import Answers, influence
from engine.progress import Stopped
from engine.ranks import rank_correlation
from store import queries

SMALL = ["epochs=3", "maps.every=0", "density.refresh_every=2", "influence.window=2", "policy.kind=none"]


@pytest.fixture(scope="module")
def trained(make_task):
    """Trains a run once for each list of settings."""
    runs = {}

    def run_of(*settings):
        if settings not in runs:
            task, state, run = make_task(parse({}, [*SMALL, *settings]))
            train.train(task, state)
            task.progress.end()
            runs[settings] = run
        return runs[settings]

    return run_of


def test_influence_follows_the_projection_of_the_gradient_on_the_update():
    """|loss change| against |<gradient, update>| of every sample, over the updates of a small net (SADA)."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    images = torch.from_numpy(rng.normal(size=(60, 12)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 3, 60))
    net = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def losses():
        return cross_entropy(net(images), labels, reduction="none")

    def gradient(loss):
        parts = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True)
        return torch.cat([part.flatten() for part in parts])

    measured, exact = [], []
    for step in range(40):
        before = losses()
        optimizer.zero_grad()
        chosen = torch.from_numpy(rng.permutation(60)[:20])
        weights = torch.cat([part.detach().flatten().clone() for part in net.parameters()])
        cross_entropy(net(images[chosen]), labels[chosen]).backward()
        gradients = torch.stack([gradient(loss) for loss in losses()])
        optimizer.step()
        update = torch.cat([part.detach().flatten() for part in net.parameters()]) - weights
        if step % 5 == 0:
            empty = np.empty((60, 0), np.float16)
            now, then = (Answers(each.detach().numpy(), empty) for each in (losses(), before))
            measured.append(influence(now, then, "loss"))
            exact.append((gradients @ update).abs().numpy())
    correlations = [np.corrcoef(one, other)[0, 1] for one, other in zip(measured, exact, strict=True)]
    assert min(correlations) >= 0.95
    assert np.corrcoef(np.concatenate(measured), np.concatenate(exact))[0, 1] >= 0.95


@pytest.mark.parametrize("proxy", ["loss", "kl", "kl_abs"])
def test_the_visit_probe_compares_two_visits(trained, proxy):
    run = trained(f"influence.proxy={proxy}")
    metrics = queries.metrics(run)
    assert metrics.samples_probed.tolist() == [0, 0, 0]
    assert metrics.seconds_probe.tolist() == [0, 0, 0]
    rows = [queries.epoch_rows(run, epoch, ["loss", "influence"]) for epoch in range(3)]
    assert rows[0].influence.isna().all()
    assert rows[1].influence.notna().all()
    if proxy == "loss":
        assert_allclose(rows[2].influence, (rows[2].loss - rows[1].loss).abs(), rtol=1e-4, atol=1e-6)
    else:
        assert np.corrcoef(rows[2].influence, (rows[2].loss - rows[1].loss).abs())[0, 1] > 0.3


def test_the_step_probe_compares_the_answers_before_and_after_the_update_and_counts_its_cost(trained):
    run, visit = trained("influence.probe=step"), trained("influence.proxy=loss")
    metrics, samples = queries.metrics(run), 1437
    assert metrics.samples_probed.tolist() == [samples] * 3
    assert metrics.samples_forwarded.tolist() == [3 * samples, 2 * samples, 3 * samples]
    assert (metrics.seconds_probe > 0).all()
    first = queries.epoch_rows(run, 0, ["influence"]).influence
    assert first.notna().all()  # known after the first visit, unlike that of two visits
    assert (first > 0).mean() > 0.99
    same = [queries.epoch_rows(each, 0, ["loss", "prediction", "clean_loss"]) for each in (run, visit)]
    assert same[0].equals(same[1])  # the second forward pass leaves no trace in the training


def test_the_clean_probe_compares_two_clean_passes_of_all_samples(trained):
    run = trained(
        "influence.probe=clean", "influence.probe_every=1", "strategy.kind=random_subset", "strategy.keep=0.3"
    )
    metrics, samples = queries.metrics(run), 1437
    assert metrics.samples_probed.tolist() == [0, samples, 0]  # the others are feature refreshes anyway
    rows = [queries.epoch_rows(run, epoch, ["clean_loss", "influence", "selected"]) for epoch in range(3)]
    assert rows[0].influence.isna().all()
    for before, now in pairwise(rows):
        assert now.influence.notna().all()  # of samples that were not kept as well
        assert_allclose(now.influence, (now.clean_loss - before.clean_loss).abs(), rtol=2e-3, atol=2e-4)


def test_the_clean_probe_compares_with_its_own_pass_before__features_refreshed_in_between(trained):
    """Passes in epochs 0 (both), 2 (refresh) and 3 (probe): unequal times would look unsteady."""
    run = trained(
        "influence.probe=clean", "influence.probe_every=3", "epochs=4", "strategy.kind=random_subset",
        "strategy.keep=0.1",
    )  # fmt: skip
    rows = [queries.epoch_rows(run, epoch, ["clean_loss", "influence"]) for epoch in range(4)]
    assert [each.clean_loss.notna().all() for each in rows] == [True, False, True, True]
    assert [each.influence.notna().all() for each in rows] == [False, False, False, True]
    assert_allclose(rows[3].influence, (rows[3].clean_loss - rows[0].clean_loss).abs(), rtol=2e-3, atol=2e-4)


def test_the_clean_pass_is_logged_where_it_ran_and_only_there(trained):
    run = trained("influence.proxy=loss")
    for epoch, is_due in enumerate((True, False, True)):
        rows = queries.epoch_rows(run, epoch, ["clean_loss", "clean_correct", "feature_clean", "feature_age"])
        assert rows.clean_loss.notna().all() == rows.clean_correct.notna().all() == is_due
        assert rows.clean_loss.isna().all() != is_due
        assert (rows.feature_clean == is_due).all()  # training overwrote them with those of augmented views
        assert (rows.feature_age == 0).all()


def test_the_agreement_with_clean_influence_is_spearmans_over_all_samples(trained):
    from scipy.stats import spearmanr

    run = trained("influence.proxy=loss")
    agreement = queries.metrics(run).clean_agreement
    assert agreement.isna().tolist() == [True, True, False]
    first, _, last = (queries.epoch_rows(run, epoch, ["clean_loss", "loss"]) for epoch in range(3))
    at_visits, clean = ((last[name] - first[name]).abs() for name in ("loss", "clean_loss"))
    assert agreement.iloc[2] == pytest.approx(spearmanr(at_visits, clean).statistic, abs=0.01)


def test_a_held_out_share_is_measured_and_never_trained_on(make_task):
    config = parse({}, [*SMALL, "epochs=1"])
    task, state, run = make_task(config)
    object.__setattr__(task.dataset, "validation_images", task.dataset.test_images[:50])
    object.__setattr__(task.dataset, "validation_labels", task.dataset.test_labels[:50])
    try:
        train.train(task, state)
        passed = clean.clean_pass(
            task, state.model, task.dataset.test_images[:50], task.dataset.test_labels[:50]
        )
    finally:
        object.__setattr__(task.dataset, "validation_images", task.dataset.test_images[:0])
        object.__setattr__(task.dataset, "validation_labels", task.dataset.test_labels[:0])
        task.progress.end()
    metrics = queries.metrics(run)
    assert metrics.validation_loss.iloc[0] == pytest.approx(passed.losses.mean(), rel=1e-5)
    assert metrics.validation_accuracy.iloc[0] == pytest.approx(passed.correct.mean())


@pytest.mark.parametrize(
    "settings",
    [
        ("influence.proxy=kl", "influence.probe=clean"),
        ("influence.proxy=kl_abs", "influence.probe=step", "policy.kind=entropy"),
    ],
    ids=lambda settings: " ".join(settings),
)
def test_a_resumed_run_equals_the_run_never_stopped_with_every_probe(make_task, trained, settings):
    run, batches = trained(*settings), count()
    task, state, stopped = make_task(parse({}, [*SMALL, *settings]), should_stop=lambda: next(batches) > 45)
    with pytest.raises(Stopped):
        train.train(task, state)
    task.progress.end()
    assert 0 <= stopped.last_epoch() < 2
    task, state, _ = make_task(parse({}, [*SMALL, *settings]), run=stopped)
    assert checkpoint.restore(state, stopped.checkpoints, recorded=stopped.last_epoch() + 1)
    stopped.rewind(state.epoch - 1)
    train.train(task, state)
    task.progress.end()
    ours, theirs = (queries.history(each, list(range(1437))) for each in (stopped, run))
    assert ours.equals(theirs)


def test_entropy_strength_is_strong_where_the_visit_before_was_certain(trained):
    run = trained("influence.proxy=kl_abs", "influence.probe=step", "policy.kind=entropy")
    before = queries.epoch_rows(run, 1, ["confidence", "correct"])
    used = queries.epoch_rows(run, 2, ["strength"]).strength
    assert used.between(0, 1).all()
    # the most likely class is then the label's, so that its probability says how certain the model is
    right = before.correct.to_numpy(bool)
    assert rank_correlation(used[right].to_numpy(), before.confidence[right].to_numpy()) > 0.8
