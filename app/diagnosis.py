"""What of a run is worth a look: a few known failure signatures, each computed from the log with its number.

Only what was measured speaks: an unknown value raises nothing, and a run without findings says so.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pandas import DataFrame

from app import wording

# Below these, neighbours, maps and consistency are no longer to be trusted (ours).
RECALL_LOW = 0.95
TRUST_LOW = 0.9
AUROC_LOW = 0.7
STRONG = 0.95
NEGLECTED = 0.5  # of the share that all samples are kept with


@dataclass(frozen=True)
class Badge:
    """One thing worth a look: its number, in words, and what it means."""

    name: str
    number: str
    sentence: str


def worth_a_look(
    metrics: DataFrame,
    *,
    about: Mapping[str, Any],
    noise: DataFrame,
    strength: DataFrame,
    kept_by_class: DataFrame,
) -> list[Badge]:
    """Returns the badges of a run, most telling first.

    metrics by epoch; about: run.json; noise: share of flipped labels by epoch; strength: its quantiles by
    epoch; kept_by_class: of the last epoch.
    """
    found = (
        *_noise(noise),
        *_classes(kept_by_class, about),
        *_consistency(about),
        *_index(metrics),
        *_strength(strength),
        *_accuracy(metrics),
    )
    return list(found)


def _noise(noise: DataFrame) -> Iterator[Badge]:
    known = noise.dropna(subset=["share_noisy_kept", "share_noisy_all"])
    if len(known) and known["share_noisy_kept"].iloc[-1] > known["share_noisy_all"].iloc[-1]:
        last = known.iloc[-1]
        yield Badge(
            "Noise is kept",
            wording.percent(last["share_noisy_kept"]),
            "of the kept samples have a flipped label, more than the "
            f"{wording.percent(last['share_noisy_all'])} in the data: the selection collects wrong labels.",
        )


def _classes(kept_by_class: DataFrame, about: Mapping[str, Any]) -> Iterator[Badge]:
    if kept_by_class.empty or not kept_by_class["kept"].sum():
        return
    share = kept_by_class["kept"].sum() / kept_by_class["n"].sum()
    least = kept_by_class.iloc[0]
    of_class = least["kept"] / least["n"]
    if of_class < NEGLECTED * share:
        names = about.get("class_names", [])
        name = names[int(least["label"])] if least["label"] < len(names) else f"{least['label']:.0f}"
        yield Badge(
            "A class is left out",
            wording.percent(of_class),
            f"of the {wording.count(least['n'])} samples of class {name} were kept in the last epoch, "
            f"{wording.percent(share)} of all samples: the selection prefers other classes.",
        )


def _consistency(about: Mapping[str, Any]) -> Iterator[Badge]:
    auroc = about.get("consistency_auroc")
    if auroc is not None and auroc < AUROC_LOW:
        yield Badge(
            "Weak consistency",
            wording.number(auroc),
            f"is the AUROC of consistency against the known wrong labels, below {AUROC_LOW}: the encoder "
            "hardly tells right from wrong labels here.",
        )


def _index(metrics: DataFrame) -> Iterator[Badge]:
    for name, words, low in (("recall", "HNSW recall", RECALL_LOW), ("map_trust", "Map trust", TRUST_LOW)):
        known = metrics.dropna(subset=[name])
        if len(known) and known[name].min() < low:
            worst = known.iloc[int(known[name].argmin())]
            yield Badge(
                f"{words} is low",
                wording.percent(worst[name]),
                f"in epoch {worst['epoch']:.0f}, below {wording.setting_percent(low)}: neighbours and what "
                "is computed from them are less sure there.",
            )


def _strength(strength: DataFrame) -> Iterator[Badge]:
    known = strength.dropna(subset=["q50"])
    if not len(known):
        return
    last = known.iloc[-1]
    if last["q50"] > STRONG:
        yield Badge(
            "Strength piles up",
            wording.number(last["q50"]),
            f"is the median strength of epoch {last['epoch']:.0f}: half of the "
            f"{wording.count(last['n'])} kept samples were augmented above {STRONG}.",
        )


def _accuracy(metrics: DataFrame) -> Iterator[Badge]:
    known = metrics.dropna(subset=["test_accuracy"])
    if not len(known):
        return
    last, best = float(known["test_accuracy"].iloc[-1]), float(known["test_accuracy"].max())
    if not math.isclose(last, best) and best - last > 0.02:
        yield Badge(
            "Accuracy fell",
            wording.points(last - best),
            f"from the highest epoch ({wording.percent(best)}) to the last one ({wording.percent(last)}).",
        )
