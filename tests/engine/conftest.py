"""A small real training task for the tests of the loop: digits, a real run in the store, one thread."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine import __main__ as entry
from engine.batches import Images
from engine.checkpoint import State
from engine.config import RunConfig, parse
from engine.precision import Precision
from engine.progress import Progress, silent
from engine.task import Task
from store.run import Run

MakeTask = Callable[..., tuple[Task, State, Run]]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits():
    """The digits with 10 % wrong labels, as the demo trains on them."""
    config = parse({}, ["noise.kind=symmetric"])
    return config.noise.corrupt(config.source.load(silent))


@pytest.fixture(scope="session")
def make_task(tmp_path_factory: pytest.TempPathFactory, digits) -> MakeTask:
    """Makes a task on digits; consistency is half right, so that selection has something to go by."""

    def make(
        config: RunConfig, should_stop: Callable[[], bool] = lambda: False, run: Run | None = None
    ) -> tuple[Task, State, Run]:
        run = run or Run.create(tmp_path_factory.getbasetemp() / "tasks", config.model_dump(mode="json"))
        noisy = digits.labels != digits.true_labels
        consistency = np.clip(np.random.default_rng(0).normal(0.7 - 0.4 * noisy, 0.2), 0, 1)
        device = torch.device("cpu")
        state = entry.fresh_state(config, digits, consistency, device)
        run.write_samples(entry.sample_columns(digits, consistency), digits.class_names)
        progress = Progress(run.write_status, should_stop)
        images = Images(digits, config.seed, device, table=config.augmentation.table)
        return Task(config, digits, images, device, Precision("float32", "test"), run, progress), state, run

    return make
