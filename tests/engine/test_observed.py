import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.nn.functional import cross_entropy

from engine.observed import Observed


def observe(samples, batches):
    observed = Observed(samples, 2, torch.device("cpu"))
    for ids, logits, labels in batches:
        logits, labels = torch.tensor(logits), torch.tensor(labels)
        losses = cross_entropy(logits, labels, reduction="none")
        observed.add(torch.tensor(ids), losses, logits, torch.tensor(ids)[:, None] * torch.ones(1, 2), labels)
    return observed.collect()


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
    seen = observe(100, [([7], [[1.0, 2.0]], [0]), ([50, 8], [[1.0, 2.0], [3.0, 0.0]], [1, 0])])
    assert_array_equal(seen.ids, [7, 8, 50])


def test_two_classes_have_a_margin_of_the_other():
    assert_allclose(observe(2, [([0], [[1.0, 3.5]], [0])]).margins, [-2.5])
