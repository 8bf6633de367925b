"""The statistics written with each epoch equal numpy's, computed the slow way."""

import math
import warnings

import numpy as np
import pytest

from store import queries, statistics
from store.schema import HISTOGRAM_BINS, SIGNALS


def brute(values):
    """n, mean, quantiles, low, high and histogram of the finite values, by numpy alone."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return [0] + [np.nan] * 8, [0] * HISTOGRAM_BINS
    low, high = values.min(), values.max()
    counts = np.histogram(values, HISTOGRAM_BINS, (low, high))[0] if low < high else [len(values)] + [0] * 63
    quantiles = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    return [len(values), values.mean(), *quantiles, low, high], list(counts)


NAMES = ["n", "mean", "q05", "q25", "q50", "q75", "q95", "low", "high"]


@pytest.mark.parametrize("label", [None, 0, 1, 2])
def test_stored_statistics_equal_numpy__all_samples_and_each_class(make_run, rows, label):
    run = make_run(3, samples=300)
    labels = rows.fixed(300)["label"]
    of_class = np.full(300, True) if label is None else labels == label
    for signal in SIGNALS:
        stats = queries.epoch_stats(run, signal.name, label)
        assert stats.epoch.tolist() == [0, 1, 2]
        for epoch in range(3):
            numbers, counts = brute(rows.epoch(epoch, 300)[signal.name][of_class])
            assert stats.loc[epoch, NAMES].tolist() == pytest.approx(numbers, rel=1e-6)
            assert stats.histogram[epoch].tolist() == counts


def summarised(values, groups, count):
    """The groups of float32 values, brought into order as an epoch is."""
    order = np.argsort(groups, kind="stable")
    edges = np.searchsorted(groups[order], np.arange(count + 1))
    return statistics.summarise(*statistics.sorted_within(np.asarray(values, np.float32)[order], edges))


def slowly(values):
    """What summarise promises of one group, a number at a time: exact but for the mean's last bits."""
    ordered = sorted(float(value) for value in values if np.isfinite(value))
    last = len(ordered) - 1
    found = {"n": len(ordered), "mean": math.fsum(ordered) / len(ordered)}
    for name, share in statistics.SHARES.items():
        below = math.floor(share * last)
        above = ordered[min(below + 1, last)]
        found[name] = ordered[below] + (above - ordered[below]) * (share * last - below)
    width, counts = (ordered[-1] - ordered[0]) / HISTOGRAM_BINS, [0] * HISTOGRAM_BINS
    for value in ordered:
        place = int((value - ordered[0]) / width) if width else 0
        counts[min(place, HISTOGRAM_BINS - 1)] += 1
    return found, counts


@pytest.mark.parametrize("seed", range(20))
def test_groups_of_any_size_equal_one_number_at_a_time(seed):
    rng = np.random.default_rng(seed)
    count, size = rng.integers(1, 12), rng.integers(0, 200)
    groups = rng.integers(0, count, size).astype(np.uint16)
    choice = [np.nan, np.inf, -np.inf, 0.5, -0.0, 0.0, *rng.normal(0, 10.0**seed, 50)]
    values = rng.choice(choice, size).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = summarised(values, groups, count)
    for group in range(count):
        own = values[groups == group]
        if not np.isfinite(own).any():
            assert [found[name][group] for name in NAMES] == pytest.approx([0] + [np.nan] * 8, nan_ok=True)
            assert not found["histogram"][group].any()
            continue
        numbers, counts = slowly(own)
        largest = max(abs(numbers["low"]), abs(numbers["high"]))
        assert abs(found["mean"][group] - numbers.pop("mean")) <= 1e-13 * largest
        assert {name: found[name][group] for name in numbers} == numbers
        assert found["histogram"][group].tolist() == counts


def test_many_classes_do_not_overflow_their_small_labels():
    labels = np.repeat(np.arange(3000, dtype=np.uint16), 2)
    found = summarised(np.arange(6000.0), labels, 3000)
    assert found["low"].tolist() == list(range(0, 6000, 2))
    assert (found["histogram"][:, [0, -1]] == 1).all()


def test_equal_values_fall_into_the_first_bin():
    found = summarised(np.full(7, 2.5), np.zeros(7, int), 1)
    assert found["histogram"][0].tolist() == [7] + [0] * (HISTOGRAM_BINS - 1)
    assert (found["low"][0], found["q50"][0], found["high"][0]) == (2.5, 2.5, 2.5)


def test_statistics_are_of_the_numbers_that_history_keeps(make_run, rows):
    run = make_run()
    run.write_epoch(0, rows.epoch(0, loss=np.full(40, 1 + 2.0**-30)), rows.metrics(0))
    assert queries.epoch_stats(run, "loss").loc[0, NAMES[1:]].tolist() == [1.0] * 8


def test_a_class_without_a_value_has_a_row_that_says_so(make_run, rows):
    run = make_run()
    loss = np.where(rows.fixed()["label"] == 1, np.nan, 1.0)
    run.write_epoch(0, rows.epoch(0, loss=loss), rows.metrics(0))
    row = queries.epoch_stats(run, "loss", 1).iloc[0]
    assert row.n == 0
    assert row[["mean", "q50", "low", "high"]].isna().all()
    assert row.histogram.tolist() == [0] * HISTOGRAM_BINS


def test_a_masked_cell_is_as_unknown_as_a_nan(rows):
    loss, hidden = rows.epoch(0)["loss"], np.arange(40) % 3 == 0
    masked, unknown = (
        statistics.epoch_statistics(
            0, rows.epoch(0, loss=given), labels=rows.fixed()["label"], classes=len(rows.classes)
        )
        for given in (np.ma.masked_array(loss, hidden), np.where(hidden, np.nan, loss))
    )
    assert {name: masked[name].tolist() for name in ("n", "histogram")} == {
        name: unknown[name].tolist() for name in ("n", "histogram")
    }
    np.testing.assert_array_equal(masked["mean"], unknown["mean"])
