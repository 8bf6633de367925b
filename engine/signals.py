"""Signals: all that is known of every sample, and the arithmetic of influence, window and variance.

These arrays are the only state that the algorithms share, so a checkpoint of them is a checkpoint of the
methods. Unseen is NaN. Influence and variance follow SADA (arXiv 2510.00434); what the paper leaves open is
marked ours.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy import ndarray
from pydantic import Field

from engine.settings import Settings


class InfluenceSettings(Settings):
    """How a sample's influence and its variance are measured (SADA, arXiv 2510.00434)."""

    window: int = Field(5, ge=2, le=50, description="influences in the rolling window (L; 5 in the paper)")
    newest_weight: float = Field(
        0.9, gt=0, le=1, description="weight of the newest variance in its moving average (0.9 is ours)"
    )


@dataclass(frozen=True)
class Signals:
    """Everything known of N samples; features are D wide, the window holds the last L influences."""

    loss: ndarray  # (N,) float32, nats, at the last visit
    confidence: ndarray  # (N,) float32, at the last visit
    influence: ndarray  # (N,) float32, at the last visit
    window: ndarray  # (N, L) float32, ring buffer of influences
    observations: ndarray  # (N,) int32, influences seen so far
    variance: ndarray  # (N,) float32
    features: ndarray  # (N, D) float32, L2-normalised
    feature_epoch: ndarray  # (N,) int32, epoch the features are of; -1 = none yet
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


def unknown(samples: int, *, window: int, width: int, consistency: ndarray) -> Signals:
    """Returns the signals of N samples of which nothing but their consistency (N,) is known yet."""
    nothing = np.full(samples, np.nan, np.float32)
    return Signals(
        loss=nothing,
        confidence=nothing,
        influence=nothing,
        window=np.full((samples, window), np.nan, np.float32),
        observations=np.zeros(samples, np.int32),
        variance=nothing,
        features=np.zeros((samples, width), np.float32),
        feature_epoch=np.full(samples, -1, np.int32),
        neighbour_distance=nothing,
        rarity=nothing,
        consistency=consistency.astype(np.float32),
        score=nothing,
    )


def influence(losses: ndarray, previous: ndarray) -> ndarray:
    """Change of each sample's loss since its previous visit, absolute, in nats; NaN where there is none.

    losses, previous: (V,). First-order stand-in for |<gradient, parameter update>| (arXiv 2510.00434).
    """
    return np.abs(losses - previous)


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


def visited(
    signals: Signals, ids: ndarray, *, losses: ndarray, confidences: ndarray, settings: InfluenceSettings
) -> Signals:
    """Returns the signals after the samples ids (V,) were seen with these losses and confidences (V,).

    A loss that is not finite counts as not seen: the sample keeps what was known of it.
    """
    seen = np.isfinite(losses)
    ids, losses, confidences = ids[seen], losses[seen], confidences[seen]
    change = influence(losses, signals.loss[ids])
    window, observations = signals.window.copy(), signals.observations.copy()
    known = ~np.isnan(change)
    window[ids[known], observations[ids[known]] % settings.window] = change[known]
    observations[ids[known]] += 1
    newest = np.where(known, window_variance(window[ids]), np.nan)
    return replace(
        signals,
        loss=_put(signals.loss, ids, losses),
        confidence=_put(signals.confidence, ids, confidences),
        influence=_put(signals.influence, ids, change),
        window=window,
        observations=observations,
        variance=_put(
            signals.variance, ids, moving_average(newest, signals.variance[ids], settings.newest_weight)
        ),
    )


def refreshed(signals: Signals, ids: ndarray, features: ndarray, epoch: int) -> Signals:
    """Returns the signals with the features (V, D) of samples ids (V,) as of this epoch.

    A row that is not finite is left as it was.
    """
    finite = np.isfinite(features).all(1)
    ids, features = ids[finite], features[finite]
    return replace(
        signals,
        features=_put(signals.features, ids, features),
        feature_epoch=_put(signals.feature_epoch, ids, epoch),
    )


def _put(values: ndarray, ids: ndarray, new: ndarray | int) -> ndarray:
    result = values.copy()
    result[ids] = new
    return result
