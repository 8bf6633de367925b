"""Nets: shapes, features, and the same weights from the same seed."""

from typing import get_args

import pytest
import torch

from engine import precision
from engine.config import parse
from engine.models.build import build
from engine.models.classifier import chance_from
from engine.models.settings import SmallNet
from engine.precision import Precision

KINDS = get_args(SmallNet.model_fields["kind"].annotation)


def net_of(*assignments, shape=(3, 16, 16), classes=10, seed=0):
    return build(parse({}, assignments).model, shape=shape, classes=classes, seed=seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [8, 16, 28, 32])
def test_every_small_net_takes_every_size(kind, side):
    net = net_of(f"model.kind={kind}", shape=(3, side, side), classes=7)
    logits, features = net(torch.zeros(2, 3, side, side))
    assert logits.shape == (2, 7)
    assert features.shape == (2, net.width)
    torch.testing.assert_close(net.head(features), logits)


@pytest.mark.parametrize("kind", [*KINDS, "timm"])
def test_weights_follow_from_the_seed_alone_and_the_global_generator_is_left_alone(kind):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    nets = [net_of(f"model.kind={kind}", shape=(1, 16, 16), seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(3), expected)
    one, same, other = (torch.cat([each.flatten() for each in net.parameters()]) for net in nets)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("kind", "thousands"), [("resnet8", 78), ("resnet8_wide", 309), ("air_xs", 73), ("air_s", 295)]
)
def test_small_nets_have_the_size_they_are_said_to_have(kind, thousands):
    net = net_of(f"model.kind={kind}")
    assert round(sum(parameter.numel() for parameter in net.parameters()) / 1000) == thousands


def test_the_probe_leaves_the_weights_and_says_why():
    net = net_of(shape=(1, 16, 16))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    chosen = precision.choose("auto", net, (8, 1, 16, 16), torch.device("cpu"))
    assert chosen.name in ("float32", "bfloat16")
    assert "images/s" in chosen.reason
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_format_that_was_asked_for_is_not_probed():
    net = net_of(shape=(1, 16, 16))
    chosen = precision.choose("bfloat16", net, (8, 1, 16, 16), torch.device("cpu"))
    assert chosen == ("bfloat16", "bfloat16 was asked for", "channels_last")


def test_the_fastest_is_chosen_only_where_its_gain_is_beyond_the_noise():
    plain, first, half = (
        Precision("float32", ""),
        Precision("float32", "", "contiguous"),
        Precision("bfloat16", ""),
    )
    assert precision.fastest({plain: 100, first: 109, half: 50}) == plain
    assert precision.fastest({plain: 100, first: 111, half: 150}) == half
    assert precision.fastest({plain: 100, first: 111, half: 50}) == first


def test_the_layout_changes_where_numbers_lie_and_not_what_they_are():
    net = net_of(shape=(3, 16, 16)).eval()
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    last = net.arrange("channels_last")(images)[0]
    assert net.trunk[0].weight.is_contiguous(memory_format=torch.channels_last)
    first = net.arrange("contiguous")(images)[0]
    assert net.trunk[0].weight.is_contiguous()
    torch.testing.assert_close(last, first)


def test_chance_within_a_net_follows_from_the_seed_and_leaves_the_global_generator():
    drawn = []
    before = torch.get_rng_state()
    for seed in (1, 1, 2):
        with chance_from(seed, device=torch.device("cpu")):
            drawn.append(torch.nn.functional.dropout(torch.ones(50)))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), before)
