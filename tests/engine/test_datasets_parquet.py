"""Images in Parquet files: labels, class names, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pyarrow import parquet

from engine.datasets import decode
from engine.datasets.image_parquet import ImageParquet
from engine.progress import silent
from tests import encoded

HUB = {"info": {"features": {"label": {"names": list(encoded.WORDS), "_type": "ClassLabel"}}}}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


@pytest.fixture
def written(tmp_path):
    images, labels = encoded.digits(100)
    return encoded.write_parquet(
        tmp_path / "train.parquet",
        [encoded.png(image) for image in images],
        labels,
        {"class_names": encoded.WORDS},
    )


def test_the_real_cifar_is_there_in_order_with_its_names():
    dataset = ImageParquet(train=encoded.real_cifar("test"), test=encoded.real_cifar("test")).load(silent)
    assert dataset.images.shape == (10_000, 3, 32, 32)
    assert_array_equal(dataset.images, dataset.test_images)
    assert (np.bincount(dataset.labels) == 1000).all()
    assert [dataset.class_names[label] for label in dataset.labels[:4]] == ["cat", "ship", "ship", "airplane"]


def test_rows_keep_their_order_and_a_test_file_its_own(written, tmp_path):
    images, labels = encoded.digits(130)
    test = encoded.write_parquet(
        tmp_path / "test.parquet",
        [encoded.png(image) for image in images[100:]],
        labels[100:].astype(np.int8),
    )
    dataset = ImageParquet(train=written, test=test, gray=True).load(silent)
    assert_array_equal(dataset.images[:, 0], images[:100])
    assert_array_equal(dataset.labels, labels[:100])
    assert_array_equal(dataset.test_images[:, 0], images[100:])
    assert_array_equal(dataset.test_labels, labels[100:])
    assert dataset.class_names == encoded.WORDS


def test_the_hubs_form_is_read_with_its_names(tmp_path):
    images, labels = encoded.digits(60)
    for part in range(2):
        rows = slice(30 * part, 30 * part + 30)
        structs = [{"bytes": encoded.png(image), "path": "x.png"} for image in images[rows]]
        encoded.write_parquet(tmp_path / f"train-{part}.parquet", structs, labels[rows], {"huggingface": HUB})
    for where in (tmp_path, tmp_path / "train-*.parquet"):
        dataset = ImageParquet(train=str(where), gray=True).load(silent)
        assert dataset.class_names == encoded.WORDS
        assert (len(dataset.labels), len(dataset.test_labels)) == (48, 12)
        by_pixels = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
        assert [by_pixels[image.tobytes()] for image in dataset.images] == dataset.labels.tolist()


def test_names_as_labels_are_numbered_in_their_order(tmp_path):
    images, labels = encoded.digits(60)
    words = [encoded.WORDS[label] for label in labels]
    path = encoded.write_parquet(tmp_path / "a.parquet", [encoded.png(image) for image in images], words)
    dataset = ImageParquet(train=path, test=path).load(silent)
    assert dataset.class_names == tuple(sorted(encoded.WORDS))
    assert [dataset.class_names[label] for label in dataset.labels] == words


def test_labels_without_names_are_called_by_their_numbers(tmp_path):
    images, labels = encoded.digits(60)
    path = encoded.write_parquet(tmp_path / "a.parquet", [encoded.png(image) for image in images], labels)
    assert ImageParquet(train=path).load(silent).class_names == tuple("0123456789")


def test_images_are_decoded_once_and_mapped_from_the_cache(written, monkeypatch):
    first = ImageParquet(train=written).load(silent)
    monkeypatch.setattr(decode, "fill", lambda *_, **__: pytest.fail("decoded again"))
    again = ImageParquet(train=written).load(silent)
    assert isinstance(again.images, np.memmap)
    assert_array_equal(again.images, first.images)
    assert_array_equal(again.test_images, first.test_images)


def test_a_file_that_changed_is_decoded_anew(tmp_path):
    for level in (3, 4):
        images = [encoded.png(np.full((8, 8), level, np.uint8))] * 10
        path = encoded.write_parquet(tmp_path / "a.parquet", images, [0, 1] * 5)
        assert (ImageParquet(train=path).load(silent).images == level).all()


def test_images_of_several_sizes_are_brought_to_the_side(tmp_path):
    images = [encoded.png(np.full((8 + row, 8), row, np.uint8)) for row in range(10)]
    path = encoded.write_parquet(tmp_path / "a.parquet", images, [0] * 10)
    dataset = ImageParquet(train=path, test=path, side=6).load(silent)
    assert dataset.images.shape == (10, 3, 6, 6)
    assert_array_equal(dataset.images[:, 0, 0, 0], np.arange(10))
    with pytest.raises(ValueError, match=r"row 1 of .*a.parquet has 8 x 9 pixels .*; set source.side"):
        ImageParquet(train=path, test=path).load(silent)


@pytest.mark.parametrize("broken", [b"no image", None])
def test_a_broken_image_names_its_row(tmp_path, broken):
    good = encoded.png(np.zeros((8, 8), np.uint8))
    path = encoded.write_parquet(tmp_path / "a.parquet", [good, good, broken], [0, 1, 0])
    with pytest.raises(
        ValueError, match=r"row 2 of .*a.parquet cannot be read as an image; repair or remove it"
    ):
        ImageParquet(train=path, test=path).load(silent)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"image": "picture"},
            r"source.image must be a column of train.parquet \(image, label\); got 'picture'",
        ),
        ({"label": "class"}, r"source.label must be a column of train.parquet \(image, label\); got 'class'"),
        ({"image": "label"}, r"source.image must be a column of encoded images; 'label' is int64"),
        ({"label": "image"}, r"source.label must be a column of class numbers or names; 'image' is binary"),
        (
            {"test": "nowhere.parquet"},
            r"source.test must be a file, a folder of \*.parquet or a pattern; got nowhere",
        ),
    ],
)
def test_a_column_or_path_that_is_not_there(written, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        ImageParquet(**{"train": written, **settings}).load(silent)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 10], r"must have labels from 0 to 9; got 0 to 10"),
        ([-1, 3], r"must have labels from 0 to 9; got -1 to 3"),
        ([None, 3], r"must have a label in every row; 2 are empty"),
    ],
)
def test_labels_that_are_no_classes(tmp_path, labels, sentence):
    image = encoded.png(np.zeros((8, 8), np.uint8))
    path = encoded.write_parquet(
        tmp_path / "a.parquet", [image] * len(labels), labels, {"class_names": encoded.WORDS}
    )
    with pytest.raises(ValueError, match=sentence):
        ImageParquet(train=path, test=path).load(silent)


def test_a_file_without_rows_is_named(tmp_path):
    image = encoded.png(np.zeros((8, 8), np.uint8))
    path = encoded.write_parquet(tmp_path / "a.parquet", [image], [0])
    parquet.write_table(parquet.read_table(path).slice(0, 0), path)
    with pytest.raises(ValueError, match=r"a.parquet has no rows; give another file"):
        ImageParquet(train=path).load(silent)


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_text("no parquet")
    with pytest.raises(ValueError, match=r"a.parquet cannot be read as Parquet; give another file"):
        ImageParquet(train=str(path)).load(silent)
