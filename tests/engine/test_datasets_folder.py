"""A folder of images: found, decoded once, and named where one is broken."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from engine.datasets.image_folder import ImageFolder
from engine.progress import Stopped, silent
from tests import encoded


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


@pytest.fixture
def root(tmp_path):
    images, labels = encoded.digits(120)
    encoded.write_folder(tmp_path / "set" / "train", images[:100], labels[:100])
    encoded.write_folder(tmp_path / "set" / "val", images[100:], labels[100:])
    return tmp_path / "set"


def test_images_and_labels_are_those_of_the_folders(root):
    dataset = ImageFolder(root=str(root), side=8, gray=True).load(silent)
    images, labels = encoded.digits(120)
    assert isinstance(dataset.images, np.memmap)
    assert not dataset.images.flags.writeable
    names = [encoded.WORDS[label] for label in labels[:100]]
    order = np.lexsort((np.arange(100), names))
    assert_array_equal(dataset.images[:, 0], images[:100][order])
    assert [dataset.class_names[label] for label in dataset.labels] == [names[row] for row in order]
    assert len(dataset.test_images) == 20
    assert dataset.class_names == tuple(sorted(encoded.WORDS))


def test_the_second_run_decodes_nothing(root, monkeypatch, cache):
    first = ImageFolder(root=str(root), side=8).load(silent)
    monkeypatch.setattr("engine.datasets.decode.fill", lambda *_, **__: pytest.fail("decoded again"))
    second = ImageFolder(root=str(root), side=8).load(silent)
    assert_array_equal(first.images, second.images)
    assert [path.suffix for path in cache.iterdir() if path.suffix != ".lock"] == [".npy"]


def test_a_changed_image_is_decoded_anew(root):
    before = ImageFolder(root=str(root), side=8).load(silent)
    path = next((root / "train" / "eight").iterdir())
    path.write_bytes(encoded.png(np.full((9, 9), 7, np.uint8)))
    after = ImageFolder(root=str(root), side=8).load(silent)
    changed = (before.images != after.images).any(axis=(1, 2, 3))
    assert changed.sum() == 1
    assert (after.images[changed] == 7).all()


def test_without_a_test_folder_a_stratified_fifth_is_held_out(tmp_path):
    images, labels = encoded.digits(200)
    encoded.write_folder(tmp_path / "train", images, labels)
    dataset = ImageFolder(root=str(tmp_path), side=8, gray=True).load(silent)
    assert (len(dataset.labels), len(dataset.test_labels)) == (160, 40)
    names = np.array(dataset.class_names)
    by_pixels = {image.tobytes(): encoded.WORDS[label] for image, label in zip(images, labels, strict=True)}
    assert [by_pixels[image.tobytes()] for image in dataset.images] == names[dataset.labels].tolist()
    assert [by_pixels[image.tobytes()] for image in dataset.test_images] == names[
        dataset.test_labels
    ].tolist()


def test_the_short_side_is_scaled_and_the_long_one_cropped_in_the_middle(tmp_path):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200
    (tmp_path / "train" / "a").mkdir(parents=True)
    for name in ("x.png", "y.png"):
        (tmp_path / "train" / "a" / name).write_bytes(encoded.png(wide))
    (tmp_path / "train" / "a" / "notes.txt").write_text("no image")
    (tmp_path / "val" / "a").mkdir(parents=True)
    Image.fromarray(wide).save(tmp_path / "val" / "a" / "z.jpeg", quality=95)
    dataset = ImageFolder(root=str(tmp_path), side=10).load(silent)
    assert dataset.images.shape == (2, 3, 10, 10)
    assert (dataset.images[..., 1:-1] == 200).all()
    assert abs(dataset.test_images[..., 1:-1].astype(int) - 200).max() <= 3


def test_pictures_with_a_palette_transparency_or_a_turn_become_three_channels(tmp_path):
    folder = tmp_path / "train" / "a"
    folder.mkdir(parents=True)
    Image.new("RGBA", (8, 8), (10, 20, 30, 128)).save(folder / "clear.png")
    Image.new("P", (8, 8), 3).save(folder / "palette.png", transparency=b"\x00\x10")
    turned = Image.new("RGB", (8, 16))
    turned.paste((255, 255, 255), (0, 0, 8, 8))
    turned.save(folder / "turned.png", exif=_turned())
    dataset = ImageFolder(root=str(tmp_path), side=8).load(silent)
    assert len(dataset.images) + len(dataset.test_images) == 3


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    return exif


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n0000"])
def test_a_broken_image_names_its_file_and_leaves_nothing(root, content, cache):
    (root / "train" / "two" / "broken.png").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"train/two/broken.png cannot be read as an image; repair or remove it"
    ):
        ImageFolder(root=str(root), side=8).load(silent)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_a_truncated_photo_names_its_file(root):
    path = root / "train" / "two" / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"photo.jpg cannot be read as an image"):
        ImageFolder(root=str(root), side=8).load(silent)


def test_a_stop_while_decoding_leaves_nothing(root, cache):
    def stop(phase, _):
        if phase == "loading images":
            raise Stopped

    with pytest.raises(Stopped):
        ImageFolder(root=str(root), side=8).load(stop)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_folders_that_are_not_in_the_layout_say_what_it_is(tmp_path):
    with pytest.raises(ValueError, match=r"source.root must be a folder with a folder train in it; got"):
        ImageFolder(root=str(tmp_path)).load(silent)
    (tmp_path / "train").mkdir()
    with pytest.raises(ValueError, match=r"train must have one folder a class; it has none"):
        ImageFolder(root=str(tmp_path)).load(silent)
    (tmp_path / "train" / "a").mkdir()
    with pytest.raises(
        ValueError, match=r"train has no images; put files such as .jpg or .png into its folders"
    ):
        ImageFolder(root=str(tmp_path)).load(silent)


def test_a_test_class_that_training_lacks_is_named(root):
    (root / "val" / "ten").mkdir()
    with pytest.raises(ValueError, match=r"val has the class 'ten', which train has not"):
        ImageFolder(root=str(root)).load(silent)
