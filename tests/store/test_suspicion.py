"""Finding wrong labels: ranks by hand, curves and areas against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from store.questions import suspicion

SUMMARY = pd.DataFrame(
    {
        "consistency": [0.9, 0.1, 0.5, 0.5],
        "mean_margin": [3.0, -2.0, np.nan, 1.0],
        "mean_confidence": [np.nan] * 4,
        "mean_loss": [0.1, 2.0, 0.3, 0.2],
    }
)


def test_ranks_count_from_the_most_suspicious__equal_ones_share_the_better():
    ranked = suspicion.with_ranks(SUMMARY)
    assert ranked.rank_consistency.tolist() == [4, 1, 2, 2]
    assert ranked.rank_mean_margin.tolist() == pytest.approx([3, 1, np.nan, 2], nan_ok=True)
    assert ranked.rank_mean_loss.tolist() == [4, 1, 2, 3]


def test_the_mean_rank_is_over_the_signals_that_the_run_has__unknown_where_one_is():
    expected = [(4 + 3 + 4) / 3, (1 + 1 + 1) / 3, np.nan, (2 + 2 + 3) / 3]
    assert suspicion.with_ranks(SUMMARY).mean_rank.tolist() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("by", suspicion.SUSPECT_SIGNALS)
def test_the_planted_sample_is_the_most_suspicious_by_every_signal(by):
    suspicions = suspicion.suspicion(SUMMARY.assign(mean_confidence=[0.9, 0.1, 0.8, 0.7]), by)
    assert np.nanargmax(suspicions) == 1


def test_an_unknown_signal_is_refused():
    with pytest.raises(ValueError, match="by must be one of consistency, mean_margin, mean_conf"):
        suspicion.suspicion(SUMMARY, "mood")


@pytest.mark.parametrize("seed", range(20))
def test_areas_and_curve_equal_scikit_learn__with_ties(seed):
    rng = np.random.default_rng(seed)
    suspicions = rng.integers(0, 1 + seed, 200) / 7
    is_wrong = rng.random(200) < 0.2 + 0.1 * suspicions
    assert suspicion.auroc(suspicions, is_wrong) == pytest.approx(metrics.roc_auc_score(is_wrong, suspicions))
    assert suspicion.average_precision(suspicions, is_wrong) == pytest.approx(
        metrics.average_precision_score(is_wrong, suspicions)
    )
    precision, recall, _ = metrics.precision_recall_curve(is_wrong, suspicions)
    curve = suspicion.precision_recall(suspicions, is_wrong)
    np.testing.assert_allclose(curve.precision, precision[:-1][::-1])
    np.testing.assert_allclose(curve.recall, recall[:-1][::-1])


@pytest.mark.parametrize("is_wrong", [[], [False, False], [True, True]])
def test_one_kind_of_label_has_no_area(is_wrong):
    wrong = np.array(is_wrong, bool)
    assert np.isnan(suspicion.auroc(np.arange(len(wrong)), wrong))


@pytest.mark.parametrize("is_wrong", [[], [False, False]])
def test_nothing_wrong_has_no_precision(is_wrong):
    wrong = np.array(is_wrong, bool)
    assert np.isnan(suspicion.average_precision(np.arange(len(wrong)), wrong))
