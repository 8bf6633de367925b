"""The views on screen are those of training: same chance, same kernel, same level."""

import base64
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import config, draws
from engine.batches import Images
from engine.datasets import Dataset
from engine.datasets.digits import Digits
from engine.datasets.prepare import prepared
from store.run import Run
from tests.synthetic import make_run

SEED, EPOCHS = 5, 9


def dataset(channels: int, *, flip: bool) -> Dataset:
    images = np.random.default_rng(1).integers(0, 256, (6, channels, 16, 16), dtype=np.uint8)
    labels = np.arange(6) % 2
    return Dataset(images, labels, images[:1], labels[:1], ("a", "b"), ("{}",), flip)


@pytest.mark.parametrize(("channels", "flip", "ranges"), [(1, False, "monotone"), (3, True, "torchvision")])
def test_the_first_view_is_the_one_that_the_epoch_trains_on(channels: int, flip: bool, ranges: str):
    data = dataset(channels, flip=flip)
    settled = config.parse({}, [f"seed={SEED}", f"epochs={EPOCHS}", f"augmentation.ranges={ranges}"])
    training = Images(data, SEED, torch.device("cpu"), table=settled.augmentation.table)
    for sample_id, epoch, strength in ((0, 0, 0.0), (3, 4, 0.437), (5, 8, 1.0)):
        drawn = draws.views(
            data.images[sample_id], sample_id, epoch, config=settled, flip=flip, strengths=(0.2, strength)
        )
        seen = training.augmented(np.array([sample_id]), epoch, np.array([strength], np.float32))
        mean, std = training._mean.reshape(-1, 1, 1), training._std.reshape(-1, 1, 1)
        levels = np.rint((seen[0].numpy() * std + mean) * 255)
        np.testing.assert_array_equal(drawn.images[1, 0], levels)
        assert drawn.draws.operation[0] == training.draws(np.array([sample_id]), epoch).operation[0]


def test_the_other_views_are_of_epochs_that_the_run_never_has():
    data = dataset(1, flip=False)
    settled = config.parse({}, [f"epochs={EPOCHS}"])
    drawn = draws.views(data.images[2], 2, 3, config=settled, flip=False, strengths=(0.5,))
    training = Images(data, settled.seed, torch.device("cpu"))
    expected = [training.draws(np.array([2]), epoch).operation[0] for epoch in (3, *range(9, 20))]
    assert drawn.draws.operation.tolist() == expected
    assert drawn.images.shape == (1, draws.COUNT, 1, 16, 16)


def test_small_views_lose_no_level_on_the_way():
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8), dtype=np.uint8)
    shown = np.asarray(Image.open(BytesIO(base64.b64decode(draws.strip(images)))))
    np.testing.assert_array_equal(shown, images.transpose(2, 0, 3, 1).reshape(8, 32, 3))


def test_large_views_are_made_smaller():
    shown = Image.open(BytesIO(base64.b64decode(draws.strip(np.zeros((2, 1, 224, 224), np.uint8)))))
    assert shown.size == (2 * draws.LARGEST, draws.LARGEST)


def digits_run(root: Path) -> tuple[Run, Dataset]:
    """A run whose thumbnails are the digits that its configuration names."""
    run = make_run(root, samples=20, epochs=1)
    settled = config.parse(run.config())
    data = prepared(
        settled.source,
        subset=settled.subset,
        tail=settled.tail,
        validation=settled.validation,
        noise=settled.noise,
    )
    run.write_about(
        run.about() | {"dataset_key": "real", "n": len(data.images), "shape": [*data.images.shape[1:]]}
    )
    return run, data


def test_thumbnails_of_small_images_are_the_training_images(tmp_path: Path):
    run, data = digits_run(tmp_path)
    settled = config.parse(run.config())
    loaded, flip_loaded = draws.training_image(run, settled, 7)
    run.write_thumbnails("real", data.images.transpose(0, 2, 3, 1))
    read, flip = draws.training_image(run, settled, 7)
    np.testing.assert_array_equal(loaded, data.images[7])
    np.testing.assert_array_equal(read, data.images[7])
    assert isinstance(settled.source, Digits)
    assert flip == flip_loaded == data.flip


def test_a_data_set_that_changed_is_refused(tmp_path: Path):
    run, _ = digits_run(tmp_path)
    run.write_about(run.about() | {"n": 12})
    with pytest.raises(ValueError, match="has changed"):
        draws.training_image(run, config.parse(run.config()), 7)


def test_the_command_answers_in_json_and_refuses_in_a_sentence(tmp_path: Path):
    run = make_run(tmp_path, samples=20, epochs=2)
    command = [sys.executable, "-m", "engine.draws", str(run.folder)]
    done = subprocess.run([*command, "3", "1", "--strength=0.25"], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["strengths"] == [*draws.STRENGTHS, 0.25]
    assert len(answer["strips"]) == 12
    assert len(answer["operations"]) == draws.COUNT
    refused = subprocess.run([*command, "20", "1"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.strip() == "sample must be from 0 to 19; got 20"
