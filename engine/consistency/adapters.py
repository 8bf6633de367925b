"""Adapters on frozen towers, and the agreement of image and label that they measure.

General encoders know little of 8 x 8 digits, so a small layer on each tower is trained on the data at hand
with InfoNCE (arXiv 2505.03809, 15 epochs). Labels may be wrong, and an adapter that saw a wrong label would
learn to agree with it; so the samples are dealt into folds and each is scored by adapters that did not train
on it (ours). The plain cosine is comparable across folds: standardising each fold changed the AUROC for
flipped labels by less than 0.005.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from engine.consistency.settings import Adapters

HIDDEN = 256


class Pairs(NamedTuple):
    """Embedded images with their labels, and the embedded prompt of every class."""

    images: Tensor  # (N, D) float32
    labels: Tensor  # (N,) int64, 0..K-1
    prompts: Tensor  # (K, D) float32

    def of(self, rows: Tensor) -> "Pairs":
        """Returns the pairs of some samples, (N,) booleans, with the prompts of all classes."""
        return Pairs(self.images[rows], self.labels[rows], self.prompts)


class Adapter(nn.Module):
    """Maps embeddings (N, D) to adapted ones of length 1; untrained it changes nothing but the length.

    kind: linear or residual_mlp.
    """

    def __init__(self, kind: str, width: int, generator: torch.Generator) -> None:
        super().__init__()
        outer = skip_init(nn.Linear, width if kind == "linear" else HIDDEN, width)
        nn.init.zeros_(outer.weight)
        nn.init.zeros_(outer.bias)
        self.change = nn.Sequential(outer)
        if kind == "residual_mlp":
            inner = skip_init(nn.Linear, width, HIDDEN)
            nn.init.kaiming_uniform_(inner.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(inner.bias)
            self.change = nn.Sequential(inner, nn.GELU(), outer)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Returns the adapted embeddings, (N, D)."""
        return functional.normalize(embeddings + self.change(embeddings), dim=-1)


def info_nce(images: Tensor, texts: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Returns the mean InfoNCE loss of images (B, D) and their labels' prompts (B, D), all of length 1.

    From image to text and from text to image; another pair with the same label is no negative (ours: in a
    batch of 128 with ten classes every pair has a dozen of them).
    """
    similarities = images @ texts.T / temperature
    same = labels[:, None] == labels[None, :]
    same.fill_diagonal_(False)
    logits = similarities.masked_fill(same, -torch.inf)
    own = torch.arange(len(labels))
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def stratified_folds(labels: ndarray, folds: int, rng: np.random.Generator) -> ndarray:
    """Returns (N,) the fold of each sample: every class is spread evenly, and so are all samples together."""
    fold = np.empty(len(labels), np.int64)
    by_class = np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    )
    fold[by_class] = np.arange(len(labels)) % folds
    return fold


def cross_fitted_cosine(
    pairs: Pairs, folds: ndarray, *, settings: Adapters, report: Callable[[float], None]
) -> ndarray:
    """Returns (N,) float32: the cosine of each adapted image and the adapted prompt of its label.

    folds: (N,). The adapters that score a fold never saw its labels. report gets the share done.
    """
    cosine = np.full(len(folds), np.nan, np.float32)
    numbers = np.unique(folds)
    for done, fold in enumerate(numbers):

        def report_share(share: float, done: int = done) -> None:
            report((done + share) / len(numbers))

        own = torch.from_numpy(folds == fold)
        generator = torch.Generator().manual_seed(settings.seed * 1000 + int(fold))
        images, texts = trained(pairs.of(~own), settings=settings, generator=generator, report=report_share)
        cosine[own.numpy()] = _cosine(pairs.of(own), images, texts)
    return cosine


def plain_cosine(pairs: Pairs) -> ndarray:
    """Returns (N,) float32: the cosine of each image and the prompt of its label, as the towers give them."""
    cosine: ndarray = (pairs.images * pairs.prompts[pairs.labels]).sum(dim=1).numpy()
    return cosine


def trained(
    pairs: Pairs, *, settings: Adapters, generator: torch.Generator, report: Callable[[float], None]
) -> tuple[Adapter, Adapter]:
    """Returns the adapters of the image and of the text tower, trained on all these pairs."""
    width = pairs.images.shape[1]
    images, texts = (Adapter(settings.kind, width, generator) for _ in ("image", "text"))
    optimizer = torch.optim.Adam([*images.parameters(), *texts.parameters()])
    for epoch in range(settings.epochs):
        batches = torch.randperm(len(pairs.labels), generator=generator).split(settings.batch_size)
        for step, ids in enumerate(batches):
            progress = (epoch + step / len(batches)) / settings.epochs
            report(progress)
            optimizer.param_groups[0]["lr"] = settings.learning_rate * (1 + math.cos(math.pi * progress)) / 2
            labels = pairs.labels[ids]
            prompts = texts(pairs.prompts)[labels]
            optimizer.zero_grad()
            info_nce(images(pairs.images[ids]), prompts, labels, settings.temperature).backward()
            optimizer.step()
    return images, texts


def _cosine(pairs: Pairs, images: Adapter, texts: Adapter) -> ndarray:
    with torch.inference_mode():
        return plain_cosine(Pairs(images(pairs.images), pairs.labels, texts(pairs.prompts)))
