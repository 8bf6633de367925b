"""The questions that diagnostics ask of a run: each aggregates the whole history once. All of them only read.

Kept apart from what pages ask because each answers "did the method fail in a known way?" over all epochs, and
none groups twice over a large table.
"""

from collections.abc import Sequence

import pandas as pd

from store.reader import ask, ask_runs
from store.run import Run

BANDS = 5  # equal bands of strength from 0 to 1
LOOKED_AT = 12  # epochs whose kept samples are compared with the epoch before

# Epochs that dropped something: only in them can a selection show what it prefers.
_DROPPING = "epoch IN (SELECT epoch FROM metrics WHERE kept_share < 1)"


def strong_share(run: Run, above: float) -> pd.DataFrame:
    """Returns epoch by epoch the mean strength of the kept, n, and the share of them above a strength."""
    return ask(
        run,
        """
        SELECT epoch, count(strength) AS n, avg(strength) AS mean,
            count(*) FILTER (strength > $above) / nullif(count(strength), 0) AS share
        FROM history WHERE selected GROUP BY epoch ORDER BY epoch
        """,
        above=float(above),
    )


def classes(run: Run) -> pd.DataFrame:
    """Returns one row a class: label, name, size, mean strength of its visits, its shares.

    share_kept: of all samples kept in epochs that dropped some, NaN where none did; share: of all samples.
    """
    return ask(
        run,
        f"""
        WITH visits AS (
            SELECT sample_id, sum(strength) FILTER (selected) AS strength,
                count(strength) FILTER (selected) AS visits,
                count(*) FILTER (selected AND {_DROPPING}) AS kept
            FROM history GROUP BY sample_id
        )
        SELECT label, any_value(name) AS name, count(*) AS size,
            sum(strength) / nullif(sum(visits), 0) AS strength,
            sum(kept) / nullif(sum(sum(kept)) OVER (), 0) AS share_kept,
            count(*) / sum(count(*)) OVER () AS share
        FROM samples LEFT JOIN visits USING (sample_id) LEFT JOIN classes USING (label)
        GROUP BY label ORDER BY label
        """,
    )


def lost_by_strength(run: Run) -> pd.DataFrame:
    """Returns one row a band of strength: band (0 the mildest), n, and the share whose meaning was lost.

    n: kept samples, in epochs with a clean pass, that are right on the clean image; lost: wrong on the
    augmented one in the same epoch.
    """
    return ask(
        run,
        f"""
        SELECT least(floor(strength * {BANDS}), {BANDS - 1}) AS band, count(*) AS n,
            avg((NOT correct)::INTEGER) AS lost
        FROM history
        WHERE selected AND clean_correct AND correct IS NOT NULL AND strength IS NOT NULL
        GROUP BY band ORDER BY band
        """,
    )


def truths(run: Run) -> pd.DataFrame:
    """Returns label, true_label and consistency of the samples where all three are known, by id."""
    return ask(
        run,
        """
        SELECT label, name, true_label, consistency FROM samples LEFT JOIN classes USING (label)
        WHERE true_label IS NOT NULL AND consistency IS NOT NULL ORDER BY sample_id
        """,
    )


def noise_of_kept(run: Run) -> pd.DataFrame:
    """Returns one row: n samples kept in epochs that dropped some and whose truth is known, and shares.

    share_kept: of them, with a wrong label; share: of all samples whose truth is known. NaN without any.
    """
    return ask(
        run,
        f"""
        WITH kept AS (
            SELECT sample_id, count(*) AS times FROM history WHERE selected AND {_DROPPING} GROUP BY sample_id
        )
        SELECT coalesce(sum(times), 0) AS n,
            sum(times) FILTER (label <> true_label) / nullif(sum(times), 0) AS share_kept,
            count(*) FILTER (label <> true_label) / nullif(count(*), 0) AS share,
            count(*) AS known
        FROM samples LEFT JOIN kept USING (sample_id) WHERE true_label IS NOT NULL
        """,
    )


def distance_of_kept(run: Run) -> pd.DataFrame:
    """Returns one row: the mean neighbour distance of the samples an epoch kept, and of all, before it.

    Over up to LOOKED_AT of the epochs that dropped some, evenly spread, because each is joined with the one
    before; n: samples kept then whose distance was known. NaN without any.
    """
    return ask(
        run,
        f"""
        WITH dropping AS (
            SELECT epoch, row_number() OVER (ORDER BY epoch DESC) - 1 AS place, count(*) OVER () AS epochs
            FROM metrics WHERE kept_share < 1
        ), looked_at AS (
            SELECT epoch FROM dropping WHERE place % ceil(epochs / {LOOKED_AT})::INTEGER = 0
        )
        SELECT count(*) FILTER (now.selected) AS n,
            avg(before.neighbour_distance) FILTER (now.selected) AS kept,
            avg(before.neighbour_distance) AS everyone
        FROM (
            SELECT sample_id, epoch, selected FROM history WHERE epoch IN (FROM looked_at)
        ) AS now JOIN (
            SELECT sample_id, epoch + 1 AS epoch, neighbour_distance FROM history
            WHERE neighbour_distance IS NOT NULL AND epoch IN (SELECT epoch - 1 FROM looked_at)
        ) AS before USING (sample_id, epoch)
        """,
    )


def tenures(run: Run) -> pd.DataFrame:
    """Returns one row a sample about the epochs that dropped some, by id: what it was and what became of it.

    kept: how many of these epochs kept it; epochs: how many there were; mean_margin: over all its visits
    (AUM); with consistency and whether its label is known to be wrong (NULL where nobody knows).
    """
    return ask(
        run,
        f"""
        WITH visits AS (
            SELECT sample_id, count(*) FILTER (selected AND {_DROPPING}) AS kept, avg(margin) AS mean_margin
            FROM history GROUP BY sample_id
        )
        SELECT sample_id, coalesce(kept, 0) AS kept, mean_margin, consistency,
            label <> true_label AS is_wrong,
            (SELECT count(*) FROM metrics WHERE kept_share < 1) AS epochs
        FROM samples LEFT JOIN visits USING (sample_id) ORDER BY sample_id
        """,
    )


def last_variances(runs: Sequence[Run]) -> pd.DataFrame:
    """Returns run, sample_id and the last known variance of every sample of several runs."""
    return ask_runs(
        runs,
        """
        SELECT run, sample_id, arg_max(variance, epoch) AS variance FROM history
        WHERE variance IS NOT NULL GROUP BY run, sample_id ORDER BY run, sample_id
        """,
    )
