"""What an epoch saw: written by id, collected once."""

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.nn.functional import cross_entropy

from engine.distributed import World
from engine.influence import InfluenceSettings
from engine.observed import Observed


def observe(samples, batches, *, settings=None, classes=3, after=None):
    settings = settings or InfluenceSettings()
    observed = Observed(samples, width=2, classes=classes, settings=settings, device=torch.device("cpu"))
    for ids, logits, labels in batches:
        logits, labels = torch.tensor(logits), torch.tensor(labels)
        losses = cross_entropy(logits, labels, reduction="none")
        observed.add(torch.tensor(ids), losses, logits, torch.tensor(ids)[:, None] * torch.ones(1, 2), labels)
        if after is not None:
            observed.add_after(
                torch.tensor(ids),
                cross_entropy(torch.tensor(after), labels, reduction="none"),
                torch.tensor(after),
            )
    return observed.collect(World())


def test_one_batch_by_hand():
    seen = observe(5, [([3, 1], [[2.0, 0.0, 1.0], [0.0, 1.0, 4.0]], [0, 1])])
    assert_array_equal(seen.ids, [1, 3])
    one, three = np.exp(1) / (1 + np.exp(1) + np.exp(4)), np.exp(2) / (np.exp(2) + 1 + np.exp(1))
    assert_allclose(seen.confidences, [one, three], rtol=1e-6)
    assert_allclose(seen.losses, -np.log([one, three]), rtol=1e-6)
    assert_allclose(seen.margins, [1 - 4, 2 - 1])
    assert_array_equal(seen.predictions, [2, 0])
    assert_array_equal(seen.correct, [False, True])
    assert_array_equal(seen.features, [[1, 1], [3, 3]])


def test_samples_not_added_are_left_out():
    seen = observe(100, [([7], [[1.0, 2.0]], [0]), ([50, 8], [[1.0, 2.0], [3.0, 0.0]], [1, 0])], classes=2)
    assert_array_equal(seen.ids, [7, 8, 50])


def test_two_classes_have_a_margin_of_the_other():
    assert_allclose(observe(2, [([0], [[1.0, 3.5]], [0])], classes=2).margins, [-2.5])


def test_entropy_is_0_where_the_model_is_certain_and_1_where_it_knows_nothing():
    seen = observe(2, [([0, 1], [[50.0, 0.0, 0.0], [1.0, 1.0, 1.0]], [0, 0])])
    assert_allclose(seen.entropies, [0, 1], atol=1e-6)


def test_probabilities_are_gathered_only_for_the_proxies_that_compare_them():
    batch = [([1], [[np.log(2.0), np.log(1.0), np.log(1.0)]], [0])]
    assert observe(2, batch).probabilities.shape == (1, 0)
    seen = observe(2, batch, settings=InfluenceSettings(proxy="kl"))
    assert_allclose(seen.answers.probabilities, [[0.5, 0.25, 0.25]])


def test_answers_after_the_update_are_kept_apart_from_those_before():
    batch, settings = [([1], [[0.0, 0.0]], [0])], InfluenceSettings(proxy="kl", probe="step")
    seen = observe(2, batch, settings=settings, classes=2, after=[[np.log(3.0), 0.0]])
    assert_allclose(seen.answers.losses, [np.log(2)], rtol=1e-6)
    assert_allclose(seen.answers_after.losses, [np.log(4 / 3)], rtol=1e-6)
    assert_allclose(seen.answers_after.probabilities, [[0.75, 0.25]])
    assert np.isnan(observe(2, batch, classes=2).answers_after.losses).all()


def test_one_class_alone_is_certain_and_has_no_margin():
    seen = observe(2, [([0], [[1.5]], [0])], classes=1)
    assert (seen.losses.tolist(), seen.entropies.tolist()) == ([0], [0])
    assert np.isnan(seen.margins).all()
