"""A stopped run goes on as if it never stopped, whatever trains: optimizer, averaged weights, dropout."""

from itertools import count

import pytest
import torch

from engine import checkpoint, train
from engine.config import parse
from engine.progress import Stopped
from store import queries

QUICK = ["strategy.kind=random_subset", "strategy.keep=0.1", "epochs=4", "maps.every=0"]
RECIPES = {
    "averaged": ["ema=0.9", "label_smoothing=0.1"],
    "adamw": ["optimizer.kind=adamw", "schedule=cosine", "ema=0.5"],
    "dropout": ["model.kind=timm", "model.name=ghostnet_050", "optimizer.kind=adamw"],
}


def trained(task, state):
    try:
        train.train(task, state)
    finally:
        task.progress.end()


def weights(state):
    """All tensors of the nets, in training and averaged, by name."""
    nets = [state.model] if state.averaged is None else [state.model, state.averaged.model]
    return [tensor for net in nets for tensor in net.state_dict().values()]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_resumed_run_equals_the_run_never_stopped(make_task, recipe):
    config = parse({}, [*QUICK, *RECIPES[recipe]])
    task, whole, straight = make_task(config)
    trained(task, whole)
    asked = count()
    task, half, run = make_task(config, should_stop=lambda: half.epoch == 2 and next(asked) == 2)
    with pytest.raises(Stopped):
        trained(task, half)
    task, state, _ = make_task(config, run=run)
    assert checkpoint.restore(state, run.checkpoints, recorded=run.last_epoch() + 1)
    assert state.epoch == 2
    run.rewind(state.epoch - 1)
    trained(task, state)
    assert all(torch.equal(one, other) for one, other in zip(weights(whole), weights(state), strict=True))
    ours, theirs = (queries.metrics(each)[["mean_loss", "test_loss"]] for each in (run, straight))
    assert ours.equals(theirs)


def test_tested_are_the_averaged_weights_and_logged_losses_are_not_smoothed(make_task):
    """Both change what is measured or trained, never what the first epoch's losses are measured by."""
    losses, tests = {}, {}
    for name, extra in {"plain": [], "averaged": ["ema=0.999"], "smoothed": ["label_smoothing=0.3"]}.items():
        task, state, run = make_task(parse({}, [*QUICK, "epochs=1", "batch_size=4096", *extra]))
        trained(task, state)
        metrics = queries.metrics(run)
        losses[name], tests[name] = metrics.mean_loss.iloc[0], metrics.test_loss.iloc[0]
    assert losses["plain"] == losses["averaged"] == losses["smoothed"]
    assert tests["averaged"] != tests["plain"]
