"""The loop: one epoch after another, top to bottom, as the papers' algorithm boxes read.

SADA (arXiv 2510.00434) turns what the last epochs did to each sample's loss into the strength of its
augmentation; joint selection (arXiv 2505.03809) turns where its features lie and how well image and label
agree into whether it is trained on at all. With two methods a straight loop is easier to follow than events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy import ndarray
from torch.nn.functional import cross_entropy

from engine import checkpoint, density, maps, optimization, signals
from engine.batches import Images, shuffled
from engine.checkpoint import State
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.density import Neighbours
from engine.maps import Map
from engine.models.classifier import Classifier, chance_from
from engine.observed import Observations, Observed
from engine.precision import Precision
from engine.progress import Progress
from engine.recorder import Epoch, Recorder, record
from engine.scaling import scaled
from engine.signals import Signals
from engine.stopwatch import Stopwatch


@dataclass(frozen=True)
class Task:
    """What a run works with and never changes."""

    config: RunConfig
    dataset: Dataset
    images: Images
    device: torch.device
    precision: Precision
    recorder: Recorder
    progress: Progress


class Diverged(RuntimeError):
    """No loss of a whole epoch is finite."""


def train(task: Task, state: State) -> None:
    """Trains from the state's epoch to the last one; each epoch is recorded and checkpointed as it ends.

    Raises Stopped between two batches when asked to stop; the state on disk is then that of the last whole
    epoch.
    """
    config, dataset = task.config, task.dataset
    labels = torch.from_numpy(dataset.labels).to(task.device)
    while state.epoch < config.epochs:
        epoch, watch = state.epoch, Stopwatch()
        rng = np.random.default_rng((config.seed, epoch))
        selection = config.strategy.select(state.signals, epoch, epochs=config.epochs, rng=rng)
        strengths = config.policy.strength(state.signals, epoch, rng)
        observed = Observed(len(dataset.labels), state.model.width, task.device)
        steps = shuffled(selection, config.batch_size, rng)
        state.model.train()
        with watch("train"), chance_from(int(rng.integers(2**31)), device=task.device):
            for step, (ids, weights) in enumerate(steps):
                task.progress.step(epoch, step, len(steps))
                share = (epoch + (step + 0.5) / len(steps)) / config.epochs
                rate = optimization.learning_rate(config.schedule, config.optimizer.learning_rate, share)
                optimization.set_learning_rate(state.optimizer, rate)
                images = task.images.augmented(ids, epoch, strengths[ids])
                rows = torch.from_numpy(ids).to(task.device)
                with task.precision.autocast(task.device):
                    logits, features = state.model(images)
                losses = cross_entropy(logits.float(), labels[rows], reduction="none")
                goal = optimization.objective(losses, logits, labels[rows], config.label_smoothing)
                state.optimizer.zero_grad()
                (torch.from_numpy(weights).to(task.device) * goal).mean().backward()
                state.optimizer.step()
                if state.averaged is not None:
                    state.averaged.update(state.model)
                observed.add(rows, losses, logits, features, labels[rows])
            seen = observed.collect()
        state.signals = learn(state.signals, seen, config, epoch)
        refreshed = refresh_features(task, state, watch)
        neighbours = locate(task, state, watch)
        drawn = draw_map(task, state, neighbours, watch)
        test_loss, test_accuracy = evaluate(task, state, watch)
        done = Epoch(
            epoch=epoch,
            selection=selection,
            strengths=strengths,
            operations=task.images.draws(selection.ids, epoch).operation,
            seen=seen,
            signals=state.signals,
            neighbours=neighbours,
            drawn=drawn,
            refreshed=refreshed,
            learning_rate=state.optimizer.param_groups[0]["lr"],
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            seconds=watch.seconds,
            seconds_total=watch.total,
        )
        save(task, state, done)


def learn(known: Signals, seen: Observations, config: RunConfig, epoch: int) -> Signals:
    """Returns the signals after an epoch.

    Influence, window and variance, and the features of what was visited.
    """
    if not np.isfinite(seen.losses).any():
        raise Diverged(
            f"training diverged: no loss of epoch {epoch} is finite; lower "
            f"optimizer.learning_rate (it is {config.optimizer.learning_rate:g})"
        )
    known = signals.visited(
        known, seen.ids, losses=seen.losses, confidences=seen.confidences, settings=config.influence
    )
    return signals.refreshed(known, seen.ids, density.normalised(seen.features), epoch)


def refresh_features(task: Task, state: State, watch: Stopwatch) -> int:
    """Computes fresh features of all samples on clean images where they are due.

    Returns the forward passes.
    """
    if state.epoch % task.config.density.refresh_every:
        return 0
    with watch("features"):
        samples = len(task.dataset.images)
        features = np.concatenate(
            [features for _, features in _evaluated(task, state.model, task.dataset.images)]
        )
        state.signals = signals.refreshed(
            state.signals, np.arange(samples), density.normalised(features), state.epoch
        )
    return samples


def locate(task: Task, state: State, watch: Stopwatch) -> Neighbours:
    """Finds each sample's neighbours in feature space, and from them its rarity and score."""
    task.progress.phase("finding neighbours")
    with watch("neighbours"):
        found = density.nearest_neighbours(state.signals.features, task.config.density, seed=task.config.seed)
    distance = density.neighbour_distance(found)
    rarity = scaled(distance, "percentile")
    score = task.config.strategy.score(rarity, state.signals.consistency)
    state.signals = replace(state.signals, neighbour_distance=distance, rarity=rarity, score=score)
    return found


def draw_map(task: Task, state: State, neighbours: Neighbours, watch: Stopwatch) -> Map | None:
    """Draws the map where one is due: every so many epochs and after the last."""
    every, last = task.config.maps.every, task.config.epochs - 1
    if not every or (state.epoch % every and state.epoch != last):
        return None
    task.progress.phase("drawing the map")
    with watch("map"):
        shown = maps.shown_samples(len(state.signals), task.config.maps.samples)
        features = state.signals.features[shown]
        if len(shown) < len(state.signals):
            neighbours = density.nearest_neighbours(features, task.config.density, seed=task.config.seed)
        drawn = maps.draw_map(features, neighbours, state.map_positions, sample_ids=shown)
    state.map_positions = drawn.positions
    return drawn


def evaluate(task: Task, state: State, watch: Stopwatch) -> tuple[float, float]:
    """Mean loss in nats and share correct on the test images, with the averaged weights if there are any."""
    net = state.model if state.averaged is None else state.averaged.model
    with watch("test"):
        logits = np.concatenate([logits for logits, _ in _evaluated(task, net, task.dataset.test_images)])
        answers = torch.from_numpy(task.dataset.test_labels)
        loss = cross_entropy(torch.from_numpy(logits), answers).item()
    return loss, float((logits.argmax(1) == task.dataset.test_labels).mean())


def save(task: Task, state: State, done: Epoch) -> None:
    """Records the epoch, then writes the checkpoint, so that a resumed run never skips one."""
    watch = Stopwatch()
    record(done, task.recorder, seconds_record=state.seconds_record)
    state.epoch += 1
    checkpoint.save(state, task.recorder.checkpoints)
    state.seconds_record = watch.total


@torch.inference_mode()
def _evaluated(task: Task, net: Classifier, images: ndarray) -> Iterator[tuple[ndarray, ndarray]]:
    """Logits (B, K) and features (B, D) of clean images, batch by batch."""
    net.eval()
    for _, batch in task.images.clean(images):
        task.progress.phase("measuring clean images")
        with task.precision.autocast(task.device):
            logits, features = net(batch)
        yield logits.float().cpu().numpy(), features.float().cpu().numpy()
