"""python -m engine RUN: reads the run's configuration, trains, and reports how it ended.

The only place that picks device, threads, allocator and seeds. A failure is written where the app shows it
and raised again, so that the log has the traceback.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from engine import checkpoint, diagnostics, memory, optimization, precision, signals
from engine.averaged import Averaged
from engine.batches import Images
from engine.cache import cache_folder
from engine.checkpoint import State
from engine.compilation import compile_if_possible
from engine.config import RunConfig, parse
from engine.consistency.measure import Measured, consistency
from engine.datasets import Dataset
from engine.datasets.prepare import prepared
from engine.describe import describe, describe_index, write_thumbnails
from engine.distributed import World, joined_world
from engine.models.build import build
from engine.models.classifier import CHANNELS_LAST
from engine.precision import Precision
from engine.progress import Progress, Stopped
from engine.task import Task
from engine.train import train
from store.folding.beside import Folding
from store.run import Run, RunIsBusy, RunIsForeign
from store.status import FOLDING

log = logging.getLogger("engine")


def main() -> None:
    """Trains the run in the folder given on the command line; exit code 0 for done and stopped."""
    parser = argparse.ArgumentParser(prog="python -m engine", description="Trains one run of Undertow.")
    parser.add_argument("run", type=Path, help="folder of the run")
    folder = parser.parse_args().run
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    for number in (signal.SIGINT, signal.SIGHUP):  # Ctrl-C in the server and a closed terminal are not for us
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(intra_op_threads(os.cpu_count() or 1))
    memory.keep_freed()
    try:
        run = Run.open(folder)
        with joined_world() as world:
            if not world.leads:
                follow(run, asked_to_stop, world)
                return
            with run.claim():
                finish(run, asked_to_stop, world)
    except (RunIsBusy, RunIsForeign) as refusal:
        sys.exit(str(refusal))


def follow(run: Run, asked_to_stop: threading.Event, world: World) -> None:
    """Trains beside the leading process, which alone writes the run and says how it ended."""
    progress = Progress(lambda **_: None, asked_to_stop.is_set, agree=world.any)
    with suppress(Stopped):
        work(run, progress, world)
    progress.end()


def finish(run: Run, asked_to_stop: threading.Event, world: World) -> None:
    """Trains the run to its end and writes how it ended: done, stopped or failed."""
    run.write_status(state="running", pid=os.getpid(), phase="starting", share=None, message="")
    progress = Progress(
        run.write_status,
        lambda: asked_to_stop.is_set() or run.stop_requested(),
        agree=world.any if world.size > 1 else None,
    )
    folding = Folding(run.folder)
    try:
        work(run, progress, world, folding)
        state, message = "done", ""
    except Stopped:
        state, message = "stopped", f"stopped after {run.last_epoch() + 1} whole epochs"
    except Exception as error:
        progress.end()
        fail(run, str(error) or type(error).__name__)
        raise
    progress.note(FOLDING)  # a long history takes minutes, and must not look stalled
    try:
        folding.finish()
    except Exception as error:
        progress.end()
        fail(run, f"{run.last_epoch() + 1} epochs are recorded, but not folded into one database; {error}")
        raise
    progress.end()
    run.clear_stop()
    run.write_status(
        state=state, message=message, phase="", share=None, epoch=run.last_epoch(), step=0, steps=0
    )
    log.info("%s %s", state, message)
    if state == "done":
        remember_diagnostics(run)


def remember_diagnostics(run: Run) -> None:
    """Keeps the diagnostics of a finished run beside it, so that the app need not compute them."""
    try:
        diagnostics.remembered(run, diagnostics.diagnosed)
    except Exception as error:  # the run is done, and whoever asks computes them anew
        log.warning("the diagnostics were not computed; %s", error)


def fail(run: Run, message: str) -> None:
    """Writes that the run failed and why; a resumed run goes on from its last whole epoch."""
    with suppress(OSError):  # on a full disk the log still has the reason
        run.write_status(state="failed", message=message)


def work(run: Run, progress: Progress, world: World, folding: Folding | None = None) -> None:
    """Loads, measures consistency, and trains from the last checkpoint or from the start."""
    config = parse(run.config())
    device = torch.device(f"cuda:{world.rank}" if torch.cuda.is_available() else "cpu")
    dataset = world.in_turn(lambda: load(config, progress))
    measured = world.agreed(lambda: measure_consistency(config, dataset, progress, device))
    state = fresh_state(config, dataset, measured.values, device)
    recorded = world.agreed(run.last_epoch) + 1
    resumed = world.in_turn(lambda: checkpoint.restore(state, run.checkpoints, recorded=recorded))
    progress.phase("choosing the number format")
    if not resumed:
        state.precision = tuple(world.agreed(lambda: choose_precision(config, state, dataset, device)))
    chosen = Precision(*state.precision)
    state.model.arrange(chosen.layout)
    if state.averaged is not None:
        state.averaged.model.arrange(chosen.layout)
    compiled = ""
    if config.compile:
        progress.phase("compiling the net")
        compiled = compile_if_possible(state.model, batch_shape(config, dataset), device, precision=chosen)
    if world.leads:
        write_beginning(run, config, dataset, state)
        about = describe(dataset, measured, chosen, device) | describe_index(config.density, device)
        run.write_about(about | {"compile": compiled, "processes": world.size})
    images = Images(dataset, config.seed, device, table=config.augmentation.table)
    train(Task(config, dataset, images, device, chosen, run, progress, world, folding), state)


def load(config: RunConfig, progress: Progress) -> Dataset:
    """Returns the data set that the settings describe."""
    return prepared(
        config.source,
        subset=config.subset,
        tail=config.tail,
        validation=config.validation,
        noise=config.noise,
        report=progress.phase,
    )


def measure_consistency(
    config: RunConfig, dataset: Dataset, progress: Progress, device: torch.device
) -> Measured:
    """Returns the agreement of every image with its label, measured or read."""
    return consistency(
        dataset.images,
        dataset.labels,
        dataset.class_names,
        settings=config.consistency,
        prompts=dataset.prompts,
        cache=cache_folder(),
        report=progress.phase,
        device=str(device),
    )


def write_beginning(run: Run, config: RunConfig, dataset: Dataset, state: State) -> None:
    """Writes what does not change while the run trains, and drops epochs ahead of the checkpoint."""
    run.write_status(epochs=config.epochs)
    run.rewind(state.epoch - 1)
    write_thumbnails(run, dataset)
    run.write_samples(sample_columns(dataset, state.signals.consistency), dataset.class_names)


def fresh_state(config: RunConfig, dataset: Dataset, consistency: np.ndarray, device: torch.device) -> State:
    """Returns the state of a run before its first epoch."""
    shape, classes = dataset.images.shape[1:], len(dataset.class_names)
    net = build(config.model, shape=shape, classes=classes, seed=config.seed)
    net = net.to(device).arrange(CHANNELS_LAST)
    optimizer = optimization.build(config.optimizer, net.parameters())
    known = signals.unknown(consistency, width=net.width, classes=classes, settings=config.influence)
    return State(net, optimizer, known, Averaged(net, config.ema) if config.ema else None)


def choose_precision(config: RunConfig, state: State, dataset: Dataset, device: torch.device) -> Precision:
    """Returns the number format asked for, or the faster one on batches of this run."""
    return precision.choose(config.precision, state.model, batch_shape(config, dataset), device)


def batch_shape(config: RunConfig, dataset: Dataset) -> tuple[int, ...]:
    """Returns the shape of a batch of training images, (B, C, H, W)."""
    return config.batch_size, *dataset.images.shape[1:]


def sample_columns(dataset: Dataset, consistency: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the columns of the table samples, (N,) each; a true label nobody knows is NaN."""
    unknown = np.full(len(dataset.labels), np.nan)
    return {
        "sample_id": np.arange(len(dataset.labels)),
        "label": dataset.labels,
        "true_label": unknown if dataset.true_labels is None else dataset.true_labels,
        "consistency": consistency,
    }


def intra_op_threads(cores: int) -> int:
    """What OMP_NUM_THREADS says; else one on two cores or fewer, where a second one collapses, or half."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    return 1 if cores <= 2 else cores // 2


if __name__ == "__main__":
    main()
