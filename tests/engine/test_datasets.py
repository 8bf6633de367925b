import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.config import DATASETS
from engine.datasets.digits import Digits
from engine.datasets.noise import NoNoise, SymmetricNoise


@pytest.fixture(scope="module", params=DATASETS, ids=lambda source: source.__name__)
def dataset(request):
    return request.param().load()


def test_every_source_keeps_the_contract(dataset):
    for images, labels in ((dataset.images, dataset.labels), (dataset.test_images, dataset.test_labels)):
        assert images.dtype == np.uint8
        assert images.ndim == 4
        assert images.flags.c_contiguous
        assert labels.shape == (len(images),)
        assert labels.dtype == np.int64
        assert set(labels) == set(range(len(dataset.class_names)))
    assert dataset.true_labels is None
    assert all("{}" in prompt for prompt in dataset.prompts)


def test_digits_are_the_1797_real_ones_and_no_test_image_is_trained_on():
    digits = Digits().load()
    assert digits.images.shape == (1437, 1, 16, 16)
    assert digits.test_images.shape == (360, 1, 16, 16)
    assert_array_equal(digits.images, Digits().load().images)
    train, test = ({image.tobytes() for image in images} for images in (digits.images, digits.test_images))
    assert not train & test


def test_digits_at_their_own_size_are_the_originals():
    from sklearn.datasets import load_digits

    originals = {image.astype(np.uint8).tobytes() for image in (load_digits().images * 255 / 16).round()}
    assert {image.tobytes() for image in Digits(side=8).load().images} <= originals


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25])
def test_symmetric_noise_makes_exactly_its_share_wrong(share):
    clean = Digits(side=8).load()
    noisy = SymmetricNoise(share=share).corrupt(clean)
    assert (noisy.labels != clean.labels).sum() == round(share * len(clean.labels))
    assert_array_equal(noisy.true_labels, clean.labels)
    assert noisy.labels.min() >= 0
    assert noisy.labels.max() <= 9
    assert_array_equal(noisy.test_labels, clean.test_labels)


def test_symmetric_noise_is_fixed_by_its_own_seed():
    clean = Digits(side=8).load()
    one, same, other = (SymmetricNoise(seed=seed).corrupt(clean).labels for seed in (1, 1, 2))
    assert_array_equal(one, same)
    assert (one != other).any()


def test_no_noise_changes_nothing():
    clean = Digits(side=8).load()
    assert NoNoise().corrupt(clean) is clean
