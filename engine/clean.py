"""The clean pass: what the model answers to images without augmentation.

One pass serves the test set, fresh features of all samples, and the clean probe of influence, whose losses
can be compared because no augmentation stands between them.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray
from torch.nn.functional import cross_entropy

from engine.influence import Answers
from engine.models.classifier import Classifier
from engine.task import Task


class CleanPass(NamedTuple):
    """What a net answered to M images."""

    losses: ndarray  # (M,) float32, nats
    correct: ndarray  # (M,) bool
    features: ndarray  # (M, D) float32
    probabilities: ndarray  # (M, K) float16; (M, 0) where the proxy of influence needs none

    @property
    def answers(self) -> Answers:
        """The part that influence compares."""
        return Answers(self.losses, self.probabilities)


@torch.inference_mode()
def clean_pass(task: Task, net: Classifier, images: ndarray, labels: ndarray) -> CleanPass:
    """Asks the net about images (M, C, H, W) uint8 with labels (M,); the processes share the batches."""
    samples = len(images)
    columns = 0 if task.config.influence.proxy == "loss" else len(task.dataset.class_names)
    losses, correct = torch.zeros(2, samples)
    features, probabilities = torch.zeros(samples, net.width), torch.zeros(samples, columns)
    net.eval()
    for rows, batch in task.images.clean(images, task.world):
        task.progress.phase("measuring clean images", rows.start / samples)
        with task.precision.autocast(task.device):
            logits, found = net(batch)
        logits, answers = logits.float(), torch.from_numpy(labels[rows]).to(task.device)
        losses[rows] = cross_entropy(logits, answers, reduction="none").cpu()
        correct[rows] = (logits.argmax(1) == answers).float().cpu()
        features[rows] = found.float().cpu()
        if columns:
            probabilities[rows] = logits.softmax(1).cpu()
    merged = (task.world.total(buffer).numpy() for buffer in (losses, correct, features, probabilities))
    every_loss, every_correct, every_feature, every_probability = merged
    return CleanPass(
        every_loss, every_correct.astype(bool), every_feature, every_probability.astype(np.float16)
    )
