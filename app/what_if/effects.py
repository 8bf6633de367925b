"""What other settings change in the set that an epoch keeps: counts, overlap, classes, flipped labels, means.

Pure arithmetic on two sets over the same logged terms, so that every number beside the sliders is tested
without a browser.
"""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from pandas import DataFrame

from app import overlap
from app.what_if.replay import Outcome


@dataclass(frozen=True)
class Effect:
    """Two kept sets of the same N samples: what the log says was kept, and what the settings would keep."""

    terms: DataFrame  # as store.questions.terms returns them
    outcome: Outcome
    before: ndarray  # (N,) bool, logged

    @property
    def after(self) -> ndarray:
        """(N,) bool: what the settings would keep."""
        return self.outcome.kept

    @property
    def jaccard(self) -> float:
        """Shared / all of both sets."""
        return overlap.jaccard_of_ids(np.flatnonzero(self.before), self.outcome.ids)

    @property
    def entering(self) -> ndarray:
        """Ids that only the settings keep, the highest new score first, unknown ones last."""
        return self._ordered(self.after & ~self.before, high_first=True)

    @property
    def leaving(self) -> ndarray:
        """Ids that only the log keeps, the lowest new score first, unknown ones before them."""
        return self._ordered(self.before & ~self.after, high_first=False)

    def _ordered(self, which: ndarray, *, high_first: bool) -> ndarray:
        ids = np.flatnonzero(which)
        scores = np.nan_to_num(self.outcome.score[ids].astype(np.float64), nan=-np.inf)
        return ids[np.argsort(-scores if high_first else scores, kind="stable")]

    def flipped_share(self, kept: ndarray) -> float:
        """Share of labels known to be wrong among the kept (N,) bool whose truth is known; NaN unknown."""
        truth = self.terms["true_label"].to_numpy("float64")[kept]
        labels = self.terms["label"].to_numpy("float64")[kept]
        known = ~np.isnan(truth)
        return float((truth != labels)[known].mean()) if known.any() else float("nan")

    def mean_of(self, name: str, kept: ndarray) -> float:
        """Mean of a logged term over the kept (N,) bool, unknown ones left out; NaN where none is known."""
        values = self.terms[name].to_numpy("float64")[kept]
        values = values[~np.isnan(values)]
        return float(values.mean()) if len(values) else float("nan")

    def by_class(self) -> DataFrame:
        """Returns label, n, before and after: samples of each class in the data and in either set."""
        counted = self.terms[["label"]].assign(n=1, before=self.before, after=self.after)
        return counted.groupby("label", as_index=False)[["n", "before", "after"]].sum()

    def most_changed(self, classes: int) -> DataFrame:
        """Returns the rows of by_class of so many classes whose kept share changes most, by label."""
        found = self.by_class()
        change = ((found["after"] - found["before"]).abs() / found["n"]).to_numpy()
        return found.iloc[np.sort(np.argsort(-change, kind="stable")[:classes])].reset_index(drop=True)

    def fates(self) -> ndarray:
        """(N,) what becomes of each sample, as text: stays kept, enters, leaves, stays dropped."""
        names = np.array([["stays dropped", "enters"], ["leaves", "stays kept"]])
        found: ndarray = names[self.before.astype(int), self.after.astype(int)]
        return found

    def points(self, at_most: int) -> DataFrame:
        """Returns sample_id, rarity (of the settings), consistency, score and fate of known samples.

        Of more than at_most, those that change are drawn first, half of the room at most, then the others;
        which ones follows from their ids alone.
        """
        frame = DataFrame(
            {
                "sample_id": np.arange(len(self.before)),
                "rarity": self.outcome.rarity,
                "consistency": self.outcome.consistency,
                "score": self.outcome.score,
                "fate": self.fates(),
            }
        ).dropna(subset=["rarity", "consistency"])
        changing = frame["fate"].isin(("enters", "leaves"))
        changed, others = frame[changing], frame[~changing]
        shown = _spread(changed, max(at_most // 2, at_most - len(others)))
        rest = _spread(others, at_most - len(shown))
        return frame.loc[sorted([*shown.index, *rest.index])]


def effect(terms: DataFrame, outcome: Outcome) -> Effect:
    """Returns the effect of settings on one epoch."""
    return Effect(terms=terms, outcome=outcome, before=terms["selected"].to_numpy(bool))


def _spread(frame: DataFrame, at_most: int) -> DataFrame:
    """Returns up to so many rows, drawn without order but always the same ones."""
    if len(frame) <= at_most:
        return frame
    places = np.random.default_rng(0).permutation(len(frame))[:at_most]
    return frame.iloc[np.sort(places)]
