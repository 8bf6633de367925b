"""Nets of timm at the sizes of this project's data sets; weights come from files made here, never a hub."""

import pytest
import timm
import torch
from timm.models import save_for_hf

from engine.models.build import build
from engine.models.settings import Timm
from engine.models.timm_nets import ModelUnavailable


def net_of(name, shape=(3, 32, 32), classes=10, seed=0, **settings):
    return build(Timm(name=name, **settings), shape=shape, classes=classes, seed=seed)


@pytest.mark.parametrize(
    "name", ["resnet18", "vit_tiny_patch16_224", "convnext_atto", "mobilenetv3_small_050"]
)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 28, 28), (3, 32, 32)], ids=str)
def test_nets_learn_from_small_images(name, shape):
    net = net_of(name, shape, classes=7)
    logits, features = net(torch.randn(2, *shape, generator=torch.Generator().manual_seed(0)))
    assert logits.shape == (2, 7)
    assert features.shape == (2, net.width)
    torch.testing.assert_close(net.head(features), logits)
    logits.logsumexp(1).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize("name", ["resnet18", "resnet18d", "resnetv2_50", "convnext_atto"])
def test_a_small_stem_leaves_4_x_4_places_of_32_pixels(name):
    maps = net_of(name).trunk.net.forward_features(torch.zeros(2, 3, 32, 32))
    assert maps.shape[2:] == (4, 4)


def test_without_a_small_stem_one_place_is_left():
    maps = net_of("resnet18", small_stem=False).trunk.net.forward_features(torch.zeros(2, 3, 32, 32))
    assert maps.shape[2:] == (1, 1)


def test_large_images_keep_the_stem_of_the_net():
    assert net_of("resnet18", (3, 96, 96)).trunk.net.conv1.stride == (2, 2)


def test_a_transformer_sees_at_least_seven_patches_a_side():
    patches = {
        side: net_of("test_vit", (3, side, side)).trunk.net.patch_embed.grid_size for side in (8, 28, 32)
    }
    assert patches == {8: (8, 8), 28: (7, 7), 32: (8, 8)}


def test_the_logits_are_those_of_the_net_as_timm_makes_it():
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    ours = net_of("resnet18", seed=4, small_stem=False).eval()
    torch.manual_seed(4)
    theirs = timm.create_model("resnet18", num_classes=10).eval()
    torch.testing.assert_close(ours(images)[0], theirs(images))


def test_an_unknown_name_brings_the_closest():
    with pytest.raises(ModelUnavailable, match=r"must be a net of timm; got 'resnet_18'; .* resnet18, "):
        net_of("resnet_18")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "inception_v3",
            "inception_v3 cannot take images of 32 x 32 pixels .* resnet18, which take images from 8",
        ),
        (
            "deit_tiny_distilled_patch16_224",
            "does not classify by one layer on its features; choose another net",
        ),
    ],
)
def test_a_net_that_does_not_fit_is_refused_in_a_sentence(name, sentence):
    with pytest.raises(ModelUnavailable, match=sentence):
        net_of(name)


def test_weights_that_cannot_be_fetched_never_become_random_ones(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ModelUnavailable, match=r"weights of test_resnet could not be fetched; .* run python -c"
    ):
        net_of("test_resnet", pretrained=True)


def test_a_net_without_weights_is_not_pretrained():
    with pytest.raises(ModelUnavailable, match=r"timm has no weights for botnet50ts_256; .* kind: none"):
        net_of("botnet50ts_256", pretrained=True)


def test_pretrained_weights_come_from_a_folder(tmp_path):
    made = timm.create_model("test_resnet", num_classes=10)
    save_for_hf(made, tmp_path)
    net = net_of(f"local-dir:{tmp_path}", pretrained=True, small_stem=False)
    assert torch.equal(net.head.weight, made.get_classifier().weight)
    assert torch.equal(net.trunk.net.conv1[0].weight, made.conv1[0].weight)
