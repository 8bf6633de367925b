"""Optimizer, schedule and objective: worked by hand."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, log_softmax

from engine import optimization
from engine.averaged import Averaged
from engine.config import OPTIMIZERS
from engine.models.build import build
from engine.models.settings import SmallNet
from engine.optimizers import AdamW, Sgd


def small_net(seed=0):
    return build(SmallNet(), shape=(1, 8, 8), classes=10, seed=seed)


def test_one_cycle_climbs_for_a_quarter_and_falls_along_a_half_cosine():
    rates = [optimization.learning_rate("one_cycle", 0.4, share) for share in (0, 0.125, 0.25, 0.625, 1)]
    assert rates == pytest.approx([0, 0.2, 0.4, 0.2, 0])


def test_cosine_climbs_for_a_twentieth_and_falls_along_a_half_cosine():
    rates = [optimization.learning_rate("cosine", 0.4, share) for share in (0, 0.025, 0.05, 0.525, 1)]
    assert rates == pytest.approx([0, 0.2, 0.4, 0.2, 0])


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=lambda settings: settings.__name__)
def test_every_optimizer_makes_the_loss_smaller_at_the_rate_it_is_given(settings):
    net, images, labels = small_net(), torch.rand(16, 1, 8, 8), torch.arange(16) % 10
    optimizer = optimization.build(settings(), net.parameters())
    optimization.set_learning_rate(optimizer, 0.01)
    assert {group["lr"] for group in optimizer.param_groups} == {0.01}
    losses = []
    for _ in range(8):
        loss = cross_entropy(net(images)[0], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_under_adamw_norms_and_biases_do_not_decay():
    net = small_net()
    decaying, constant = optimization.build(AdamW(weight_decay=0.3), net.parameters()).param_groups
    assert (decaying["weight_decay"], constant["weight_decay"]) == (0.3, 0)
    assert min(parameter.ndim for parameter in decaying["params"]) == 2
    assert max(parameter.ndim for parameter in constant["params"]) == 1
    assert len(decaying["params"]) + len(constant["params"]) == len(list(net.parameters()))


def test_under_sgd_all_parameters_decay():
    net = small_net()
    (group,) = optimization.build(Sgd(weight_decay=0.3), net.parameters()).param_groups
    assert (group["weight_decay"], group["nesterov"]) == (0.3, True)
    assert len(group["params"]) == len(list(net.parameters()))


def test_smoothing_spreads_a_share_of_the_target_over_all_classes():
    logits, labels = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]]), torch.tensor([0, 2])
    losses = cross_entropy(logits, labels, reduction="none")
    smoothed = optimization.objective(losses, logits, labels, 0.3)
    torch.testing.assert_close(smoothed, 0.7 * losses - 0.3 * log_softmax(logits, 1).mean(1))
    assert optimization.objective(losses, logits, labels, 0) is losses


def test_an_average_of_weights_that_stay_stays():
    net = small_net()
    averaged = Averaged(net, 0.99)
    for _ in range(20):
        averaged.update(net)
    for own, weight in zip(averaged.model.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(own, weight)


def test_an_average_moves_towards_the_weights_slower_with_every_step_until_its_decay():
    net = small_net()
    averaged = Averaged(net, 0.25)
    net.head.bias.data.fill_(1.0)
    averaged.model.head.bias.data.fill_(0.0)
    left = 1.0
    for decay in (1 / 10, 2 / 11, 0.25, 0.25):  # (1 + steps) / (10 + steps), at most the decay
        averaged.update(net)
        left *= decay
        torch.testing.assert_close(averaged.model.head.bias, torch.full((10,), 1 - left))


def test_an_average_covers_the_statistics_of_norms_and_copies_their_counters():
    net = small_net()
    averaged = Averaged(net, 0.9)
    net.train()(torch.rand(4, 1, 8, 8))
    averaged.update(net)
    norm, own = net.trunk[1], averaged.model.trunk[1]
    torch.testing.assert_close(own.running_var, 0.1 + 0.9 * norm.running_var)
    assert own.num_batches_tracked == 1
    assert not averaged.model.training
    assert not any(parameter.requires_grad for parameter in averaged.model.parameters())


def test_an_average_goes_on_from_what_it_saved():
    net, other = small_net(), small_net(1)
    one, same = Averaged(net, 0.9), Averaged(net, 0.9)
    one.update(other)
    same.load_state_dict(one.state_dict())
    for averaged in (one, same):
        averaged.update(other)
    assert same.steps == 2
    assert torch.equal(one.model.head.weight, same.model.head.weight)
    assert math.isfinite(one.model.head.weight.sum())
