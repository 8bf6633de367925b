"""One number a sample, and who was kept when: the store's short ways against plain loops over every row."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from store import queries
from store.questions import comparing
from store.run import Run
from tests.synthetic import make_run

SAMPLES, EPOCHS = 61, 20  # no multiple of 8, so that the first byte of a set is filled up


@pytest.fixture(scope="module", params=["parts", "folded"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = make_run(tmp_path_factory.mktemp("runs"), samples=SAMPLES, epochs=EPOCHS)
    if request.param == "folded":
        made.fold()
    return made


@cache
def table(run: Run, column: str) -> np.ndarray:
    """A column as (epochs, samples), NaN where it is unknown."""
    rows = queries.history(run, range(SAMPLES)).pivot(index="epoch", columns="sample_id", values=column)
    return rows.astype("Float64").to_numpy("float64", na_value=np.nan)


def seen(values: np.ndarray) -> list[list[float]]:
    """The known values of each sample, in time order."""
    return [[value for value in column if not np.isnan(value)] for column in values.T]


def expected(run: Run, measure: str, epoch: int) -> list[float]:
    """A measure by its definition, sample by sample."""
    column = comparing.MEASURES[measure].column if measure in comparing.MEASURES else None
    columns = {"clean": "clean_correct", "visit": "correct"}
    name = columns.get(measure) or ("clean_loss" if "clean_loss" in str(column) else str(column))
    histories = seen(table(run, name)[: epoch + 1])
    means = {
        "clean_log_odds": lambda values: np.mean(-np.log(np.expm1(values))),
        "last_clean_log_odds": lambda values: -np.log(np.expm1(values[-1])),
        "clean_confidence": lambda values: np.mean(np.exp(-np.array(values))),
        "clean": lambda values: values[-1],
        "visit": lambda values: values[-1],
        "forgetting_events": lambda values: sum(before == 1 and now == 0 for before, now in pairwise(values)),
    }
    return [means.get(measure, np.mean)(values) if values else np.nan for values in histories]


@pytest.mark.parametrize("epoch", [0, 7, EPOCHS - 1])
@pytest.mark.parametrize("measure", [*comparing.RIGHT, *comparing.MEASURES])
def test_a_measure_is_what_its_meaning_says(run: Run, measure: str, epoch: int):
    found = comparing.per_sample(run, measure, epoch)
    assert (found.dtype, found.shape) == (np.float32, (SAMPLES,))
    assert found == pytest.approx(expected(run, measure, epoch), rel=1e-5, abs=1e-6, nan_ok=True)


def test_samples_that_no_epoch_visited_are_unknown(tmp_path: Path):
    chosen = ("strategy.kind=random_subset", "strategy.keep=0.3", "strategy.warmup_epochs=0")
    made = make_run(tmp_path, samples=SAMPLES, epochs=2, settings=chosen)
    is_visited = np.isfinite(table(made, "loss")).any(axis=0)
    assert 0 < is_visited.sum() < SAMPLES
    for measure in ("visit", "mean_margin", "correctness", "forgetting_events"):
        assert (np.isfinite(comparing.per_sample(made, measure, 1)) == is_visited).all()


@pytest.mark.parametrize(
    "measure",
    ["mean_margin", "mean_confidence", "mean_loss", "correctness", "forgetting_events", "kept_share"],
)
def test_measures_of_the_summary_are_the_same_numbers(run: Run, measure: str):
    summary = queries.summary(run, 9)[measure].astype("float64").to_numpy()
    assert comparing.per_sample(run, measure, 9) == pytest.approx(summary, rel=1e-5, abs=1e-6, nan_ok=True)


def test_kept_bits_are_the_kept_samples_of_each_epoch(run: Run):
    bits = comparing.kept_bits(run, 7)
    assert (bits.dtype, bits.shape) == (np.uint8, (8, 8))
    unpacked = np.unpackbits(bits, axis=1)[:, -SAMPLES:]
    assert (unpacked == table(run, "selected")[:8]).all()
    assert unpacked.sum() == np.bitwise_count(bits).sum()


def test_labels_stand_beside_the_true_ones(run: Run):
    label, true_label = comparing.labels(run)
    rows = queries.epoch_rows(run, 0, [])
    assert (label == rows["label"]).all()
    assert (true_label == rows["true_label"]).all()
    assert (label != true_label).any()
