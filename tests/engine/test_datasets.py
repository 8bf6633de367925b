"""Data sets: the contract of every source, and the ones that come as packages."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.config import DATASETS
from engine.datasets.cifar import Cifar10, Cifar100
from engine.datasets.digits import Digits
from engine.datasets.fashion_mnist import PACKAGED, FashionMnist
from engine.datasets.image_folder import ImageFolder
from engine.datasets.image_parquet import ImageParquet
from engine.datasets.torchvision_set import TorchvisionSet
from engine.progress import silent
from tests import encoded


def fashion_mnist():
    if not PACKAGED.exists():
        pytest.skip("needs Debian's package dataset-fashion-mnist")
    return FashionMnist()


def image_folder(folder):
    images, labels = encoded.digits(200)
    encoded.write_folder(folder / "train", images[:150], labels[:150])
    encoded.write_folder(folder / "val", images[150:], labels[150:])
    return ImageFolder(root=str(folder), side=8)


def source(kind, folder, monkeypatch):
    from torchvision.datasets import CIFAR10, CIFAR100

    if kind is Cifar10:
        encoded.write_cifar(folder, CIFAR10, monkeypatch, classes=10)
    if kind is Cifar100:
        encoded.write_cifar(folder, CIFAR100, monkeypatch, classes=100)
    return {
        Digits: Digits,
        FashionMnist: fashion_mnist,
        Cifar10: lambda: Cifar10(root=str(folder)),
        Cifar100: lambda: Cifar100(root=str(folder)),
        TorchvisionSet: lambda: TorchvisionSet(
            name="FakeData", options={"size": 200, "image_size": (3, 8, 8)}
        ),
        ImageFolder: lambda: image_folder(folder),
        ImageParquet: lambda: ImageParquet(train=encoded.real_cifar("test")),
    }[kind]()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("kind", DATASETS, ids=lambda kind: kind.__name__)
def test_every_source_keeps_the_contract(kind, tmp_path, monkeypatch):
    reported = []
    dataset = source(kind, tmp_path, monkeypatch).load(lambda phase, share: reported.append((phase, share)))
    for images, labels in ((dataset.images, dataset.labels), (dataset.test_images, dataset.test_labels)):
        assert images.dtype == np.uint8
        assert images.ndim == 4
        assert images.flags.c_contiguous
        assert labels.shape == (len(images),)
        assert labels.dtype == np.int64
        assert set(labels) == set(range(len(dataset.class_names)))
    assert dataset.images.shape[1:] == dataset.test_images.shape[1:]
    assert dataset.true_labels is None
    assert len(dataset.validation_images) == len(dataset.validation_labels) == 0
    assert all("{}" in prompt for prompt in dataset.prompts)
    assert len(set(dataset.class_names)) == len(dataset.class_names)
    assert all(phase and 0 <= share <= 1 for phase, share in reported)


def test_digits_are_the_1797_real_ones_and_no_test_image_is_trained_on():
    digits = Digits().load(silent)
    assert digits.images.shape == (1437, 1, 16, 16)
    assert digits.test_images.shape == (360, 1, 16, 16)
    assert_array_equal(digits.images, Digits().load(silent).images)
    train, test = ({image.tobytes() for image in images} for images in (digits.images, digits.test_images))
    assert not train & test


def test_digits_at_their_own_size_are_the_originals():
    originals = {image.tobytes() for image in encoded.digits(1797)[0]}
    assert {image.tobytes() for image in Digits(side=8).load(silent).images} <= originals


def test_fashion_mnist_is_read_from_the_folder_that_is_named(tmp_path):
    from engine.datasets.fashion_mnist import FILES

    fashion_mnist()
    for name in FILES:
        (tmp_path / f"{name}-ubyte.gz").symlink_to(PACKAGED / f"{name}-ubyte.gz")
    dataset = FashionMnist(root=str(tmp_path)).load(silent)
    assert dataset.images.shape == (60_000, 1, 28, 28)
    assert dataset.test_images.shape == (10_000, 1, 28, 28)
    assert dataset.class_names[dataset.labels[0]] == "ankle boot"
    assert (np.bincount(dataset.labels) == 6000).all()


def test_a_folder_without_fashion_mnist_says_which_files_it_must_have(tmp_path):
    with pytest.raises(
        ValueError, match=r"source.root must be a folder with train-images-idx3-ubyte, .*; got"
    ):
        FashionMnist(root=str(tmp_path)).load(silent)


def test_fashion_mnist_that_cannot_be_had_names_the_package(tmp_path, monkeypatch):
    import torchvision.datasets

    def refused(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("engine.datasets.fashion_mnist.PACKAGED", tmp_path)
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", refused)
    with pytest.raises(ValueError, match=r"run `apt-get install dataset-fashion-mnist`, .* \(no network\)"):
        FashionMnist().load(silent)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x00\x08\x01\x00\x00\x00\x05abc", b"\x00\x00\x0d\x01" + b"x" * 9]
)
def test_a_damaged_idx_file_is_named(tmp_path, content):
    from engine.datasets.fashion_mnist import read_idx

    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"train-labels-idx1-ubyte must be an IDX file of bytes"):
        read_idx(path)


def test_cifar_is_what_the_archive_holds_with_words_for_names(tmp_path, monkeypatch):
    from torchvision.datasets import CIFAR10

    encoded.write_cifar(tmp_path, CIFAR10, monkeypatch, classes=10)
    dataset = Cifar10(root=str(tmp_path)).load(silent)
    original = CIFAR10(tmp_path, train=True)
    assert_array_equal(dataset.images.transpose(0, 2, 3, 1), original.data)
    assert_array_equal(dataset.labels, np.tile(np.arange(10), 5))
    assert dataset.class_names[0] == "great class 0"


@pytest.mark.parametrize(
    ("kind", "name"), [(Cifar10, "cifar-10-python.tar.gz"), (Cifar100, "cifar-100-python.tar.gz")]
)
def test_cifar_that_cannot_be_had_says_which_file_goes_where(kind, name, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", refused)
    with pytest.raises(ValueError, match=rf"put {name} there, or the folder .* \(no network\)"):
        kind(root=str(tmp_path)).load(silent)
    with pytest.raises(ValueError, match=rf"is not whole in {tmp_path / 'cache' / 'datasets'} and"):
        kind().load(silent)
