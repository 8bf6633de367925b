"""The charts of one run with all that is said about them: those of Run overview and of its report."""

from collections.abc import Mapping

from pandas import DataFrame

from app import charts, naming, wording
from app.overview import agreement
from app.panel import Panel
from app.theme import Palette
from store.schema import column

_ADD_NOISE = (
    "Add noise at a known rate to see whether the selection keeps or drops it: "
    "`undertow train --set noise.kind=symmetric`."
)
_GIVE_TRUTH = "Give the tracker `true_labels` where you know them."


def learning(metrics: DataFrame, palette: Palette, *, samples: int | None, epoch: int) -> list[Panel]:
    """Returns loss, accuracy and kept share by epoch; samples: N of the training set."""
    last = metrics.ffill().iloc[-1]  # not every epoch is tested
    return [
        Panel(
            "Loss",
            charts.losses(metrics, palette, epoch=epoch),
            note="Training loss is of the kept samples on their augmented views",
            alt=f"Loss by epoch; test loss ends at {wording.number(last['test_loss'])}",
            table=metrics,
        ),
        Panel(
            "Accuracy",
            charts.accuracies(metrics, palette, epoch=epoch),
            note="Training accuracy is against the labels, wrong ones included",
            alt=f"Accuracy by epoch; test accuracy ends at {wording.percent(last['test_accuracy'])}",
            table=metrics,
        ),
        Panel(
            "Kept samples",
            charts.kept_shares(metrics, palette, epoch=epoch),
            note=f"Share of all n = {wording.count(samples)} samples that each epoch trained on",
            alt=f"Kept share by epoch; {wording.percent(last['kept_share'])} in the last",
            table=metrics,
        ),
    ]


def noise(kept_noise: DataFrame, palette: Palette, *, config: naming.Settings, epoch: int) -> Panel:
    """Returns the share of flipped labels among the kept by epoch."""
    known, title = kept_noise.dropna(subset=["share_noisy_all"]), "Flipped labels among the kept"
    if known.empty:
        remedy = _GIVE_TRUTH if naming.is_tracked(config) else _ADD_NOISE
        return Panel(title, None, f"Nobody knows the true labels of this data. {remedy}")
    last = known.iloc[-1]
    return Panel(
        title,
        charts.kept_noise(known, palette, epoch=epoch),
        note="Below the dashed line the selection drops more wrong labels than chance",
        alt=f"{wording.percent(last['share_noisy_kept'])} of the kept labels are flipped in the last epoch, "
        f"{wording.percent(last['share_noisy_all'])} in the data",
        table=known,
    )


def augmentation(
    stats: Mapping[str, DataFrame], metrics: DataFrame, palette: Palette, *, epoch: int
) -> list[Panel]:
    """Returns strength by epoch and in this one, and variance by epoch; stats: epoch_stats by signal."""
    return [
        bands("strength", stats["strength"], palette, epoch=epoch),
        histogram("strength", stats["strength"], palette, epoch=epoch),
        bands("variance", stats["variance"], palette, epoch=epoch, more=agreement.sentence(metrics)),
    ]


def bands(signal: str, stats: DataFrame, palette: Palette, *, epoch: int, more: str = "") -> Panel:
    """Returns the quantiles of a signal by epoch; more: a sentence for its note."""
    declared = column("history", signal)
    known = stats.dropna(subset=["q50"])
    median = wording.number(known["q50"].iloc[-1]) if len(known) else wording.UNKNOWN
    fewest, most = (wording.count(known["n"].agg(which)) for which in ("min", "max"))
    n = f"n = {most if fewest == most else f'{fewest} to {most}'}" if len(known) else "No sample has one yet"
    return Panel(
        f"{declared.label} by epoch",
        charts.quantile_bands(stats, palette, signal=signal, epoch=epoch),
        note=". ".join(filter(None, (f"{n}; {declared.direction}", more))),
        alt=f"{declared.label} by epoch as quantile bands; the median ends at {median}",
        table=stats,
    )


def histogram(signal: str, stats: DataFrame, palette: Palette, *, epoch: int) -> Panel:
    """Returns how a signal is spread over the samples in one epoch."""
    declared = column("history", signal)
    title = f"{declared.label} in epoch {epoch}"
    now = stats[(stats["epoch"] == epoch) & (stats["n"] > 0)]
    if now.empty:
        return Panel(title, None, f"No sample has a {declared.label.lower()} in this epoch.")
    row = now.iloc[0]
    return Panel(
        title,
        charts.histogram(row, palette, signal=signal),
        note=f"n = {wording.count(row['n'])}; median {wording.number(row['q50'])}",
        alt=f"Histogram of {declared.label.lower()} in epoch {epoch}, median {wording.number(row['q50'])}",
    )


def engine_room(metrics: DataFrame, palette: Palette, *, epoch: int) -> list[Panel]:
    """Returns what each epoch spent its time on, and how far neighbours and maps can be trusted."""
    seconds = metrics["seconds"]
    return [
        Panel(
            "Time per epoch",
            charts.times(metrics, palette, epoch=epoch),
            note=f"{wording.duration(seconds.mean())} an epoch on average, split by what it was spent on",
            alt=f"Seconds per epoch by what they were spent on; {wording.duration(seconds.sum())} in all",
            table=metrics[["epoch", "seconds", *charts.TIME_COLUMNS]],
        ),
        Panel(
            "Can neighbours and map be trusted?",
            charts.index_health(metrics, palette, epoch=epoch),
            note="Neighbour recall: share of the true ones found. Map trustworthiness: scikit-learn's, "
            "weighted by rank; 1 = all neighbours on the map are true",
            alt="Recall of the neighbour index and trustworthiness of the maps by epoch",
            table=metrics[["epoch", "recall", "map_trust", "map_movement"]],
        ),
    ]
