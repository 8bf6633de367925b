"""The loop: one epoch after another, top to bottom, as the papers' algorithm boxes read.

SADA (arXiv 2510.00434) turns what the last epochs did to each sample's loss into the strength of its
augmentation; joint selection (arXiv 2505.03809) turns where its features lie and how well image and label
agree into whether it is trained on at all. With two methods a straight loop is easier to follow than events.
"""

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import cross_entropy

from engine import checkpoint, density, feature_space, optimization, recorder, signals
from engine.batches import shuffled
from engine.checkpoint import State
from engine.clean import CleanPass, clean_pass
from engine.influence import influence
from engine.learning import learned
from engine.models.classifier import Classifier, chance_from
from engine.observed import Observations, Observed
from engine.ranks import rank_correlation
from engine.recorder import Epoch, Probed
from engine.stopwatch import Stopwatch
from engine.task import Task


class Diverged(RuntimeError):
    """No loss of a whole epoch is finite."""


def train(task: Task, state: State) -> None:
    """Trains from the state's epoch to the last one; each epoch is recorded and checkpointed as it ends.

    Raises Stopped between two batches when asked to stop; the state on disk is then that of the last whole
    epoch.
    """
    config, dataset, world = task.config, task.dataset, task.world
    labels = torch.from_numpy(dataset.labels).to(task.device)
    net = world.shared(state.model)
    while state.epoch < config.epochs:
        epoch, watch = state.epoch, Stopwatch()
        rng = np.random.default_rng((config.seed, epoch))
        selection = config.strategy.select(state.signals, epoch, epochs=config.epochs, rng=rng)
        strengths = config.policy.strength(state.signals, epoch, rng=rng)
        observed = nothing_observed(task, state)
        steps = shuffled(selection, config.batch_size, rng)
        state.model.train()
        with watch("train"), chance_from(int(rng.integers(2**31)), device=task.device):
            for step, (ids, weights) in enumerate(steps):
                task.progress.step(epoch, step, len(steps))
                share = (epoch + (step + 0.5) / len(steps)) / config.epochs
                rate = optimization.learning_rate(config.schedule, config.optimizer.learning_rate, share)
                optimization.set_learning_rate(state.optimizer, rate)
                own, factors = world.share(ids), torch.from_numpy(world.share(weights)).to(task.device)
                images = task.images.augmented(own, epoch, strengths[own])
                rows = torch.from_numpy(own).to(task.device)
                with task.precision.autocast(task.device):
                    logits, features = net(images)
                losses = cross_entropy(logits.float(), labels[rows], reduction="none")
                goal = optimization.objective(losses, logits, labels[rows], config.label_smoothing)
                state.optimizer.zero_grad()
                ((factors * goal).sum() * (world.size / len(ids))).backward()
                state.optimizer.step()
                if state.averaged is not None:
                    state.averaged.update(state.model)
                observed.add(rows, losses, logits, features, labels[rows])
                if config.influence.probe == "step":
                    after = answer_again(task, state.model, images, watch)
                    observed.add_after(rows, cross_entropy(after, labels[rows], reduction="none"), after)
            seen = observed.collect(world)
        learn(task, state, seen)
        probed = probe(task, state, watch)
        neighbours = feature_space.locate(task, state, watch)
        done = Epoch(
            epoch=epoch,
            selection=selection,
            strengths=strengths,
            operations=task.images.draws(selection.ids, epoch).operation,
            seen=seen,
            probed=probed,
            signals=state.signals,
            neighbours=neighbours,
            jaccard=feature_space.kept_agreement(task, state, neighbours, watch),
            drawn=feature_space.draw_map(task, state, neighbours, watch),
            learning_rate=state.optimizer.param_groups[0]["lr"],
            test=measure(task, state, dataset.test_images, dataset.test_labels, watch),
            validation=measure(task, state, dataset.validation_images, dataset.validation_labels, watch),
            seconds=watch.seconds,
            seconds_total=watch.total,
        )
        save(task, state, done)


def nothing_observed(task: Task, state: State) -> Observed:
    """Returns the empty buffers of an epoch."""
    return Observed(
        len(task.dataset.labels),
        width=state.model.width,
        classes=len(task.dataset.class_names),
        settings=task.config.influence,
        device=task.device,
    )


@torch.no_grad()
def answer_again(task: Task, net: Classifier, images: Tensor, watch: Stopwatch) -> Tensor:
    """Returns the logits (B, K) of the same views right after their update, as float32.

    The net stays in training mode, since the answers would differ by the norms as well in the other; what the
    norms keep is put back. A net with dropout also answers with another mask.
    """
    with watch("probe"):
        statistics = [buffer.clone() for buffer in net.buffers()]
        with task.precision.autocast(task.device):
            logits, _ = net(images)
        for buffer, before in zip(net.buffers(), statistics, strict=True):
            buffer.copy_(before)
    return logits.float()


def learn(task: Task, state: State, seen: Observations) -> None:
    """Takes up what training saw: losses, influence if training shows it, and features that compare."""
    if not np.isfinite(seen.losses).any():
        raise Diverged(
            f"training diverged: no loss of epoch {state.epoch} is finite; lower "
            f"optimizer.learning_rate (it is {task.config.optimizer.learning_rate:g})"
        )
    known = learned(state.signals, seen, task.config.influence)
    if density.takes_up(len(seen.ids), len(known), task.config.density):
        rows = density.normalised(seen.features)
        known = signals.refreshed(known, seen.ids, rows, epoch=state.epoch, clean=False)
    state.signals = known


def probe(task: Task, state: State, watch: Stopwatch) -> Probed:
    """Asks about all samples without augmentation where that is due: fresh features, and the clean probe."""
    settings, dataset, refreshes = task.config.influence, task.dataset, task.config.refreshes(state.epoch)
    probes = settings.probe == "clean" and state.epoch % settings.probe_every == 0
    if not refreshes and not probes:
        return Probed(None, refreshes, float("nan"))
    with watch("features" if refreshes else "probe"):
        passed = clean_pass(task, state.model, dataset.images, dataset.labels)
    known, every = state.signals, np.arange(len(dataset.labels))
    if probes:
        changes = influence(passed.answers, signals.answers(known, every), settings.proxy)
        known = signals.answered(known, every, passed.answers)
        known = signals.influenced(known, every, changes, settings=settings)
    agreement = rank_correlation(*signals.changes_between_clean_passes(known, passed.losses))
    known = signals.cleaned(known, passed.losses)
    rows = density.normalised(passed.features)
    state.signals = signals.refreshed(known, every, rows, epoch=state.epoch, clean=True)
    return Probed(passed, refreshes, agreement)


def measure(task: Task, state: State, images: ndarray, labels: ndarray, watch: Stopwatch) -> CleanPass | None:
    """What the averaged weights, or those in training if none are averaged, answer to held-out images.

    images: (M, C, H, W) uint8, labels: (M,); None where M is 0 and in epochs that are not tested.
    """
    if not len(labels) or not task.config.tests(state.epoch):
        return None
    net = state.model if state.averaged is None else state.averaged.model
    with watch("test"):
        return clean_pass(task, net, images, labels)


def save(task: Task, state: State, done: Epoch) -> None:
    """Records the epoch, then its checkpoint: a resumed run skips none and rewrites none that is folded."""
    watch = Stopwatch()
    state.epoch += 1
    if not task.world.leads:
        return
    recorder.record(done, task.recorder, recorder.metrics(done, seconds_record=state.seconds_record))
    checkpoint.save(state, task.recorder.checkpoints)
    if task.folding:
        task.folding.after_epoch(done.epoch)
    state.seconds_record = watch.total
