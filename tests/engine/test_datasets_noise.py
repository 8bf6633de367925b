"""Label noise: exactly as much as was asked for, with the truth kept apart."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from pyarrow import parquet

from engine import config
from engine.config import NOISES
from engine.datasets.digits import Digits
from engine.datasets.given_labels import GivenLabels
from engine.datasets.noise import CIFAR10_PAIRS, AsymmetricNoise, NoNoise, SymmetricNoise
from engine.progress import silent

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.fixture(scope="module")
def clean():
    return Digits(side=8).load(silent)


@pytest.fixture
def cifar(clean):
    """The digits under the names of CIFAR-10."""
    return replace(clean, class_names=CIFAR10)


@pytest.mark.parametrize("kind", NOISES, ids=lambda kind: kind.__name__)
def test_every_noise_leaves_images_and_test_labels_and_its_input(kind, clean, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("sample_id,label\n0,3\n1,4\n")
    noise = kind(path=str(path)) if kind is GivenLabels else kind()
    before = clean.labels.copy()
    noisy = noise.corrupt(clean)
    assert noisy.images is clean.images
    assert_array_equal(noisy.test_labels, clean.test_labels)
    assert_array_equal(clean.labels, before)
    assert noisy.labels.dtype == np.int64
    assert 0 <= noisy.labels.min() <= noisy.labels.max() <= 9
    assert_array_equal(noisy.labels, noise.corrupt(clean).labels)


def test_one_class_alone_cannot_be_confused(clean):
    alone = replace(clean, labels=np.zeros_like(clean.labels), class_names=("0",))
    for noise in (SymmetricNoise(), AsymmetricNoise()):
        with pytest.raises(ValueError, match="noise must have two classes or more to confuse"):
            noise.corrupt(alone)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25])
def test_symmetric_noise_makes_exactly_its_share_wrong(share, clean):
    noisy = SymmetricNoise(share=share).corrupt(clean)
    assert (noisy.labels != clean.labels).sum() == round(share * len(clean.labels))
    assert_array_equal(noisy.true_labels, clean.labels)


@pytest.mark.parametrize("kind", [SymmetricNoise, AsymmetricNoise])
def test_noise_is_fixed_by_its_own_seed(kind, clean):
    one, same, other = (kind(seed=seed).corrupt(clean).labels for seed in (1, 1, 2))
    assert_array_equal(one, same)
    assert (one != other).any()


def test_no_noise_changes_nothing(clean):
    assert NoNoise().corrupt(clean) is clean


@pytest.mark.parametrize("share", [0.0, 0.2, 0.45])
def test_asymmetric_noise_makes_its_share_of_the_paired_classes_wrong(share, cifar):
    noisy = AsymmetricNoise(share=share).corrupt(cifar)
    changed = noisy.labels != noisy.true_labels
    paired = np.isin(np.array(CIFAR10)[cifar.labels], list(CIFAR10_PAIRS))
    assert changed.sum() == round(share * paired.sum())
    assert not changed[~paired].any()
    for was, now in zip(noisy.true_labels[changed], noisy.labels[changed], strict=True):
        assert CIFAR10_PAIRS[CIFAR10[was]] == CIFAR10[now]
    for label in np.unique(cifar.labels[paired]):
        of_class = cifar.labels == label
        assert abs(changed[of_class].sum() - share * of_class.sum()) < 1


def test_classes_of_other_names_are_taken_for_the_next_one(clean):
    noisy = AsymmetricNoise(share=0.3).corrupt(clean)
    changed = noisy.labels != noisy.true_labels
    assert changed.sum() == round(0.3 * len(clean.labels))
    assert_array_equal(noisy.labels[changed], (noisy.true_labels[changed] + 1) % 10)


def test_pairs_can_be_given_and_come_as_text_from_a_command_line(clean):
    noise = config.parse(
        {}, ["noise.kind=asymmetric", "noise.pairs=four=nine, seven=one", "noise.share=0.5"]
    ).noise
    assert noise.pairs == {"four": "nine", "seven": "one"}
    noisy = noise.corrupt(clean)
    changed = noisy.labels != noisy.true_labels
    assert set(zip(noisy.true_labels[changed], noisy.labels[changed], strict=True)) == {(4, 9), (7, 1)}
    assert changed.sum() == round(0.5 * np.isin(clean.labels, (4, 7)).sum())


@pytest.mark.parametrize("pairs", [{"four": "ten"}, {"fore": "nine"}, {"four": "four"}])
def test_pairs_that_are_no_classes_list_the_classes(clean, pairs):
    with pytest.raises(
        ValueError, match=r"noise.pairs must map a class to another class \(zero, one, .*\); got"
    ):
        AsymmetricNoise(pairs=pairs).corrupt(clean)


def written(path, ids, labels):
    if path.suffix == ".csv":
        path.write_text(
            "sample_id,label\n" + "".join(f"{i},{label}\n" for i, label in zip(ids, labels, strict=True))
        )
    elif path.suffix == ".parquet":
        parquet.write_table(pa.table({"sample_id": ids, "label": labels}), path)
    else:
        np.save(path, np.array([ids, labels]).T)
    return GivenLabels(path=str(path))


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet", "labels.npy"])
def test_given_labels_replace_those_of_their_samples_alone(name, clean, tmp_path):
    noisy = written(tmp_path / name, [5, 0, 1436], [9, 8, 7]).corrupt(clean)
    expected = clean.labels.copy()
    expected[[5, 0, 1436]] = [9, 8, 7]
    assert_array_equal(noisy.labels, expected)
    assert_array_equal(noisy.true_labels, clean.labels)


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_given_labels_may_be_names(name, clean, tmp_path):
    assert_array_equal(written(tmp_path / name, [0, 1], ["nine", "zero"]).corrupt(clean).labels[:2], [9, 0])


def test_corrections_leave_nobody_knowing_the_truth(clean, tmp_path):
    given = written(tmp_path / "labels.csv", [0], [9]).model_copy(update={"given_are": "corrected"})
    corrected = given.corrupt(clean)
    assert corrected.labels[0] == 9
    assert corrected.true_labels is None


def test_an_array_of_all_labels_is_taken_in_order(clean, tmp_path):
    np.save(tmp_path / "all.npy", (clean.labels + 1) % 10)
    noisy = GivenLabels(path=str(tmp_path / "all.npy")).corrupt(clean)
    assert_array_equal(noisy.labels, (clean.labels + 1) % 10)


@pytest.mark.parametrize(
    ("ids", "labels", "sentence"),
    [
        ([0, 1437], [1, 2], "sample_id in labels.csv must be from 0 to 1436; got 0 to 1437"),
        ([-1], [1], "sample_id in labels.csv must be from 0 to 1436; got -1 to -1"),
        ([3, 3], [1, 2], "sample_id in labels.csv must name each sample once"),
        ([3], [10], r"label in labels.csv must be a class \(zero, .*\) or its number; got '10'"),
        ([3], ["ten"], r"label in labels.csv must be a class \(zero, .*\) or its number; got 'ten'"),
        ([3], [""], r"label in labels.csv must be a class \(zero, .*\) or its number; got ''"),
        (["three"], [1], "sample_id in labels.csv must be whole numbers"),
    ],
)
def test_given_labels_that_do_not_fit(ids, labels, sentence, clean, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        written(tmp_path / "labels.csv", ids, labels).corrupt(clean)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("labels.txt", b"", r"noise.path must end in .csv, .parquet or .npy; got"),
        (
            "labels.csv",
            b"id,label\n0,1\n",
            r"labels.csv must have the columns sample_id and label; got id, label",
        ),
        ("labels.parquet", b"no parquet", r"labels.parquet cannot be read as Parquet; give another file"),
        ("labels.npy", b"no array", r"labels.npy cannot be read as an array; give another file"),
        ("missing.csv", None, r"noise.path must be a file; .*missing.csv is not there"),
    ],
)
def test_a_file_that_holds_no_labels(name, content, sentence, clean, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        GivenLabels(path=str(tmp_path / name)).corrupt(clean)


def test_an_array_of_another_shape_is_refused(clean, tmp_path):
    np.save(tmp_path / "labels.npy", np.zeros((4, 3), np.int64))
    with pytest.raises(
        ValueError, match=r"must be \(n, 2\) ids and labels or \(N,\) labels; got \(4, 3\) int64"
    ):
        GivenLabels(path=str(tmp_path / "labels.npy")).corrupt(clean)
