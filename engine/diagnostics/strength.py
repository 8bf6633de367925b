"""How augmentation by sample fails: strength that no longer follows learning, or that destroys the image.

After the failure signatures of SADA (arXiv 2510.00434); every threshold is ours.
"""

import numpy as np

from engine.diagnostics import asked
from engine.diagnostics.asked import STRONG
from engine.diagnostics.badge import Badge, Signature, figure, percent
from engine.ranks import rank_correlation
from store import queries
from store.questions import signatures
from store.run import Run

ADAPTIVE = ("sada", "entropy")  # policies whose strength follows what a sample did

# Thresholds, all ours.
STALLED = 0.02  # relative fall of the mean loss over the last third, below which learning stalls
RISES = 0.05  # of mean strength over the last third
JUMPS = 0.2  # of mean strength from one epoch to the next
FEWEST_EPOCHS = 9  # below, a last third says nothing
PILED_UP = 0.5  # share of strong samples
FOLLOWS_SIZE = 0.5  # rank correlation of class size and strength
UNEQUAL = 1.5  # largest class / smallest class, below which sizes count as equal
FEWEST_CLASSES = 3
APART = 0.02  # of the mean strengths by class, below which they count as equal
LOST_MORE = 0.1  # by which strong augmentation may lose more samples than mild
FEWEST_VISITS = 20  # in a band of strength

_STALLS = Signature(
    "Strength while learning stalls",
    f"over the last third of the epochs the mean loss falls by less than {STALLED:.0%} while mean strength "
    f"rises by {RISES} or more, or jumps by {JUMPS} from one epoch to the next",
    "overview#strength_by_epoch",
    "epochs",
)
_PILES_UP = Signature(
    "Room left in strength",
    f"share of the kept samples with a strength above {STRONG} in the last epoch; red above {PILED_UP:.0%}",
    "overview#strength_by_epoch",
)
_SMALL_CLASSES = Signature(
    "Strength of small classes",
    "rank correlation (Spearman) of class size and the class's mean strength; red from "
    f"{FOLLOWS_SIZE} on where the means are {APART} apart: small classes are augmented less",
    "overview#strength_by_epoch",
    "classes",
)
_MEANING = Signature(
    "Meaning under strong augmentation",
    "of the kept samples that are right on the clean image, the share that is wrong on the augmented one in "
    f"the same epoch, by band of strength; red where the strongest band loses {LOST_MORE:.0%} more than the "
    "mildest",
    "samples",
    "visits",
)


def stalls(run: Run) -> Badge:
    """Strength rises or jumps although learning stands still."""
    kind = run.config().get("policy", {}).get("kind")
    if kind is None:
        return _STALLS.unknown("No policy of Undertow chose the strengths.")
    if kind not in ADAPTIVE:
        return _STALLS.unknown(f"The policy {kind} does not adapt strength to learning.")
    strength = asked.strengths(run).dropna(subset=["mean"])
    both = strength.merge(queries.metrics(run)[["epoch", "mean_loss"]].dropna(), on="epoch")
    if len(both) < FEWEST_EPOCHS:
        return _STALLS.unknown(f"Fewer than {FEWEST_EPOCHS} epochs have been recorded.")
    third = both.tail(len(both) // 3)
    steps, loss = np.arange(len(third)), third["mean_loss"].to_numpy()
    span = len(third) - 1
    fell = -float(np.polyfit(steps, loss, 1)[0]) * span / max(float(loss.mean()), 1e-9)
    rose = float(np.polyfit(steps, third["mean"], 1)[0]) * span
    jump = float(np.abs(np.diff(third["mean"])).max())
    return _STALLS.judged(
        fell < STALLED and (rose >= RISES or jump >= JUMPS),
        f"{rose:+.3f}".replace("-", "\N{MINUS SIGN}"),
        f"is the trend of mean strength over the last {len(third)} epochs, with steps up to {figure(jump)}, "
        f"while the mean loss {'fell' if fell >= 0 else 'rose'} by {percent(abs(fell))}; "
        f"{percent(third['share'].iloc[-1])} of the kept samples have a strength above {STRONG}.",
        n=len(third),
    )


def piles_up(run: Run) -> Badge:
    """Most samples sit at the strong end, where strength no longer tells them apart."""
    known = asked.strengths(run).dropna(subset=["share"])
    if known.empty:
        return _PILES_UP.unknown("No epoch recorded a strength.")
    last = known.iloc[-1]
    return _PILES_UP.judged(
        last["share"] > PILED_UP,
        percent(last["share"]),
        f"of the kept samples were augmented with a strength above {STRONG} in epoch {last['epoch']:.0f}.",
        n=last["n"],
    )


def small_classes(run: Run) -> Badge:
    """Small classes are augmented less than large ones."""
    known = asked.classes(run).dropna(subset=["strength"])
    if len(known) < FEWEST_CLASSES:
        return _SMALL_CLASSES.unknown(f"Fewer than {FEWEST_CLASSES} classes have a strength.")
    if known["size"].max() < UNEQUAL * known["size"].min():
        return _SMALL_CLASSES.unknown(
            "The classes are of about equal size; a long tail would show whether the small ones are "
            "augmented less."
        )
    found = rank_correlation(known["size"].to_numpy(float), known["strength"].to_numpy(float))
    if np.isnan(found):
        return _SMALL_CLASSES.unknown("All classes have the same mean strength.")
    small, large = (known.iloc[int(place)] for place in (known["size"].argmin(), known["size"].argmax()))
    return _SMALL_CLASSES.judged(
        found >= FOLLOWS_SIZE and float(np.ptp(known["strength"])) >= APART,
        figure(found),
        "is the rank correlation of class size and strength: mean strength is "
        f"{figure(small['strength'])} in the smallest class, {small['name']} ({small['size']:,} samples), "
        f"and {figure(large['strength'])} in the largest, {large['name']} ({large['size']:,}).",
        n=len(known),
    )


def meaning_lost(run: Run) -> Badge:
    """Strong augmentation makes samples wrong that are right on the clean image."""
    bands = signatures.lost_by_strength(run)
    known = bands[bands["n"] >= FEWEST_VISITS]
    if bands.empty:
        return _MEANING.unknown("No epoch holds a clean pass beside the augmented views.")
    if len(known) < 2:
        return _MEANING.unknown("All strengths lie in one band, so that mild and strong cannot be compared.")
    mild, strong = known.iloc[0], known.iloc[-1]
    low, high = (f"{edge / signatures.BANDS:g}" for edge in (strong["band"], strong["band"] + 1))
    return _MEANING.judged(
        strong["lost"] - mild["lost"] >= LOST_MORE,
        percent(strong["lost"]),
        f"of the samples that are right when clean are wrong at a strength of {low} to {high}, against "
        f"{percent(mild['lost'])} at the mildest strengths.",
        n=known["n"].sum(),
    )
