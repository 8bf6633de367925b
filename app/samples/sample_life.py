"""What is said of one sample in words and numbers: its facts at an epoch, and the chain to its strength."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pandas import DataFrame

from app import markup, wording
from store.schema import column


@dataclass(frozen=True)
class Chain:
    """SADA's numbers of one sample as of an epoch: influences → variance → strength; NaN where unknown."""

    influences: tuple[float, ...]  # the last ones, oldest first, at most L
    window: int
    window_variance: float  # population variance of the influences once there are L
    variance: float  # its moving average, as logged
    strength: float  # used in the next epoch
    is_dropped_next: bool  # the next epoch is recorded and did not use the sample
    epoch: int


def class_name(names: Sequence[str], label: float | None) -> str:
    """Returns the name of a class, its number where it has none, "–" where it is unknown."""
    if label is None or np.isnan(label):
        return wording.UNKNOWN
    return names[int(label)] if int(label) < len(names) else str(int(label))


def facts(history: DataFrame, names: Sequence[str], epoch: int) -> dict[str, str]:
    """Returns what stands below the image: labels, prediction at the epoch, how often it was kept."""
    now = history[history["epoch"] == epoch]
    prediction = now["prediction"].iloc[0] if len(now) else np.nan
    first = history.iloc[0]
    seen = history["prediction"].notna().sum()
    return {
        "Label": class_name(names, first["label"]),
        "True label": class_name(names, first["true_label"]),
        "Prediction": class_name(names, prediction) if wording.is_known(prediction) else "not seen",
        "Kept epochs": f"{int(history['selected'].sum())} of {len(history)}",
        "Right visits": f"{int(history['correct'].fillna(False).sum())} of {int(seen)}",
    }


def chain(history: DataFrame, epoch: int, *, window: int) -> Chain:
    """Collects the chain as known after an epoch. history: epochs of one sample in order."""
    past = history[history["epoch"] <= epoch]
    influences = past["influence"].dropna().tail(window).tolist()
    variances = past["variance"].dropna()
    following = history.loc[history["epoch"] == epoch + 1, "strength"]
    return Chain(
        influences=tuple(influences),
        window=window,
        window_variance=float(np.var(influences)) if len(influences) == window else np.nan,
        variance=float(variances.iloc[-1]) if len(variances) else np.nan,
        strength=float(following.iloc[0]) if len(following) else np.nan,
        is_dropped_next=bool(len(following) and following.isna().all()),
        epoch=epoch,
    )


def links(found: Chain, *, newest_weight: float) -> list[str]:
    """Returns the boxes of the chain as HTML."""
    latest = found.influences[-1] if found.influences else None
    return [
        markup.link(
            "influence",
            wording.number(latest),
            note=f"last {len(found.influences)} of L = {found.window}",
            inner=markup.columns(found.influences) if found.influences else "",
            hint=wording.meaning(column("history", "influence")),
        ),
        markup.link(
            "their variance",
            wording.number(found.window_variance),
            note="population variance",
            hint="Variance of the influences in the window, once it is full",
        ),
        markup.link(
            "variance",
            wording.number(found.variance),
            note=f"average, newest weighs {wording.number(newest_weight)}",
            hint=wording.meaning(column("history", "variance")),
        ),
        markup.link(
            "strength",
            wording.number(found.strength),
            note=f"used in epoch {found.epoch + 1}"
            if wording.is_known(found.strength)
            else "of the next epoch",
            hint=wording.meaning(column("history", "strength")),
        ),
    ]


def sentence(found: Chain, policy: str | None) -> str:
    """Returns what the chain says, and where the strength came from if not from the variance.

    policy: its kind; None where a person's own program chose the strengths.
    """
    missing = found.window - len(found.influences)
    if policy is None:
        return "The program that trained the run chose the strengths; influence and variance are logged."
    if policy != "sada":
        other = policy.replace("_", " ")
        return f"The policy of this run is {other}, not SADA; influence and variance are only logged."
    if found.is_dropped_next:
        return f"Epoch {found.epoch + 1} dropped the sample, so no strength was used on it."
    if missing > 0 and not wording.is_known(found.variance):
        return (
            f"{wording.plural(missing, 'more influence')} until it has a variance; until then its strength "
            "is drawn at random, as TrivialAugment does."
        )
    if not wording.is_known(found.strength):
        return f"No epoch after {found.epoch} is recorded, so there is no next strength to show."
    return (
        "A steady loss (low variance) is augmented strongly, an unsteady one mildly: strength = 1 − variance "
        "scaled over all samples."
    )
