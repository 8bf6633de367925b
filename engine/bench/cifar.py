"""CIFAR-10 as the lines use it: a share of its images with flipped labels, and features of a net it trained.

All by the engine's own code, so that what is measured is what a run would do.
"""

import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray
from pyarrow import parquet

from engine import __main__ as entry
from engine import density, train
from engine.batches import Images
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


def trained_features(dataset: Dataset, files: tuple[Path, Path], epochs: int) -> tuple[ndarray, float]:
    """Trains a net; returns its clean features of all samples, (N, D) at length 1, and its test accuracy."""
    config, device = _config(files, epochs), torch.device("cpu")
    unknown = np.full(len(dataset.labels), np.nan, np.float32)
    state = entry.fresh_state(config, dataset, unknown, device)
    precision = entry.choose_precision(config, state, dataset, device)
    state.model.arrange(precision.layout)
    progress = Progress(lambda **_: None, lambda: False)
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder), config.model_dump(mode="json"))
        run.write_samples(entry.sample_columns(dataset, unknown), dataset.class_names)
        images = Images(dataset, config.seed, device)
        task = Task(config, dataset, images, device, precision, run, progress)
        train.train(task, state)
    progress.end()
    passed = clean_pass(task, state.model, dataset.images, dataset.labels)
    tested = clean_pass(task, state.model, dataset.test_images, dataset.test_labels)
    return density.normalised(passed.features), float(tested.correct.mean())


def _config(files: tuple[Path, Path], epochs: int) -> RunConfig:
    train_file, test_file = files
    source = [f"source.train={train_file}", f"source.test={test_file}"]
    return parse({}, ["source.kind=image_parquet", *source, f"epochs={epochs}", *TRAINING])
