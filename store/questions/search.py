"""Which samples a set of named conditions holds for: each a definition in words and one line of SQL.

Conditions are joined by AND and computed over all recorded epochs when they are asked for; only the
aggregates that they need are computed, so that one question stays quick on millions of rows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy import ndarray

from store.reader import ask
from store.run import Run

LEAST_VISITS = 3  # a slope through fewer losses says nothing

Kind = Literal["none", "whole", "share", "number", "class"]


@dataclass(frozen=True)
class Predicate:
    """A condition on a sample. condition: SQL over _AGGREGATES, its value bound as its name.

    kind: what its value is, "none" where it has none; usual, low, high: of the value, high None = any.
    """

    name: str
    label: str
    meaning: str
    condition: str
    kind: Kind = "none"
    usual: float = 0
    low: float = 0
    high: float | None = None


@dataclass(frozen=True)
class Term:
    """A predicate with its value; the value of one that has none is not looked at."""

    name: str
    value: float = 0


# Aggregates over all recorded epochs of a sample, by the name under which conditions use them. A visit is
# an epoch in which the sample was measured, hence correct is known.
_AGGREGATES = {
    "visits": "count(correct)",
    "first_right": "min(epoch) FILTER (correct)",
    "last_right": "max(epoch) FILTER (correct)",
    "last_visit": "max(epoch) FILTER (correct IS NOT NULL)",
    "last_prediction": "arg_max(prediction, epoch)",
    "last_variance": "arg_max(variance, epoch)",
    "last_rarity": "arg_max(rarity, epoch)",
    "variability": "stddev_pop(confidence)",
    "mean_margin": "avg(margin)",
    "kept_share": "avg(selected::INTEGER)",
    "kept_epochs": "bitstring_agg(epoch::INTEGER, 0, $last::INTEGER) FILTER (selected AND epoch <= $last)",
    "rising": "regr_slope(loss, epoch) FILTER (epoch > $last - $loss_rising AND isfinite(loss))",
    "rising_visits": "count(loss) FILTER (epoch > $last - $loss_rising AND isfinite(loss))",
    "falling": "regr_slope(loss, epoch) FILTER (epoch > $last - $loss_falling AND isfinite(loss))",
    "falling_visits": "count(loss) FILTER (epoch > $last - $loss_falling AND isfinite(loss))",
}
# A bit an epoch, set where it kept the sample; against the same moved by one epoch, changes are what differs.
_CHANGES = "coalesce(bit_count(xor(kept_epochs, kept_epochs >> 1)) - get_bit(kept_epochs, 0), 0)"

_FORGOTTEN = """
    SELECT sample_id, count(*) FILTER (before AND NOT correct) AS forgetting_events
    FROM (
        SELECT sample_id, correct, lag(correct) OVER (PARTITION BY sample_id ORDER BY epoch) AS before
        FROM history WHERE correct IS NOT NULL
    )
    GROUP BY sample_id
"""


def _in_top(aggregate: str, name: str) -> str:
    return f"{aggregate} >= (SELECT quantile_cont({aggregate}, 1 - ${name}) FROM found)"


# fmt: off
PREDICATES: tuple[Predicate, ...] = (
    Predicate("label", "Label is", "the class that the sample is trained with", "label = $label", "class"),
    Predicate("true_label", "True label is",
              "the class before label noise was added; unknown ones never match",
              "true_label = $true_label", "class"),
    Predicate("prediction", "Last prediction is", "the class with the largest logit at the last visit",
              "last_prediction = $prediction", "class"),
    Predicate("disagrees", "Label and last prediction differ", "wrong at the last visit",
              "last_prediction <> label"),
    Predicate("flipped", "Label is known to be wrong",
              "label and true label differ; unknown ones never match", "label <> true_label"),
    Predicate("forgotten", "Forgotten at least … times",
              "number of visits that were wrong after the visit before was right (forgetting events, "
              "arXiv 1812.05159)", "forgetting_events >= $forgotten", "whole", 2, 1),
    Predicate("never_learned", "Never learned", "visited, and wrong at every visit",
              "visits > 0 AND first_right IS NULL"),
    Predicate("learned_late", "Learned late, not before epoch …",
              "first right at or after this epoch; those never learned do not match",
              "first_right >= $learned_late", "whole", 5),
    Predicate("unlearned", "Right before, wrong at the end",
              "right at some visit, wrong at the last one", "last_right < last_visit"),
    Predicate("loss_rising", "Loss rising in the last … epochs",
              "least-squares slope of the loss over the visits in these epochs is above 0; at least "
              f"{LEAST_VISITS} visits (ours)",
              f"rising > 0 AND rising_visits >= {LEAST_VISITS}", "whole", 5, LEAST_VISITS),
    Predicate("loss_falling", "Loss falling in the last … epochs",
              "least-squares slope of the loss over the visits in these epochs is below 0; at least "
              f"{LEAST_VISITS} visits (ours)",
              f"falling < 0 AND falling_visits >= {LEAST_VISITS}", "whole", 5, LEAST_VISITS),
    Predicate("always_kept", "Kept in every epoch", "trained on in each recorded epoch", "kept_share = 1"),
    Predicate("never_kept", "Dropped in every epoch", "trained on in no recorded epoch", "kept_share = 0"),
    Predicate("kept_at_most", "Kept in at most …", "share of the recorded epochs that trained on it",
              "kept_share <= $kept_at_most", "share", 0.25, 0, 1),
    Predicate("flip_flops", "Kept and dropped in turn, at least … changes",
              "number of epochs that kept the sample where the epoch before dropped it, or the other way "
              "round", f"{_CHANGES} >= $flip_flops", "whole", 4, 1),
    Predicate("high_variance", "Variance among the highest …",
              "SADA's variance, latest known, at or above this quantile from the top, of all samples",
              _in_top("last_variance", "high_variance"), "share", 0.05, 0, 1),
    Predicate("high_variability", "Variability among the highest …",
              "standard deviation of confidence over the visits, at or above this quantile from the top, of "
              "all samples", _in_top("variability", "high_variability"), "share", 0.05, 0, 1),
    Predicate("rare", "Rarity at least …", "latest known rarity; high = sparse", "last_rarity >= $rare",
              "number", 0.9, 0, 1),
    Predicate("inconsistent", "Consistency at most …", "agreement of image and label, fixed for the run",
              "consistency <= $inconsistent", "number", 0.2, 0, 1),
    Predicate("low_margin", "Mean margin at most …",
              "mean over the visits of the label's logit minus the best other logit (AUM)",
              "mean_margin <= $low_margin", "number", 0, -100, 100),
)
# fmt: on
BY_NAME = {predicate.name: predicate for predicate in PREDICATES}


def find(run: Run, terms: Sequence[Term]) -> ndarray:
    """Returns the ids of the samples for which all terms hold, (n,) int64, ascending; none for no terms.

    What is not known of a sample makes a condition on it false. KeyError for a name that is no predicate.
    """
    if not terms:
        return np.empty(0, np.int64)
    asked = [BY_NAME[term.name] for term in terms]
    conditions = " AND ".join(f"({predicate.condition})" for predicate in asked)
    sql = f"""
        WITH learned AS ({_learned(conditions)}), found AS (
            SELECT * FROM samples LEFT JOIN learned USING (sample_id)
            {f"LEFT JOIN ({_FORGOTTEN}) USING (sample_id)" if "forgetting_events" in conditions else ""}
        )
        SELECT sample_id FROM found WHERE {conditions} ORDER BY sample_id
    """
    values = {term.name: term.value for term in terms} | {"last": run.last_epoch()}
    bound = {name: value for name, value in values.items() if f"${name}" in sql}
    return ask(run, sql, **bound).sample_id.to_numpy(np.int64)


def _learned(conditions: str) -> str:
    """The aggregates that conditions name, a row a sample; samples alone where they name none."""
    words = set(re.findall(r"\w+", conditions))
    named = [f"{sql} AS {name}" for name, sql in _AGGREGATES.items() if name in words]
    if not named:
        return "SELECT sample_id FROM samples"
    return f"SELECT sample_id, {', '.join(named)} FROM history GROUP BY sample_id"
