"""What comparing runs sample by sample asks of each of them: one number a sample, and who was kept when.

Yes and no columns are answered as one string of bits an epoch: 0.1 s for 50,000 samples x 200 epochs, where
grouping the rows by sample takes 0.2 s and a window over them 1 s. A run is asked by itself, so that its
answers stay good whatever it is compared with.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy import ndarray

from store.reader import ask
from store.run import Run

_AVERAGED, _NEWEST = "averaged", "newest"
_CLEAN_CONFIDENCE = "exp(-clean_loss)"  # the loss is that of one label, without smoothing
# Spread over seeds is alike at 0.6 and at 0.999 on this scale only; the bound is that of 32-bit losses.
_CLEAN_LOG_ODDS = "-ln(exp(if(clean_loss < 1e-7, 1e-7, clean_loss)) - 1)"


@dataclass(frozen=True)
class Measure:
    """One number a sample of a run, over its epochs up to one: what of a column, or of a term of columns."""

    label: str
    meaning: str
    column: str
    of: str

    @property
    def is_counted(self) -> bool:
        """Says whether it is counted in epochs, so that many samples share one value."""
        return self.of not in (_AVERAGED, _NEWEST)


RIGHT: dict[str, Measure] = {
    "clean": Measure(
        "Right when clean",
        "right in the last clean pass: on the image without augmentation, by the model as it stood "
        "after that epoch",
        "clean_correct",
        "last",
    ),
    "visit": Measure(
        "Right at the last visit",
        "right when it was last trained on, on the augmented view of that epoch, so that stronger "
        "augmentation makes it harder",
        "correct",
        "last",
    ),
}
# Clean passes see all samples in the same epochs; a sample that was often dropped has fewer and other visits.
MEASURES: dict[str, Measure] = {
    "clean_log_odds": Measure(
        "Mean clean log-odds",
        "mean over clean passes of ln(p / (1 - p)), p the label's probability without augmentation",
        _CLEAN_LOG_ODDS,
        _AVERAGED,
    ),
    "last_clean_log_odds": Measure(
        "Clean log-odds at the end",
        "ln(p / (1 - p)) in the last clean pass, p the label's probability without augmentation",
        _CLEAN_LOG_ODDS,
        _NEWEST,
    ),
    "clean_confidence": Measure(
        "Mean clean confidence",
        "mean over clean passes of the label's probability without augmentation, exp(-clean loss)",
        _CLEAN_CONFIDENCE,
        _AVERAGED,
    ),
    "clean_correctness": Measure(
        "Correctness when clean", "share of clean passes with the right prediction", "clean_correct", "share"
    ),
    "mean_margin": Measure(
        "Mean margin (AUM)",
        "mean over visits of the label's logit minus the best other logit",
        "margin",
        _AVERAGED,
    ),
    "mean_confidence": Measure(
        "Mean confidence", "mean over visits of the label's probability", "confidence", _AVERAGED
    ),
    "mean_loss": Measure("Mean loss", "mean loss over visits, in nats", "loss", _AVERAGED),
    "correctness": Measure("Correctness", "share of visits with the right prediction", "correct", "share"),
    "forgetting_events": Measure(
        "Forgetting events",
        "visits that were wrong after the visit before was right",
        "correct",
        "forgotten",
    ),
    "kept_share": Measure("Kept share", "share of epochs that trained on the sample", "selected", "share"),
    "mean_strength": Measure(
        "Mean strength", "mean over epochs of how strongly the sample was augmented", "strength", _AVERAGED
    ),
}


def per_sample(run: Run, measure: str, epoch: int) -> ndarray:
    """Returns a measure of RIGHT or MEASURES over the epochs 0 to epoch, (N,) float32; NaN where unknown."""
    asked = (RIGHT | MEASURES)[measure]
    if asked.of == _AVERAGED:
        return _by_sample(run, f"avg({asked.column})", asked.column, epoch)
    if asked.of == _NEWEST:
        return _by_sample(run, f"arg_max({asked.column}, epoch)", asked.column, epoch)
    yes, known = _bits(run, asked.column, epoch)
    samples = _samples(run)
    return {"last": _last, "share": _shares, "forgotten": _forgotten}[asked.of](yes, known, samples)


def kept_bits(run: Run, epoch: int) -> ndarray:
    """Returns which samples each of the epochs 0 to epoch kept, (epoch + 1, bytes) uint8, a bit a sample.

    The bits stand in the order of the samples, with those that fill up the first byte 0 in front.
    """
    return _bits(run, "selected", epoch)[0]


def labels(run: Run) -> ndarray:
    """Returns label and true label of every sample, (2, N) float32; NaN where the truth is unknown."""
    found = ask(run, "SELECT label, true_label FROM samples ORDER BY sample_id")
    return found.to_numpy("float32", na_value=np.nan).T


def _by_sample(run: Run, value: str, known: str, epoch: int) -> ndarray:
    """Returns a value of each sample, (N,) float32, over its epochs in which a term is known."""
    found = ask(
        run,
        f"""
        SELECT sample_id, {value} AS value FROM history
        WHERE epoch <= $epoch AND isfinite({known}) GROUP BY sample_id
        """,
        epoch=epoch,
    )
    values = np.full(_samples(run), np.nan, np.float32)
    values[found["sample_id"].to_numpy(np.int64)] = found["value"].to_numpy(np.float32)
    return values


def _bits(run: Run, column: str, epoch: int) -> tuple[ndarray, ndarray]:
    """Returns where a truth value is true, and where it is known, (epoch + 1, bytes) uint8 each."""
    samples = _samples(run)
    found = ask(
        run,
        f"""
        SELECT epoch,
            (bitstring_agg(sample_id, 0, {samples - 1}) FILTER ("{column}"))::BLOB AS yes,
            (bitstring_agg(sample_id, 0, {samples - 1}) FILTER ("{column}" IS NOT NULL))::BLOB AS known
        FROM history WHERE epoch <= $epoch GROUP BY epoch ORDER BY epoch
        """,
        epoch=epoch,
    )
    return _stacked(found["yes"], samples), _stacked(found["known"], samples)


def _stacked(blobs: "pd.Series[bytes]", samples: int) -> ndarray:
    width = -(-samples // 8)
    nothing = bytes(width)
    rows = b"".join(bytes(blob) if isinstance(blob, bytes | bytearray) else nothing for blob in blobs)
    return np.frombuffer(rows, np.uint8).reshape(-1, width)


def _samples(run: Run) -> int:
    return int(ask(run, "SELECT count(*) AS n FROM samples").n[0])


def _last(yes: ndarray, known: ndarray, samples: int) -> ndarray:
    right, seen = np.zeros_like(yes[0]), np.zeros_like(yes[0])
    for now, is_known in zip(yes, known, strict=True):
        right, seen = (right & ~is_known) | now, seen | is_known
    return np.where(_unpacked(seen, samples), _unpacked(right, samples), np.float32(np.nan))


def _shares(yes: ndarray, known: ndarray, samples: int) -> ndarray:
    visits = sum(_unpacked(row, samples).astype(np.float32) for row in known)
    times = sum(_unpacked(row, samples).astype(np.float32) for row in yes)
    with np.errstate(invalid="ignore"):
        return np.asarray(times / visits, np.float32)


def _forgotten(yes: ndarray, known: ndarray, samples: int) -> ndarray:
    events, seen = np.zeros(samples, np.float32), np.zeros_like(yes[0])
    before = np.zeros_like(yes[0])  # right at the visit before
    for now, is_known in zip(yes, known, strict=True):
        events += _unpacked(before & is_known & ~now, samples)
        before, seen = (before & ~is_known) | now, seen | is_known
    return np.where(_unpacked(seen, samples), events, np.float32(np.nan))


def _unpacked(row: ndarray, samples: int) -> ndarray:
    """Returns bits as (N,) uint8 of 0 and 1, without those that fill up the first byte."""
    return np.unpackbits(row)[8 * len(row) - samples :]
