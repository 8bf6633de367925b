"""The methods of a study side by side: what each reached over its seeds, what it cost, and what it kept.

Accuracy is that of the last epoch, never the best one, which would be picked on the test set.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from pandas import DataFrame

from app import naming, wording
from app.studies.members import Member, by_method, one_a_seed


def comparison(members: Sequence[Member], kept_noise: Mapping[str, DataFrame]) -> DataFrame:
    """Returns one row a method over its finished runs, the newest of each seed.

    kept_noise: share of flipped labels by epoch, by run id. Columns: method, n, accuracy (a list, one a
    seed), seeds (a list), backpropagated (mean), flipped_kept and flipped_all (means over the last epochs;
    NaN unknown).
    """
    done = by_method([one for one in members if one.status.state == "done" and len(one.metrics)])
    columns = ["method", "n", "accuracy", "seeds", "backpropagated", "flipped_kept", "flipped_all"]
    names = naming.methods([group[0].config for group in done])
    rows = [_row(one_a_seed(group), kept_noise) for group in done]
    return DataFrame([[name, *row] for name, row in zip(names, rows, strict=True)], columns=columns)


def table(compared: DataFrame) -> DataFrame:
    """Returns the comparison as it is shown: method, n, accuracy mean ± sd, cost and flipped labels."""
    return DataFrame(
        {
            "Method": compared["method"],
            "n seeds": compared["n"],
            "Test accuracy": [wording.spread(values, as_percent=True) for values in compared["accuracy"]],
            "Back-propagated": [wording.count(value) for value in compared["backpropagated"]],
            "Flipped among kept": [wording.percent(value) for value in compared["flipped_kept"]],
            "Flipped in the data": [wording.percent(value) for value in compared["flipped_all"]],
        }
    )


def _row(group: Sequence[Member], kept_noise: Mapping[str, DataFrame]) -> list[object]:
    last = [noise.iloc[-1] for member in group if len(noise := kept_noise.get(member.run.id, DataFrame()))]
    return [
        len(group),
        [float(member.metrics["test_accuracy"].iloc[-1]) for member in group],
        [member.config.get("seed") for member in group],
        float(np.mean([member.metrics["samples_backpropagated"].sum() for member in group])),
        float(np.mean([row["share_noisy_kept"] for row in last])) if last else math.nan,
        float(np.mean([row["share_noisy_all"] for row in last])) if last else math.nan,
    ]
