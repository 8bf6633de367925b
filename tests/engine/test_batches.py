"""Batches: every selected sample once, and images as the model sees them."""

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal

from engine import batches
from engine.batches import Images
from engine.distributed import World
from engine.operations import AUTOCONTRAST, COLOR, EQUALIZE, IDENTITY, ROTATE, TORCHVISION
from engine.selection import Selection


def test_every_selected_sample_is_in_one_batch_with_its_own_weight():
    ids = np.arange(5, 70)
    selection = Selection(ids, (ids * 0.5).astype(np.float32))
    parts = batches.shuffled(selection, 16, np.random.default_rng(0))
    assert_array_equal(np.sort(np.concatenate([part for part, _ in parts])), ids)
    for part, weights in parts:
        assert_allclose(weights, part * 0.5)


def test_no_batch_is_left_with_one_sample():
    selection = Selection(np.arange(65), np.ones(65, np.float32))
    sizes = [len(part) for part, _ in batches.shuffled(selection, 32, np.random.default_rng(0))]
    assert sorted(sizes) == [21, 22, 22]


def test_no_batch_is_left_with_one_sample__batches_of_two():
    for samples, expected in {1: [1], 2: [2], 3: [3], 4: [2, 2], 5: [2, 3]}.items():
        selection = Selection(np.arange(samples), np.ones(samples, np.float32))
        sizes = [len(part) for part, _ in batches.shuffled(selection, 2, np.random.default_rng(0))]
        assert sorted(sizes) == expected


def test_clean_images_are_normalised_and_in_order(digits):
    images = Images(digits, seed=0, device=torch.device("cpu"))
    rows, seen = zip(*images.clean(digits.images, World()), strict=True)
    assert rows[0] == slice(0, 256)
    assert rows[-1].stop == len(digits.images)
    everything = torch.cat(seen)
    assert everything.shape == digits.images.shape
    assert abs(everything.mean().item()) < 1e-4
    assert abs(everything.std().item() - 1) < 1e-3


def test_an_augmentation_can_be_replayed_whatever_the_batch(digits):
    images = Images(digits, seed=4, device=torch.device("cpu"))
    together = images.augmented(np.array([3, 900, 17]), 2, np.array([0.2, 0.9, 0.5], np.float32))
    alone = images.augmented(np.array([17]), 2, np.array([0.5], np.float32))
    assert torch.equal(together[2:], alone)


def test_digits_are_never_mirrored(digits):
    assert not Images(digits, seed=0, device=torch.device("cpu")).draws(np.arange(500), 0).flip.any()


def test_the_table_decides_what_a_strength_does(digits):
    ids, device = np.arange(300), torch.device("cpu")
    ours = Images(digits, seed=0, device=device)
    theirs = Images(digits, seed=0, device=device, table=TORCHVISION)
    kinds, full = ours.draws(ids, 0).operation, np.ones(300, np.float32)
    same = (ours.augmented(ids, 0, full) == theirs.augmented(ids, 0, full)).flatten(1).all(1).numpy()
    assert same[np.isin(kinds, [IDENTITY, COLOR, AUTOCONTRAST, EQUALIZE])].all()  # digits have no colour
    assert not same[kinds == ROTATE].any()


def test_a_device_sees_what_the_processor_sees(digits, monkeypatch):
    """The device's own path, run on the processor; no accelerator is at hand here."""
    ids, strengths = np.arange(300), np.linspace(0, 1, 300, dtype=np.float32)
    images = Images(digits, seed=1, device=torch.device("cpu"))
    expected = images.augmented(ids, 3, strengths)
    monkeypatch.setattr(images, "_on_device", torch.from_numpy(digits.images))
    found = images.augmented(ids, 3, strengths)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
