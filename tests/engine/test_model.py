from typing import get_args

import pytest
import torch

from engine import model, precision
from engine.config import RunConfig

NAMES = get_args(RunConfig.model_fields["model"].annotation)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [8, 16, 32])
def test_every_net_takes_every_size(name, side):
    net = model.build(name, channels=3, classes=7, seed=0)
    logits, features = net(torch.zeros(2, 3, side, side))
    assert logits.shape == (2, 7)
    assert features.shape == (2, net.width)
    torch.testing.assert_close(net.head(features), logits)


@pytest.mark.parametrize("name", NAMES)
def test_weights_follow_from_the_seed_alone_and_the_global_generator_is_left_alone(name):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (model.build(name, channels=1, classes=10, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    weights = [
        torch.cat([parameter.flatten() for parameter in net.parameters()]) for net in (one, same, other)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(("name", "thousands"), [("resnet8", 78), ("air_xs", 73), ("air_s", 295)])
def test_nets_have_the_size_they_are_said_to_have(name, thousands):
    net = model.build(name, channels=3, classes=10, seed=0)
    assert round(sum(parameter.numel() for parameter in net.parameters()) / 1000) == thousands


def test_the_probe_leaves_the_weights_and_says_why():
    net = model.build("resnet8", channels=1, classes=10, seed=0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    chosen = precision.choose("auto", net, (8, 1, 16, 16), torch.device("cpu"))
    assert chosen.name in ("float32", "bfloat16")
    assert "images/s" in chosen.reason
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_format_that_was_asked_for_is_not_probed():
    net = model.build("resnet8", channels=1, classes=10, seed=0)
    chosen = precision.choose("bfloat16", net, (8, 1, 16, 16), torch.device("cpu"))
    assert chosen == ("bfloat16", "bfloat16 was asked for")
