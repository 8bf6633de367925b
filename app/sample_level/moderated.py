"""Which of many samples differ between two groups of few runs: a moderated t test, false finds bounded.

Three seeds tell little about the spread of one sample, but all samples together tell what spread is usual.
Each sample's variance over seeds is therefore drawn towards a common one, as far as the samples agree on it
(Smyth, "Linear models and empirical Bayes methods", 2004, the moderated t of limma, closed-form estimates of
its section 6.2), with no more weight than its own seeds; Benjamini and Hochberg (1995) bound the share of
false finds. Applying it to samples, and the bound on the weight: ours.

The test takes samples for independent of each other, which those of one net are not: a run may have learned
a whole class better. What exchanging seeds between the groups finds therefore belongs beside its finds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import scipy  # its special functions, 14 MB, load when one is first asked for
from numpy import ndarray

MOST_EXCHANGES = 20  # ways to exchange seeds that are tried; five seeds a group have 125
_NEWTON_STEPS = 50


class NoSpread(ValueError):
    """The runs of each group agree on every sample, so there is no noise floor to test against."""


class Prior(NamedTuple):
    """What variance is usual, and how many degrees of freedom that knowledge is worth (inf: all agree)."""

    variance: float
    df: float


@dataclass(frozen=True)
class Moderated:
    """The test of N samples. difference, t, p, q: (N,), NaN where a sample is not known in every run.

    q: the smallest share of false finds at which the sample is found; df: of the t distribution, prior
    included.
    """

    difference: ndarray
    t: ndarray
    p: ndarray
    q: ndarray
    prior: Prior
    df: float

    @property
    def tested(self) -> int:
        """How many samples were tested."""
        return int(np.isfinite(self.p).sum())


def two_sample(one: ndarray, other: ndarray) -> Moderated:
    """Tests mean(one) - mean(other), (seeds, N) each, with the variance pooled over both; NaN is unknown.

    Raises ValueError below two seeds in a group, NoSpread where no sample varies.
    """
    return _moderated([one, other])


def exchanged(one: ndarray, other: ndarray, rates: Sequence[float]) -> ndarray:
    """Counts what the test finds after seeds are exchanged between the groups, (ways, rates).

    one, other: (seeds, N). All other ways to make groups of these sizes of the runs, or an even choice of
    MOST_EXCHANGES of them; a way that leaves no spread finds nothing. What is found by many of them is no
    difference of the groups. rates: of false finds. Source: ours, after permutation tests.
    """
    both, size = np.concatenate([one, other]), len(one)
    runs = range(len(both))
    ways = [set(way) for way in combinations(runs, size)][1:]  # the first is as it was
    if 2 * size == len(both):
        ways = [way for way in ways if 0 in way]  # the others are these with A and B changed over
    chosen = np.linspace(0, len(ways) - 1, min(len(ways), MOST_EXCHANGES)).round().astype(int)
    found = []
    for way in (ways[place] for place in chosen):
        belongs = np.array([run in way for run in runs])
        try:
            q = _moderated([both[belongs], both[~belongs]]).q
        except NoSpread:
            q = np.ones(1)
        found.append([int((q <= rate).sum()) for rate in rates])
    return np.array(found)


def false_discovery_rates(p: ndarray) -> ndarray:
    """Returns the q values of p values, (M,) without NaN, by Benjamini and Hochberg."""
    order = np.argsort(-p, kind="stable")
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(np.minimum(scaled, 1))
    return q


def prior(variances: ndarray, df: int) -> Prior:
    """Estimates the usual variance and its degrees of freedom from the log variances (Smyth 2004, 6.2).

    variances: (M,) positive, of df degrees of freedom each. Infinite degrees where they differ no more than
    chance makes variances of that many degrees differ.
    """
    logs = np.log(variances) - scipy.special.digamma(df / 2) + math.log(df / 2)
    mean = float(logs.mean())
    beyond = float(logs.var(ddof=1) - scipy.special.polygamma(1, df / 2)) if len(logs) > 1 else 0.0
    if beyond <= 0:
        return Prior(math.exp(mean), math.inf)
    worth = 2 * trigamma_inverse(beyond)
    return Prior(math.exp(mean + float(scipy.special.digamma(worth / 2)) - math.log(worth / 2)), worth)


def trigamma_inverse(value: float) -> float:
    """Returns the y with trigamma(y) = value > 0, by Newton's method on 1 / trigamma (Smyth 2004)."""
    if value > 1e7:
        return 1 / math.sqrt(value)
    if value < 1e-6:
        return 1 / value
    y = 0.5 + 1 / value
    for _ in range(_NEWTON_STEPS):
        now = float(scipy.special.polygamma(1, y))
        step = now * (1 - now / value) / float(scipy.special.polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y


def _moderated(sides: list[ndarray]) -> Moderated:
    """Tests the mean of the first side less that of the second; sides: (seeds, N) each."""
    if min(len(side) for side in sides) < 2:
        raise ValueError(f"a side must have at least 2 seeds; got {min(len(side) for side in sides)}")
    is_known = np.isfinite(np.concatenate(sides)).all(axis=0)
    known = [side[:, is_known].astype(np.float64) for side in sides]
    df = sum(len(side) - 1 for side in known)
    variances = sum(((side - side.mean(axis=0)) ** 2).sum(axis=0) for side in known) / df
    difference = known[0].mean(axis=0) - known[1].mean(axis=0)
    usual = _usual(variances, np.concatenate(known), df)
    error = np.sqrt(_posterior(variances, df, usual) * sum(1 / len(side) for side in known))
    total = usual.df + df
    t = difference / error
    p = 2 * scipy.special.stdtr(total, -np.abs(t))

    def spread_out(values: ndarray) -> ndarray:
        everywhere = np.full(len(is_known), np.nan)
        everywhere[is_known] = values
        return everywhere

    return Moderated(
        difference=spread_out(difference),
        t=spread_out(t),
        p=spread_out(p),
        q=spread_out(false_discovery_rates(p)),
        prior=usual,
        df=total,
    )


def _usual(variances: ndarray, values: ndarray, df: int) -> Prior:
    """Estimates the prior from the samples that vary (ours: limma lifts variances of 0 to a small number).

    Samples that all runs agree on, such as those that are always right, are many here; leaving them out makes
    the usual variance larger, so that they are found less readily and never because of a lucky agreement.
    Its degrees of freedom are at most those of a sample's own seeds (ours): samples of one run vary together,
    which looks like agreement on a common variance and made it worth up to infinitely many.
    """
    rounding = (1e-6 * np.abs(values).max(axis=0, initial=0.0)) ** 2  # values are stored as 32-bit floats
    varies = variances > rounding
    if not varies.any():
        raise NoSpread("the seeds of each group agree on every sample")
    usual = prior(variances[varies], df)
    return usual._replace(df=min(usual.df, float(df)))


def _posterior(variances: ndarray, df: int, usual: Prior) -> ndarray:
    return (usual.df * usual.variance + df * variances) / (usual.df + df)
