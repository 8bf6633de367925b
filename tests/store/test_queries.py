"""Every question against the same answer computed by hand or by numpy from the rows that were written."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from store import queries
from store.questions import suspicion
from store.schema import EPOCH_COLUMNS, METRIC_COLUMNS, SAMPLE_COLUMNS

SUMMARY = [
    "visits", "times_kept", "kept_share", "mean_confidence", "variability", "correctness",
    "forgetting_events", "mean_margin", "mean_loss", "last_loss", "last_prediction", "first_learned_epoch",
    "last_seen_epoch", "last_score", "last_rarity",
]  # fmt: skip


def cube(rows, epochs, name):
    """(epochs, samples) float64 of one column as it was written, NaN where unknown."""
    columns = [np.ma.asarray(rows.epoch(epoch)[name], np.float64) for epoch in range(epochs)]
    return np.stack([np.ma.filled(column, np.nan) for column in columns]) if columns else np.empty((0, 40))


def last_known(values):
    known = values[~np.isnan(values)]
    return known[-1] if len(known) else np.nan


def brute_summary(rows, epochs, sample):
    """The summary of one sample, by numpy from the rows that were written."""
    (selected, confidence, correct, margin, loss, prediction, score, rarity) = (
        cube(rows, epochs, name)[:, sample]
        for name in ("selected", "confidence", "correct", "margin", "loss", "prediction", "score", "rarity")
    )
    seen = np.flatnonzero(~np.isnan(correct))
    right = correct[seen] == 1

    def mean(values):
        return np.nanmean(values) if not np.isnan(values).all() else np.nan

    return {
        "visits": len(seen),
        "times_kept": selected.sum(),
        "kept_share": selected.mean() if epochs else np.nan,
        "mean_confidence": mean(confidence),
        "variability": np.nanstd(confidence) if not np.isnan(confidence).all() else np.nan,
        "correctness": right.mean() if len(seen) else np.nan,
        "forgetting_events": (right[:-1] & ~right[1:]).sum() if len(seen) else np.nan,
        "mean_margin": mean(margin),
        "mean_loss": mean(loss),
        "last_loss": last_known(loss),
        "last_prediction": last_known(prediction),
        "first_learned_epoch": seen[right][0] if right.any() else np.nan,
        "last_seen_epoch": seen[-1] if len(seen) else np.nan,
        "last_score": last_known(score),
        "last_rarity": last_known(rarity),
    }


@pytest.mark.parametrize("folded", [0, 5, 12])
@pytest.mark.parametrize("epoch", [None, 0, 1, 6])
def test_the_summary_equals_numpy_on_random_histories(make_run, rows, folded, epoch):
    run = make_run(folded)
    run.fold()
    rows.add(run, 12 - folded)
    found = queries.summary(run, epoch)
    assert found.sample_id.tolist() == list(range(rows.samples))
    for sample in range(rows.samples):
        expected = brute_summary(rows, 12 if epoch is None else epoch + 1, sample)
        assert found.loc[sample, SUMMARY].to_dict() == pytest.approx(expected, nan_ok=True, rel=1e-5)


def test_the_summary_before_the_first_epoch_knows_the_samples_alone(make_run, rows):
    found = queries.summary(make_run())
    assert found.consistency.tolist() == pytest.approx(rows.fixed()["consistency"].tolist())
    assert (found.visits == 0).all() and (found.times_kept == 0).all()
    assert found[SUMMARY[2:]].isna().all(axis=None)


def test_forgetting_skips_the_epochs_in_which_a_sample_was_not_seen(make_run, rows):
    run = make_run()
    for epoch, correct in enumerate([1, np.nan, 0, 1, 1, np.nan, 0, 0]):
        run.write_epoch(epoch, rows.epoch(epoch, correct=np.full(40, correct)), rows.metrics(epoch))
    assert queries.summary(run).forgetting_events.unique().tolist() == [2]


def test_metrics_come_in_the_order_of_epochs(make_run, rows):
    run = make_run(2)
    run.fold()
    rows.add(run, 1)
    found = queries.metrics(run)
    assert list(found.columns) == [column.name for column in METRIC_COLUMNS]
    assert found.kept.tolist() == [0, 1, 2]
    assert found.map_trust.isna().all()


def test_metrics_and_statistics_of_several_runs_carry_their_run(make_run):
    runs = [make_run(2), make_run(1)]
    expected = sorted([runs[0].id] * 2 + [runs[1].id])
    assert queries.metrics_of(runs).run.tolist() == expected
    stats = queries.stats_of(runs, "loss")
    assert stats.run.tolist() == expected
    assert stats.label.isna().all()


def test_history_is_by_sample_and_epoch(make_run, rows):
    run = make_run(3)
    found = queries.history(run, np.array([7, 2]))
    assert list(zip(found.sample_id, found.epoch, strict=True)) == [(s, e) for s in (2, 7) for e in range(3)]
    fixed = [column.name for column in SAMPLE_COLUMNS[1:]]
    assert list(found.columns) == [column.name for column in EPOCH_COLUMNS] + fixed
    assert found.loss.tolist() == pytest.approx(
        [float(rows.epoch(epoch)["loss"][sample]) for sample in (2, 7) for epoch in range(3)], nan_ok=True
    )
    assert len(queries.history(run, [])) == 0


def test_epoch_rows_are_of_one_epoch__all_samples_or_some(make_run, rows):
    run = make_run(3)
    found = queries.epoch_rows(run, 1, ["loss", "selected"])
    assert list(found.columns) == ["sample_id", "label", "true_label", "consistency", "loss", "selected"]
    np.testing.assert_array_equal(found.loss, rows.epoch(1)["loss"])
    assert queries.epoch_rows(run, 1, ["loss"], [5, 3]).sample_id.tolist() == [3, 5]
    assert len(queries.epoch_rows(run, 1, ["loss"], [])) == len(queries.epoch_rows(run, 9, ["loss"])) == 0
    with pytest.raises(KeyError, match="table history has no column 'mood'"):
        queries.epoch_rows(run, 1, ["mood"])


@pytest.mark.parametrize("by", queries.SUSPECT_SIGNALS)
def test_suspects_come_most_suspicious_first(make_run, by):
    run = make_run(6)
    everything = suspicion.with_ranks(queries.summary(run))
    found = queries.suspects(run, by, 10)
    high_first = by == "mean_loss"
    expected = everything.dropna(subset=by).sort_values([by, "sample_id"], ascending=[not high_first, True])
    assert found.sample_id.tolist() == expected.sample_id.tolist()[:10]
    assert found["rank"].tolist() == list(range(1, 11))
    if by != "mean_rank":
        assert found[f"rank_{by}"].tolist() == list(range(1, 11))


def test_suspects_without_a_value_are_left_out(make_run):
    assert len(queries.suspects(make_run(), "mean_loss", 10)) == 0
    assert len(queries.suspects(make_run(), "consistency", 100)) == 40


@pytest.mark.parametrize("by", queries.SUSPECT_SIGNALS)
def test_detection_equals_scikit_learn_where_the_truth_is_known(make_run, by):
    run = make_run(5)
    frame = suspicion.with_ranks(queries.summary(run, 3)).dropna(subset=[by, "true_label"])
    wrong = frame.label != frame.true_label
    value = frame[by] if by == "mean_loss" else -frame[by]
    found = queries.detection(run, by, 3)
    assert found == pytest.approx(
        (
            reference.roc_auc_score(wrong, value),
            reference.average_precision_score(wrong, value),
            len(frame),
            wrong.sum(),
        )
    )
    curve = queries.precision_recall(run, by, 3)
    assert curve.iloc[-1].tolist() == pytest.approx([len(frame), wrong.mean(), 1])


def test_noise_is_known_where_a_label_is_known_to_be_wrong(make_run, rows):
    run = make_run()
    assert queries.noise_known(run)
    for true_label in (rows.fixed()["label"], np.full(40, -1)):
        run.write_samples({**rows.fixed(), "true_label": true_label}, rows.classes)
        assert not queries.noise_known(run)
        assert np.isnan(queries.detection(run, "consistency").auroc)


def test_kept_by_class_counts_each_class_the_most_neglected_first(make_run, rows):
    run, labels = make_run(2), rows.fixed()["label"]
    kept = rows.epoch(1)["selected"]
    found = queries.kept_by_class(run, 1)
    assert sorted(found.label) == sorted(set(labels))
    for row in found.itertuples():
        assert (row.n, row.kept) == ((labels == row.label).sum(), (kept & (labels == row.label)).sum())
    assert (found.kept / found.n).is_monotonic_increasing


def test_kept_noise_counts_the_wrong_among_the_kept(make_run, rows):
    fixed, run = rows.fixed(), make_run(2)
    known = fixed["true_label"] >= 0
    wrong = known & (fixed["true_label"] != fixed["label"])
    found = queries.kept_noise(run)
    for epoch in range(2):
        kept = rows.epoch(epoch)["selected"]
        expected = {
            "epoch": epoch,
            "kept": kept.sum(),
            "noisy_kept": (kept & wrong).sum(),
            "share_noisy_kept": (kept & wrong).sum() / (kept & known).sum(),
            "share_noisy_all": wrong.sum() / known.sum(),
        }
        assert found.loc[epoch].to_dict() == pytest.approx(expected)


def test_kept_noise_is_unknown_where_no_truth_is(make_run, rows):
    run = make_run()
    run.write_samples({**rows.fixed(), "true_label": np.full(40, -1)}, rows.classes)
    rows.add(run, 1)
    assert (
        queries.kept_noise(run)[["noisy_kept", "share_noisy_kept", "share_noisy_all"]].isna().all(axis=None)
    )


def test_neighbours_are_of_the_last_map_at_or_before_the_epoch(make_run, rows):
    run = make_run(6)
    for epoch, neighbours in ((0, [[9, 3, 5], [1, 2, 3]]), (4, [[2, 9, 1], [5, 6, 7]])):
        run.write_map(
            epoch, sample_ids=np.array([8, 30]), positions=np.zeros((2, 2)), neighbours=np.array(neighbours)
        )
    found = queries.neighbours(run, 8, 3)
    expected = pd.DataFrame(rows.fixed()).iloc[[9, 3, 5]]
    assert found.sample_id.tolist() == [9, 3, 5]
    assert found.order.tolist() == [1, 2, 3]
    assert found.label.tolist() == expected.label.tolist()
    assert queries.neighbours(run, 8, 4).sample_id.tolist() == [2, 9, 1]
    assert len(queries.neighbours(run, 7, 4)) == len(queries.neighbours(make_run(1), 8, 0)) == 0
