"""Signals: what is known after a visit, and what stays unknown."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from engine import signals
from engine.influence import Answers, InfluenceSettings, influence

NAN = np.float32(np.nan)


def seen_losses(losses, *, window=2, newest_weight=0.9):
    """The signals of one sample that had these losses in turn, as the visit probe takes them up."""
    settings = InfluenceSettings(window=window, newest_weight=newest_weight)
    known, ids = signals.unknown(np.array([0.5]), width=3, classes=2, settings=settings), np.array([0])
    for loss in losses:
        now = Answers(np.array([loss], np.float32), np.empty((1, 0), np.float16))
        changes = influence(now, signals.answers(known, ids), "loss")
        known = signals.answered(known, ids, now)
        known = signals.influenced(known, ids, changes, settings=settings)
        known = signals.visited(known, ids, losses=now.losses, entropies=np.array([0.5], np.float32))
    return known


def test_influence__first_visit_has_no_previous_loss():
    assert np.isnan(seen_losses([2.0]).influence[0])


def test_variance_waits_for_a_full_window():
    assert np.isnan(seen_losses([1.0, 2.0], window=2).variance[0])  # one influence
    assert_allclose(seen_losses([1.0, 2.0, 4.0], window=2).variance, [0.25])  # influences 1 and 2


def test_variance_is_a_moving_average_with_the_newest_weight():
    influences = [1.0, 2.0, 5.0]  # losses 0, 1, 3, 8; windows (1, 2) and (2, 5)
    known = seen_losses([0.0, 1.0, 3.0, 8.0], window=2, newest_weight=0.9)
    assert_allclose(known.window[0], [influences[2], influences[1]])
    assert_allclose(known.variance, [0.9 * 2.25 + 0.1 * 0.25])


def test_constant_influence_has_no_variance_and_alternating_influence_the_largest():
    steady = seen_losses([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], window=5)
    alternating = seen_losses([0.0, 4.0, 4.0, 0.0, 0.0, 4.0], window=5)
    assert steady.variance[0] == 0
    assert alternating.variance[0] > seen_losses([0.0, 2.0, 2.0, 1.0, 1.0, 3.0], window=5).variance[0]


def test_a_loss_that_is_not_finite_counts_as_not_seen():
    before = seen_losses([1.0, 2.0])
    after = seen_losses([1.0, 2.0, np.nan])
    assert np.isnan(after.influence).all()
    for name, values in before.arrays().items():
        if name != "influence":
            assert_array_equal(values, after.arrays()[name], err_msg=name)


def test_influence_is_empty_where_the_epoch_measured_none():
    known = signals.unknown(np.zeros(3), width=3, classes=2, settings=InfluenceSettings(window=2))
    known = signals.influenced(
        known, np.array([0, 2]), np.array([1.0, 2.0]), settings=InfluenceSettings(window=2)
    )
    known = signals.influenced(known, np.array([2]), np.array([4.0]), settings=InfluenceSettings(window=2))
    assert_array_equal(known.influence, [NAN, NAN, 4])
    assert_array_equal(known.observations, [1, 0, 2])
    assert_allclose(known.variance, [NAN, NAN, 1.0])


def test_visited_changes_neither_its_input_nor_the_samples_left_out():
    before = signals.unknown(np.zeros(3), width=3, classes=2)
    after = signals.visited(
        before, np.array([1]), losses=np.array([2.0], np.float32), entropies=np.array([0.1], np.float32)
    )
    assert np.isnan(before.loss).all()
    assert_array_equal(after.loss, np.array([NAN, 2.0, NAN]))
    assert_array_equal(after.entropy, np.array([NAN, 0.1, NAN], np.float32))


def test_probabilities_are_kept_only_for_the_proxies_that_compare_them():
    widths = {
        proxy: signals.unknown(
            np.zeros(2), width=3, classes=7, settings=InfluenceSettings(proxy=proxy)
        ).probabilities.shape[1]
        for proxy in ("loss", "kl", "kl_abs")
    }
    assert widths == {"loss": 0, "kl": 7, "kl_abs": 7}


def test_a_clean_pass_keeps_what_was_known_where_it_is_not_finite():
    known = signals.cleaned(
        signals.unknown(np.zeros(2), width=3, classes=2), np.array([1.0, 2.0], np.float32)
    )
    known = signals.cleaned(known, np.array([np.inf, 3.0], np.float32))
    assert_array_equal(known.clean_loss, [1, 3])


def test_changes_between_clean_passes_are_of_samples_that_were_visited_between_them():
    known = signals.unknown(np.zeros(3), width=3, classes=2)
    ids, entropies = np.array([0, 1]), np.zeros(2, np.float32)
    known = signals.visited(known, ids, losses=np.array([1.0, 2.0], np.float32), entropies=entropies)
    known = signals.cleaned(known, np.array([0.5, 0.5, 0.5], np.float32))
    known = signals.visited(known, ids[:1], losses=np.array([1.75], np.float32), entropies=entropies[:1])
    at_visits, clean = signals.changes_between_clean_passes(known, np.array([0.25, 0.5, 1.5], np.float32))
    assert_allclose(at_visits, [0.75, NAN, NAN])
    assert_allclose(clean, [0.25, 0, 1])


def test_refreshed_notes_the_epoch_of_each_row_and_skips_rows_that_are_not_finite():
    known = signals.unknown(np.zeros(3), width=2, classes=2)
    rows = np.array([[1.0, 0.0], [np.nan, 1.0]], np.float32)
    known = signals.refreshed(known, np.array([0, 2]), rows, epoch=4, clean=True)
    assert_array_equal(known.feature_epoch, [4, -1, -1])
    assert_array_equal(known.feature_clean, [True, False, False])
    assert_array_equal(known.features, [[1, 0], [0, 0], [0, 0]])


def test_density_is_one_over_neighbour_distance():
    known = signals.unknown(np.zeros(2), width=2, classes=2)
    known = signals.replace(known, neighbour_distance=np.array([0.5, NAN]))
    assert_allclose(known.density, [2.0, NAN])
