"""Images block by block: the answers of the whole array, without holding it."""

import hashlib
import tracemalloc

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from engine.batches import Images
from engine.consistency import remember
from engine.datasets import Dataset, blocks, mapped
from engine.describe import content_key, write_thumbnails
from engine.progress import silent
from store.run import Run

ROWS = 6000


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """A data set of 55 MB in a mapped file, its images of 80 x 40 pixels."""
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path))

    def fill(images):
        for rows in blocks.blocks(images):
            images[rows] = np.arange(rows.start, rows.stop).astype(np.uint8)[:, None, None, None]

    images = mapped.images("large", (ROWS, 3, 80, 40), fill, silent)
    labels = np.arange(ROWS) % 2
    return Dataset(images, labels, images[:10], labels[:10], ("a", "b"), ("{}",), flip=True)


def test_blocks_cover_every_row_once():
    images = np.empty((1000, 3, 100, 100), np.uint8)
    found = list(blocks.blocks(images))
    assert [row for rows in found for row in range(1000)[rows]] == list(range(1000))
    assert len(found) == 2
    assert list(blocks.blocks(images[:0])) == []


def test_statistics_are_those_of_the_levels():
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 7, 5), np.uint8)
    levels = images.swapaxes(0, 1).reshape(3, -1) / 255
    mean, std = blocks.channel_statistics(images)
    assert_allclose(mean, levels.mean(axis=1), rtol=1e-12)
    assert_allclose(std, levels.std(axis=1), rtol=1e-12)


def test_a_key_does_not_depend_on_the_blocks(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 7, 5), np.uint8)
    whole = repr((images.shape, images.dtype.str)).encode() + images.tobytes()
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 400)
    assert content_key(images) == hashlib.sha256(whole).hexdigest()[:16]


def test_nothing_that_a_run_starts_with_copies_a_mapped_data_set(on_disk, tmp_path, monkeypatch):
    run = Run.create(tmp_path / "runs", {})
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr("store.thumbnails._BLOCK_BYTES", 1 << 20)
    steps = {
        "statistics": lambda: Images(on_disk, 0, torch.device("cpu")),
        "key": lambda: content_key(on_disk.images),
        "consistency": lambda: remember.key(on_disk.images),
        "thumbnails": lambda: write_thumbnails(run, on_disk),
    }
    for name, step in steps.items():
        tracemalloc.start()
        step()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < on_disk.images.nbytes / 4, name


def test_thumbnails_have_at_most_64_pixels_a_side_and_are_means_of_boxes(on_disk, tmp_path):
    run = Run.create(tmp_path / "runs", {})
    write_thumbnails(run, on_disk)
    run.write_about({"dataset_key": content_key(on_disk.images)})
    thumbnails = run.thumbnails()
    assert thumbnails.shape == (ROWS, 40, 20, 3)
    assert_array_equal(thumbnails[:, 0, 0, 0], np.arange(ROWS).astype(np.uint8))


def test_a_box_is_averaged(tmp_path):
    run = Run.create(tmp_path / "runs", {})
    images = np.zeros((1, 66, 65, 1), np.uint8)
    images[0, 0, :2] = 100
    images[0, 1, 0] = 21
    run.write_thumbnails("boxes", images)
    run.write_about({"dataset_key": "boxes"})
    assert run.thumbnails().shape == (1, 33, 32, 1)
    assert run.thumbnails()[0, 0, 0, 0] == round((100 + 100 + 21 + 0) / 4)


def test_a_mapped_file_is_written_whole_once_and_read_only(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path))

    def broken(images):
        images[0] = 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        mapped.images("key", (2, 1, 2, 2), broken, silent)
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["key.npy.lock"]
    written = mapped.images("key", (2, 1, 2, 2), lambda images: images.fill(3), silent)
    again = mapped.images("key", (2, 1, 2, 2), lambda _: pytest.fail("filled again"), silent)
    assert_array_equal(written, np.full((2, 1, 2, 2), 3))
    assert_array_equal(again, written)
    with pytest.raises(ValueError, match="read-only"):
        again[0] = 1


@pytest.mark.parametrize("damaged", [b"", b"no array", b"cut off"])
def test_a_damaged_file_is_written_anew(tmp_path, monkeypatch, damaged):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path))
    whole = mapped.images("key", (2, 1, 2, 2), lambda images: images.fill(3), silent)
    path = tmp_path / "images" / "key.npy"
    path.write_bytes(path.read_bytes()[:-1] if damaged == b"cut off" else damaged)
    again = mapped.images("key", (2, 1, 2, 2), lambda images: images.fill(4), silent)
    assert again.shape == whole.shape
    assert (again == 4).all()


def test_a_full_disk_is_said_before_a_mapped_file_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERTOW_CACHE", str(tmp_path))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(OSError, match=r"the disk is full: .* set UNDERTOW_CACHE to a folder on another disk"):
        mapped.images("key", (2, 1, 2, 2), lambda _: pytest.fail("written"), silent)
