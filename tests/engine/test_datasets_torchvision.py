"""Sets of torchvision: by name, whatever they call their parts."""

import numpy as np
import pytest
import torchvision
from numpy.testing import assert_array_equal
from PIL import Image
from torchvision.datasets import VisionDataset

from engine import config
from engine.config import InvalidConfig
from engine.datasets.torchvision_set import TorchvisionSet
from engine.progress import silent
from tests import encoded

FAKE = {"size": 100, "image_size": (3, 12, 10), "num_classes": 4}


class Split(VisionDataset):
    """A set of torchvision's form with split="train" and split="val", whose images have several sizes."""

    classes = (("tench", "Tinca tinca"), "goldfish")

    def __init__(self, root, split="train", *, download):
        assert download
        super().__init__(root)
        if split not in ("train", "val"):
            raise ValueError(f"Unknown value '{split}' for argument split.")
        self.length = 6 if split == "train" else 4

    def __len__(self):
        return self.length

    def __getitem__(self, row):
        return Image.new("RGB", (10 + row, 20), (row, 0, 0)), row % 2


@pytest.fixture
def split(monkeypatch):
    monkeypatch.setattr(torchvision.datasets, "Split", Split, raising=False)


def test_a_set_without_parts_holds_out_a_stratified_fifth():
    dataset = TorchvisionSet(name="FakeData", options=FAKE).load(silent)
    original = torchvision.datasets.FakeData(**FAKE)
    assert dataset.images.shape == (80, 3, 12, 10)
    assert dataset.test_images.shape == (20, 3, 12, 10)
    decoded = {(np.asarray(image).transpose(2, 0, 1).tobytes(), label) for image, label in original}
    loaded = [(dataset.images, dataset.labels), (dataset.test_images, dataset.test_labels)]
    assert {
        (image.tobytes(), label)
        for images, labels in loaded
        for image, label in zip(images, labels, strict=True)
    } == decoded
    sizes = np.bincount(dataset.labels) + np.bincount(dataset.test_labels)
    assert (abs(np.bincount(dataset.test_labels) - 0.2 * sizes) < 1).all()


def write_idx(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = np.array(values.shape, ">u4").tobytes()
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + shape + values.astype(np.uint8).tobytes())


def test_a_set_with_train_gives_both_its_parts(tmp_path):
    images, labels = encoded.digits(50)
    for part, rows in (("train", slice(0, 30)), ("t10k", slice(30, 50))):
        write_idx(tmp_path / "KMNIST" / "raw" / f"{part}-images-idx3-ubyte", images[rows])
        write_idx(tmp_path / "KMNIST" / "raw" / f"{part}-labels-idx1-ubyte", labels[rows])
    dataset = TorchvisionSet(name="KMNIST", root=str(tmp_path), gray=True).load(silent)
    assert_array_equal(dataset.images[:, 0], images[:30])
    assert_array_equal(dataset.test_images[:, 0], images[30:])
    assert_array_equal(dataset.labels, labels[:30])
    assert_array_equal(dataset.test_labels, labels[30:])
    assert dataset.class_names == tuple(torchvision.datasets.KMNIST.classes)


@pytest.mark.usefixtures("split")
def test_a_set_with_splits_is_resized_and_named_by_the_first_synonym():
    dataset = TorchvisionSet(name="Split", side=8, flip=False).load(silent)
    assert dataset.images.shape == (6, 3, 8, 8)
    assert dataset.test_images.shape == (4, 3, 8, 8)
    assert_array_equal(dataset.images[:, 0, 0, 0], np.arange(6))
    assert_array_equal(dataset.labels, [0, 1, 0, 1, 0, 1])
    assert dataset.class_names == ("tench", "goldfish")
    assert not dataset.flip


@pytest.mark.usefixtures("split")
def test_images_of_several_sizes_ask_for_a_side():
    with pytest.raises(ValueError, match=r"image 1 of Split has 11 x 20 pixels .*; set source.side"):
        TorchvisionSet(name="Split").load(silent)


@pytest.mark.usefixtures("split")
def test_gray_takes_one_channel():
    assert TorchvisionSet(name="Split", side=8, gray=True).load(silent).images.shape == (6, 1, 8, 8)


@pytest.mark.parametrize("name", ["KMNIST", "MNIST", "QMNIST", "USPS", "CIFAR10"])
def test_sets_with_train_are_asked_for_both_parts(name):
    from engine.datasets import torchvision_set

    _, parameters = torchvision_set._class_of(name)
    assert {"root", "train", "download"} <= parameters


@pytest.mark.parametrize(
    "name", ["SVHN", "STL10", "GTSRB", "Flowers102", "Food101", "DTD", "Imagenette", "Country211"]
)
def test_sets_with_splits_are_asked_for_them(name):
    from engine.datasets import torchvision_set

    _, parameters = torchvision_set._class_of(name)
    assert {"root", "split"} <= parameters
    assert "train" not in parameters


def test_emnist_takes_its_split_as_an_option_beside_train():
    from engine.datasets import torchvision_set

    assert {"root", "split", "train", "download"} <= torchvision_set._class_of("EMNIST")[1]
    with pytest.raises(ValueError, match=r"source.options must be arguments of torchvision.datasets.EMNIST"):
        TorchvisionSet(name="EMNIST", root="nowhere").load(silent)


@pytest.mark.parametrize("name", ["Kmnist", "VisionDatasets", "utils"])
def test_a_name_that_torchvision_lacks_lists_those_it_has(name):
    with pytest.raises(ValueError, match=rf"source.name must be a class .*KMNIST.*; got '{name}'"):
        TorchvisionSet(name=name).load(silent)


def test_a_set_that_cannot_be_fetched_says_where_its_files_go(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise RuntimeError("no network")

    monkeypatch.setattr(torchvision.datasets.KMNIST, "download", refused)
    with pytest.raises(ValueError, match=rf"could not load KMNIST from {tmp_path}; put its files there"):
        TorchvisionSet(name="KMNIST", root=str(tmp_path)).load(silent)


def test_options_and_prompts_come_as_text_from_a_command_line():
    parsed = config.parse(
        {},
        [
            "source.kind=torchvision",
            "source.options.size=30",
            "source.options.split=balanced",
            "source.prompts=a letter {}; a scan of {}",
        ],
    ).source
    assert parsed.options == {"size": 30, "split": "balanced"}
    assert parsed.prompts == ("a letter {}", "a scan of {}")
    assert config.parse({"source": parsed.model_dump(mode="json")}).source == parsed
    with pytest.raises(
        InvalidConfig, match=r"source.torchvision.prompts: must have {} where the class name goes"
    ):
        config.parse({}, ["source.kind=torchvision", "source.prompts=a letter"])
