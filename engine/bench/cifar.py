"""CIFAR-10 as the lines use it: a share of its images with flipped labels, and features of a net it trained.

All by the engine's own code, so that what is measured is what a run would do.
"""

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray
from pyarrow import parquet

from engine import __main__ as entry
from engine import density, train
from engine.batches import Images
from engine.checkpoint import State
from engine.clean import clean_pass
from engine.config import RunConfig, parse
from engine.datasets import Dataset
from engine.datasets.noise import NoNoise, SymmetricNoise
from engine.datasets.prepare import prepared
from engine.datasets.subset import Subset
from engine.progress import Progress
from engine.task import Task
from store.run import Run

FLIPPED = 0.2
TRAINING = (
    "model.kind=resnet8_wide",
    "batch_size=128",
    "maps.every=0",
    "consistency.kind=none",
    "density.refresh_every=1000",
)


@lru_cache(maxsize=1)  # two lines ask for the same
def loaded(files: tuple[Path, Path], samples: int) -> Dataset:
    """Returns so many training images, each class in proportion, with the labels they came with."""
    config = _config(files, epochs=1)
    share = min(1.0, samples / parquet.read_metadata(files[0]).num_rows)
    return prepared(
        config.source, subset=Subset(share=share), tail=config.tail, validation=0, noise=NoNoise()
    )


def flipped(dataset: Dataset, seed: int) -> Dataset:
    """Returns the data set with a fifth of the training labels made wrong."""
    return SymmetricNoise(share=FLIPPED, seed=seed).corrupt(dataset)


class Features(NamedTuple):
    """Clean features of a net, rows at length 1."""

    trained: ndarray  # (N, D) of the samples that it was trained on
    asked: ndarray  # (M, D) of the images that it was asked about


def trained_features(
    dataset: Dataset, files: tuple[Path, Path], epochs: int, *, images: ndarray
) -> tuple[Features, float]:
    """Trains a net; returns its clean features of all samples and of images, and its test accuracy.

    images: (M, 3, 32, 32) uint8.
    """
    config, device = _config(files, epochs), torch.device("cpu")
    unknown = np.full(len(dataset.labels), np.nan, np.float32)
    state = entry.fresh_state(config, dataset, unknown, device)
    precision = entry.choose_precision(config, state, dataset, device)
    state.model.arrange(precision.layout)
    progress = Progress(lambda **_: None, lambda: False)
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder), config.model_dump(mode="json"))
        run.write_samples(entry.sample_columns(dataset, unknown), dataset.class_names)
        task = Task(config, dataset, Images(dataset, config.seed, device), device, precision, run, progress)
        train.train(task, state)
    progress.end()
    trained, asked = (_features(task, state, of) for of in (dataset.images, images))
    tested = clean_pass(task, state.model, dataset.test_images, dataset.test_labels)
    return Features(trained, asked), float(tested.correct.mean())


def _features(task: Task, state: State, images: ndarray) -> ndarray:
    """Features do not depend on labels, so that any will do."""
    return density.normalised(clean_pass(task, state.model, images, np.zeros(len(images), np.int64)).features)


def _config(files: tuple[Path, Path], epochs: int) -> RunConfig:
    train_file, test_file = files
    source = [f"source.train={train_file}", f"source.test={test_file}"]
    return parse({}, ["source.kind=image_parquet", *source, f"epochs={epochs}", *TRAINING])
