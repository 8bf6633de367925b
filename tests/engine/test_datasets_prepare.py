"""From a source to what a run trains on: subset, tail, validation and noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.testing import assert_array_equal

from engine.config import TAILS
from engine.datasets import Dataset, mapped, strata
from engine.datasets.digits import Digits
from engine.datasets.noise import AsymmetricNoise, NoNoise, SymmetricNoise
from engine.datasets.prepare import prepared
from engine.datasets.subset import Subset
from engine.datasets.tail import ExponentialTail, NoTail, StepTail
from engine.progress import silent

EVEN = np.repeat(np.arange(10), 500)  # ten classes of 500


def parts(**changed):
    whole = {"subset": Subset(), "tail": NoTail(), "validation": 0.0, "noise": NoNoise()}
    return whole | changed


@given(
    sizes=some.lists(some.integers(0, 60), min_size=1, max_size=12).filter(any),
    share=some.floats(0, 1),
    least=some.integers(0, 1),
)
@settings(max_examples=200, deadline=None)
def test_apportioned_counts_are_exact_within_the_classes_and_near_their_share(sizes, share, least):
    sizes = np.array(sizes)
    total = round(share * sizes.sum())
    counts = strata.apportioned(sizes, total, least=least)
    assert counts.sum() == total
    assert (counts <= sizes).all()
    assert (counts >= 0).all()
    if not least:
        assert (abs(counts - sizes * total / sizes.sum()) < 1).all()
    elif total >= (sizes > 0).sum():
        assert (counts[sizes > 0] >= 1).all()


def test_more_than_the_classes_can_spare_is_refused():
    with pytest.raises(ValueError, match="2 of 3 samples cannot be drawn so that each class keeps 1"):
        strata.apportioned(np.array([1, 1, 1]), 2, spare=1)


def test_drawn_samples_are_as_many_of_each_class_as_asked():
    ids = strata.drawn(EVEN, np.arange(10), np.random.default_rng(0))
    assert_array_equal(np.bincount(EVEN[ids], minlength=10), np.arange(10))
    assert (np.diff(ids) > 0).all()


@pytest.mark.parametrize("kind", TAILS, ids=lambda kind: kind.__name__)
def test_every_tail_keeps_rising_rows_and_a_sample_of_each_class(kind):
    kept = kind().kept(EVEN, 10)
    assert (np.diff(kept) > 0).all()
    assert set(EVEN[kept]) == set(range(10))
    assert_array_equal(kept, kind().kept(EVEN, 10))


def test_an_exponential_tail_has_the_sizes_of_cui_et_al():
    sizes = np.bincount(EVEN[ExponentialTail(factor=100).kept(EVEN, 10)])
    assert_array_equal(sizes, [round(500 * 100 ** (-k / 9)) for k in range(10)])
    assert (sizes[0], sizes[-1]) == (500, 5)


def test_a_step_tail_thins_the_second_half():
    assert_array_equal(np.bincount(EVEN[StepTail(factor=10).kept(EVEN, 10)]), [500] * 5 + [50] * 5)
    three = np.repeat(np.arange(3), 100)
    assert_array_equal(np.bincount(three[StepTail(factor=4).kept(three, 3)]), [100, 100, 25])


@pytest.mark.parametrize("tail", [ExponentialTail(factor=10), StepTail(factor=10)])
def test_the_factor_holds_where_classes_were_not_alike(tail):
    labels = np.repeat(np.arange(4), (400, 300, 600, 500))
    sizes = np.bincount(labels[tail.kept(labels, 4)])
    assert sizes.max() / sizes.min() == pytest.approx(10, rel=0.04)


@pytest.mark.parametrize("tail", [ExponentialTail(factor=1000), StepTail(factor=1000)])
def test_no_class_is_lost__an_empty_one_and_a_class_of_one(tail):
    labels = np.repeat(np.arange(3), (0, 50, 1))
    assert set(labels[tail.kept(labels, 3)]) == {1, 2}
    assert_array_equal(tail.kept(np.zeros(5, np.int64), 1), np.arange(5))


@pytest.mark.parametrize("share", [0.001, 0.1, 0.33, 1.0])
def test_a_subset_is_exact_and_stratified(share):
    kept = Subset(share=share).kept(EVEN, 10)
    assert len(kept) == round(share * 5000)
    sizes = np.bincount(EVEN[kept], minlength=10)
    assert sizes.max() - sizes.min() <= 1


def test_a_subset_loses_no_class_while_it_has_room():
    labels = np.repeat(np.arange(3), (1000, 10, 1))
    assert set(labels[Subset(share=0.01).kept(labels, 3)]) == {0, 1, 2}


def test_a_subset_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"subset.share must keep at least one of the 3 samples; got 0.1"):
        Subset(share=0.1).kept(np.array([0, 1, 2]), 3)


def test_validation_is_held_out_of_training_before_labels_are_made_wrong():
    whole = Digits(side=8).load(silent)
    dataset = prepared(Digits(side=8), **parts(validation=0.2, noise=SymmetricNoise(share=0.3)))
    assert len(dataset.validation_labels) == round(0.2 * 1437)
    assert len(dataset.labels) == 1437 - round(0.2 * 1437)
    assert (dataset.labels != dataset.true_labels).sum() == round(0.3 * len(dataset.labels))
    together = np.concatenate([dataset.images, dataset.validation_images])
    assert sorted(image.tobytes() for image in together) == sorted(image.tobytes() for image in whole.images)
    labels = {image.tobytes(): label for image, label in zip(whole.images, whole.labels, strict=True)}
    assert [
        labels[image.tobytes()] for image in dataset.validation_images
    ] == dataset.validation_labels.tolist()
    assert [labels[image.tobytes()] for image in dataset.images] == dataset.true_labels.tolist()
    assert_array_equal(dataset.test_images, whole.test_images)


def test_nothing_held_out_has_no_rows():
    dataset = prepared(Digits(side=8), **parts())
    assert dataset.validation_images.shape == (0, 1, 8, 8)
    assert dataset.validation_labels.shape == (0,)
    assert dataset.images.shape == (1437, 1, 8, 8)


def test_all_parts_together_keep_their_counts():
    dataset = prepared(
        Digits(side=8),
        **parts(
            subset=Subset(share=0.5),
            tail=ExponentialTail(factor=4),
            validation=0.1,
            noise=AsymmetricNoise(share=0.2),
        ),
    )
    samples = len(dataset.labels) + len(dataset.validation_labels)
    assert len(dataset.validation_labels) == round(0.1 * samples)
    assert (dataset.labels != dataset.true_labels).sum() == round(0.2 * len(dataset.labels))
    sizes = np.bincount(dataset.true_labels) + np.bincount(dataset.validation_labels)
    assert (np.diff(sizes) <= 0).all()
    assert sizes[0] / sizes[-1] == pytest.approx(4, rel=0.05)


class OnDisk:
    """A source whose images are a mapped file."""

    def load(self, report):
        images = np.arange(5000 * 3 * 4, dtype=np.uint32).astype(np.uint8).reshape(5000, 3, 2, 2)

        def fill(rows):
            rows[:] = images

        on_disk = mapped.images("test-on-disk", images.shape, fill, report)
        names = tuple("0123456789")
        return Dataset(on_disk, EVEN, on_disk[:10], EVEN[:10], names, ("{}",), flip=True)


def test_a_part_of_a_mapped_file_that_exceeds_the_memory_is_mapped_too(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path))
    monkeypatch.setattr("engine.datasets.blocks.BLOCK_BYTES", 1000)
    in_memory = prepared(OnDisk(), **parts(subset=Subset(share=0.5), validation=0.1))
    monkeypatch.setattr(mapped, "MEMORY_BYTES", 10_000)
    reported = []
    on_disk = prepared(
        OnDisk(),
        **parts(subset=Subset(share=0.5), validation=0.1),
        report=lambda phase, share: reported.append((phase, share)),
    )
    assert isinstance(on_disk.images, np.memmap)
    assert not isinstance(in_memory.images, np.memmap)
    assert_array_equal(on_disk.images, in_memory.images)
    assert_array_equal(on_disk.validation_images, in_memory.validation_images)
    assert reported[0] == ("choosing samples", 0.0)
    assert 0.9 < reported[-1][1] < 1


def test_all_of_a_mapped_file_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path))
    monkeypatch.setattr(mapped, "MEMORY_BYTES", 10)
    dataset = prepared(OnDisk(), **parts())
    assert isinstance(dataset.images, np.memmap)
    assert [path.name for path in (tmp_path / "images").glob("*.npy")] == ["test-on-disk.npy"]
