"""Signals: all that is known of every sample between two epochs.

These arrays are the only state that the algorithms share, so a checkpoint of them is a checkpoint of the
methods. Unseen is NaN.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy import ndarray

from engine.influence import Answers, InfluenceSettings, moving_average, window_variance


@dataclass(frozen=True)
class Signals:
    """Everything known of N samples; features are D wide, the window holds the last L influences."""

    loss: ndarray  # (N,) float32, nats, at the last visit
    entropy: ndarray  # (N,) float32, of the probabilities at the last visit, 0 certain to 1 uniform
    clean_loss: ndarray  # (N,) float32, nats, in the last clean pass
    loss_when_clean: ndarray  # (N,) float32, nats, at the last visit before that pass
    answer_loss: ndarray  # (N,) float32, nats, of the answer that the visit or clean probe compares with next
    probabilities: ndarray  # (N, K) float16, of the same answer; (N, 0) where the proxy needs none
    influence: ndarray  # (N,) float32, measured in the newest epoch, NaN elsewhere
    window: ndarray  # (N, L) float32, ring buffer of influences
    observations: ndarray  # (N,) int32, influences seen so far
    variance: ndarray  # (N,) float32
    features: ndarray  # (N, D) float32, L2-normalised
    feature_epoch: ndarray  # (N,) int32, epoch the features are of; -1 = none yet
    feature_clean: ndarray  # (N,) bool, the features are of the clean view, not of an augmented one
    neighbour_distance: ndarray  # (N,) float32
    rarity: ndarray  # (N,) float32
    consistency: ndarray  # (N,) float32
    score: ndarray  # (N,) float32

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def density(self) -> ndarray:
        """(N,) float32: 1 / neighbour_distance; NaN stays NaN (arXiv 2505.03809)."""
        return 1 / np.maximum(self.neighbour_distance, np.float32(1e-6))

    def arrays(self) -> dict[str, ndarray]:
        """The arrays by name, as a checkpoint keeps them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def unknown(
    consistency: ndarray, *, width: int, classes: int, settings: InfluenceSettings | None = None
) -> Signals:
    """Returns the signals of N samples of which nothing but their consistency (N,) is known yet.

    width: of the features; classes: K, of which probabilities are kept only for the proxies that compare
    them.
    """
    settings = settings or InfluenceSettings()
    samples = len(consistency)
    nothing = np.full(samples, np.nan, np.float32)
    return Signals(
        loss=nothing,
        entropy=nothing,
        clean_loss=nothing,
        loss_when_clean=nothing,
        answer_loss=nothing,
        probabilities=np.full((samples, 0 if settings.proxy == "loss" else classes), np.nan, np.float16),
        influence=nothing,
        window=np.full((samples, settings.window), np.nan, np.float32),
        observations=np.zeros(samples, np.int32),
        variance=nothing,
        features=np.zeros((samples, width), np.float32),
        feature_epoch=np.full(samples, -1, np.int32),
        feature_clean=np.zeros(samples, bool),
        neighbour_distance=nothing,
        rarity=nothing,
        consistency=consistency.astype(np.float32),
        score=nothing,
    )


def visited(signals: Signals, ids: ndarray, *, losses: ndarray, entropies: ndarray) -> Signals:
    """Returns the signals after training saw the samples ids (V,) with these losses and entropies (V,).

    A loss that is not finite counts as not seen: the sample keeps what was known of it.
    """
    seen = np.isfinite(losses)
    return replace(
        signals,
        loss=_put(signals.loss, ids[seen], losses[seen]),
        entropy=_put(signals.entropy, ids[seen], entropies[seen]),
    )


def answered(signals: Signals, ids: ndarray, answers: Answers) -> Signals:
    """Returns the signals with the probe's newest answers on ids (V,), which the next are compared with."""
    seen = np.isfinite(answers.losses)
    return replace(
        signals,
        answer_loss=_put(signals.answer_loss, ids[seen], answers.losses[seen]),
        probabilities=_put(signals.probabilities, ids[seen], answers.probabilities[seen]),
    )


def answers(signals: Signals, ids: ndarray) -> Answers:
    """Returns the probe's last answers on ids (V,)."""
    return Answers(signals.answer_loss[ids], signals.probabilities[ids])


def influenced(signals: Signals, ids: ndarray, changes: ndarray, *, settings: InfluenceSettings) -> Signals:
    """Returns the signals after an epoch that measured the influences changes (V,) of the samples ids (V,).

    A change that is not finite leaves window and variance as they were; samples that were not measured have
    no influence in this epoch.
    """
    finite = np.isfinite(changes)
    ids, changes = ids[finite], changes[finite]
    window, observations = signals.window.copy(), signals.observations.copy()
    window[ids, observations[ids] % settings.window] = changes
    observations[ids] += 1
    newest = window_variance(window[ids])
    average = moving_average(newest, signals.variance[ids], settings.newest_weight)
    return replace(
        signals,
        influence=_put(np.full(len(signals), np.nan, np.float32), ids, changes),
        window=window,
        observations=observations,
        variance=_put(signals.variance, ids, average),
    )


def refreshed(signals: Signals, ids: ndarray, features: ndarray, *, epoch: int, clean: bool) -> Signals:
    """Returns the signals with the features (V, D) of samples ids (V,) as of this epoch and view.

    A row that is not finite is left as it was.
    """
    finite = np.isfinite(features).all(1)
    ids, features = ids[finite], features[finite]
    return replace(
        signals,
        features=_put(signals.features, ids, features),
        feature_epoch=_put(signals.feature_epoch, ids, epoch),
        feature_clean=_put(signals.feature_clean, ids, clean),
    )


def cleaned(signals: Signals, losses: ndarray) -> Signals:
    """Returns the signals after a clean pass with these losses (N,); what is not finite stays as it was."""
    clean_loss = np.where(np.isfinite(losses), losses, signals.clean_loss)
    return replace(signals, clean_loss=clean_loss, loss_when_clean=signals.loss)


def changes_between_clean_passes(signals: Signals, losses: ndarray) -> tuple[ndarray, ndarray]:
    """Absolute changes (N,) of the loss at visits and of the clean loss since the last clean pass, in nats.

    losses: (N,) of a new clean pass. NaN where the sample was not visited between the two.
    """
    visited = np.abs(signals.loss - signals.loss_when_clean)
    return np.where(visited > 0, visited, np.nan), np.abs(losses - signals.clean_loss)


def _put(values: ndarray, ids: ndarray, new: Any) -> ndarray:
    result = values.copy()
    result[ids] = new
    return result
