"""Influence: how much the model's answer to a sample changed, and how steady these changes are.

SADA (arXiv 2510.00434) reads off the change of a sample's own loss how far its gradient points along the
update, for the price of the forward pass that training makes anyway. Three stand-ins for that projection and
three places to observe it are offered; all but the first of each are ours.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.settings import Settings

SMALLEST = np.float32(2.0**-24)  # the smallest probability above 0 that float16 can hold


class InfluenceSettings(Settings):
    """How a sample's influence and its variance are measured (SADA, arXiv 2510.00434)."""

    proxy: Literal["loss", "kl", "kl_abs"] = Field(
        "loss",
        description="what stands in for a sample's gradient along the update: the change of its loss (the "
        "paper's), the divergence KL(now || before) of its probabilities, or that sum with absolute terms "
        "(ours)",
    )
    probe: Literal["visit", "step", "clean"] = Field(
        "visit",
        description="which two answers are compared: those of two visits (free), of a batch before and after "
        "its update (one more forward pass), or of two clean passes over all samples (ours)",
    )
    probe_every: int = Field(
        1,
        ge=1,
        le=1000,
        description="epochs between the passes that the clean probe compares; feature refreshes between them "
        "do not count",
    )
    window: int = Field(5, ge=2, le=50, description="influences in the rolling window (L; 5 in the paper)")
    newest_weight: float = Field(
        0.9, gt=0, le=1, description="weight of the newest variance in its moving average (0.9 is ours)"
    )


class Answers(NamedTuple):
    """What a model answered on V samples; the probabilities have no columns where the proxy is the loss."""

    losses: ndarray  # (V,) float32, nats
    probabilities: ndarray  # (V, K) or (V, 0) float16


def influence(now: Answers, before: Answers, proxy: str) -> ndarray:
    """Change of each sample's answer, 0 and up, in nats; NaN where one of the two is not known.

    loss: |loss_now - loss_before|, first-order stand-in for |<gradient, parameter update>| (arXiv
    2510.00434). kl: KL(p_now || p_before). kl_abs: sum over classes of |p_now (log p_now - log p_before)|.
    Probabilities are held above 2^-24 (ours). Returns (V,) float32.
    """
    if proxy == "loss":
        return np.abs(now.losses - before.losses)
    newer, older = (
        np.maximum(answers.probabilities.astype(np.float32), SMALLEST) for answers in (now, before)
    )
    terms = newer * (np.log(newer) - np.log(older))
    return np.abs(terms).sum(1) if proxy == "kl_abs" else np.maximum(terms.sum(1), 0)


def window_variance(window: ndarray) -> ndarray:
    """Population variance of each row; NaN until the row is full (ours). window: (V, L). Returns (V,)."""
    return np.var(window, axis=1, dtype=np.float64).astype(np.float32)


def moving_average(newest: ndarray, average: ndarray, newest_weight: float) -> ndarray:
    """newest_weight * newest + (1 - newest_weight) * average; the first known value stands for itself.

    newest, average: (V,). NaN in newest keeps the average. SADA Eq. 7; orientation ours.
    """
    mixed = newest_weight * newest + (1 - newest_weight) * average
    started = np.where(np.isnan(average), newest, mixed)
    return np.where(np.isnan(newest), average, started).astype(np.float32)
