"""Consistency: how well each sample's image agrees with its label, measured once before training.

The p_con of arXiv 2505.03809: an image-text encoder with adapters on both towers. What it was computed from
is its key, so that a second run with the same images and labels reads it instead.
"""

import json
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy import ndarray
from torch.nn import functional

from engine.consistency import remember
from engine.consistency.adapters import Pairs, cross_fitted_cosine, plain_cosine, stratified_folds
from engine.consistency.kept import KeptEncoder
from engine.consistency.settings import Adapters, ConsistencySettings, NoConsistency
from engine.progress import Report
from engine.scaling import scaled

ADAPTING = "training the adapters"  # a phase that is reported, beside those of kept, packaged and towers

_VERSION = "1"  # of the arithmetic from embeddings to values; a new one measures anew


class Measured(NamedTuple):
    """The consistency of every sample and how it was had."""

    values: ndarray  # (N,) float32 in [0, 1]; NaN where nothing is measured
    encoder: str  # for people, with the checkpoint
    cached: bool  # read, not computed
    seconds: float  # that this call took


def consistency(
    images: ndarray,
    labels: ndarray,
    class_names: tuple[str, ...],
    *,
    settings: ConsistencySettings,
    prompts: tuple[str, ...],
    cache: Path,
    report: Report,
    device: str = "cpu",
) -> Measured:
    """Returns the cosine of each adapted image and the adapted prompt of its label, min-max scaled to [0, 1].

    images: (N, C, H, W) uint8; labels: (N,) 0..K-1, the only labels that are seen; prompts: templates with {}
    for the class name, averaged. Writes to the cache. A class with one sample is scored by adapters that
    never saw it; without adapters it is the cosine of the towers themselves. Raises ValueError for arguments
    that do not fit, RuntimeError where the encoder cannot be had.
    """
    started = perf_counter()
    if isinstance(settings, NoConsistency):
        return Measured(np.full(len(images), np.nan, np.float32), "none", cached=False, seconds=0.0)
    _check_samples(images, labels, len(class_names))
    _check_settings(len(images), prompts, settings.adapters)
    encoder = KeptEncoder(settings, cache, report, device)
    texts = [[prompt.replace("{}", name) for prompt in prompts] for name in class_names]
    question = json.dumps([_VERSION, encoder.identity, texts, _deciding(settings.adapters)])
    values, cached = remember.array(
        cache / f"consistency-{remember.key(question, images, labels.astype(np.int64))}.npz",
        lambda: _agreement(_pairs(encoder, images, labels, texts, report), settings.adapters, report),
        rows=len(images),
        waiting=encoder.wait,
    )
    return Measured(values, encoder.name, cached, perf_counter() - started)


def _pairs(
    encoder: KeptEncoder, images: ndarray, labels: ndarray, texts: list[list[str]], report: Report
) -> Pairs:
    """Embeds the images, and the texts of each class averaged to one vector of length 1."""
    embedded = encoder.embed_texts([text for of_class in texts for text in of_class])
    means = torch.tensor(embedded).reshape(len(texts), -1, embedded.shape[1]).mean(dim=1)
    return Pairs(
        images=torch.tensor(encoder.embed_images(images, report)),
        labels=torch.from_numpy(np.array(labels, np.int64, order="C")),
        prompts=functional.normalize(means, dim=-1),
    )


def _deciding(settings: Adapters) -> dict[str, Any]:
    """Returns the settings that decide the values: where nothing is trained, the kind alone."""
    return {"kind": "none"} if settings.kind == "none" else settings.model_dump()


def _agreement(pairs: Pairs, settings: Adapters, report: Report) -> ndarray:
    """Returns (N,) float32 in [0, 1], each sample scored by adapters that did not train on it, if by any."""
    if settings.kind == "none":
        return scaled(plain_cosine(pairs), "minmax")
    folds = stratified_folds(pairs.labels.numpy(), settings.folds, np.random.default_rng(settings.seed))
    cosine = cross_fitted_cosine(pairs, folds, settings=settings, report=partial(report, ADAPTING))
    return scaled(cosine, "minmax")


def _check_samples(images: ndarray, labels: ndarray, classes: int) -> None:
    if images.ndim != 4 or images.shape[1] not in (1, 3) or images.dtype != np.uint8:
        raise ValueError(f"images must be (N, 1 or 3, H, W) uint8; got {images.shape} {images.dtype}")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels must be ({len(images)},), one for each image; got {labels.shape}")
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels must be from 0 to {classes - 1}; got {labels.min()} to {labels.max()}")


def _check_settings(samples: int, prompts: tuple[str, ...], settings: Adapters) -> None:
    if not prompts or not all("{}" in prompt for prompt in prompts):
        raise ValueError(f"prompts must have {{}} where the class name goes; got {prompts!r}")
    if settings.kind != "none" and samples < settings.folds:
        raise ValueError(
            f"consistency.adapters.folds must be at most the {samples} samples; got {settings.folds}"
        )
