import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine import signals
from engine.signals import InfluenceSettings

NAN = np.float32(np.nan)


def seen_losses(losses, *, window=2, newest_weight=0.9):
    """The signals of one sample that had these losses in turn."""
    known = signals.unknown(1, window=window, width=3, consistency=np.array([0.5]))
    for loss in losses:
        known = signals.visited(
            known,
            np.array([0]),
            losses=np.array([loss], np.float32),
            confidences=np.array([np.exp(-loss)], np.float32),
            settings=InfluenceSettings(window=window, newest_weight=newest_weight),
        )
    return known


def test_influence_is_the_absolute_change_of_the_loss():
    assert_allclose(signals.influence(np.array([1.0, 3.0]), np.array([1.5, 2.0])), [0.5, 1.0])


def test_influence__first_visit_has_no_previous_loss():
    assert np.isnan(seen_losses([2.0]).influence[0])


def test_window_variance_is_the_population_variance():
    assert_allclose(signals.window_variance(np.array([[1.0, 2.0, 6.0]])), [(4 + 1 + 9) / 3])


def test_variance_waits_for_a_full_window():
    assert np.isnan(seen_losses([1.0, 2.0], window=2).variance[0])  # one influence
    assert_allclose(seen_losses([1.0, 2.0, 4.0], window=2).variance, [0.25])  # influences 1 and 2


def test_variance_is_a_moving_average_with_the_newest_weight():
    influences = [1.0, 2.0, 5.0]  # losses 0, 1, 3, 8; windows (1, 2) and (2, 5)
    known = seen_losses([0.0, 1.0, 3.0, 8.0], window=2, newest_weight=0.9)
    assert_allclose(known.window[0], [influences[2], influences[1]])
    assert_allclose(known.variance, [0.9 * 2.25 + 0.1 * 0.25])


def test_moving_average__the_first_value_stands_for_itself():
    newest, average = np.array([2.0, 3.0, NAN, NAN]), np.array([NAN, 1.0, 5.0, NAN])
    assert_allclose(signals.moving_average(newest, average, 0.9), [2.0, 0.9 * 3 + 0.1 * 1, 5.0, NAN])


def test_constant_influence_has_no_variance_and_alternating_influence_the_largest():
    steady = seen_losses([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], window=5)
    alternating = seen_losses([0.0, 4.0, 4.0, 0.0, 0.0, 4.0], window=5)
    assert steady.variance[0] == 0
    assert alternating.variance[0] > seen_losses([0.0, 2.0, 2.0, 1.0, 1.0, 3.0], window=5).variance[0]


def test_a_loss_that_is_not_finite_counts_as_not_seen():
    before = seen_losses([1.0, 2.0])
    after = seen_losses([1.0, 2.0, np.nan])
    for name, values in before.arrays().items():
        assert_array_equal(values, after.arrays()[name], err_msg=name)


def test_visited_changes_neither_its_input_nor_the_samples_left_out():
    before = signals.unknown(3, window=2, width=3, consistency=np.zeros(3))
    after = signals.visited(
        before,
        np.array([1]),
        losses=np.array([2.0], np.float32),
        confidences=np.array([0.1], np.float32),
        settings=InfluenceSettings(window=2),
    )
    assert np.isnan(before.loss).all()
    assert_array_equal(after.loss, np.array([NAN, 2.0, NAN]))


def test_refreshed_notes_the_epoch_of_each_row_and_skips_rows_that_are_not_finite():
    known = signals.unknown(3, window=2, width=2, consistency=np.zeros(3))
    rows = np.array([[1.0, 0.0], [np.nan, 1.0]], np.float32)
    known = signals.refreshed(known, np.array([0, 2]), rows, 4)
    assert_array_equal(known.feature_epoch, [4, -1, -1])
    assert_array_equal(known.features, [[1, 0], [0, 0], [0, 0]])


def test_density_is_one_over_neighbour_distance():
    known = signals.unknown(2, window=2, width=2, consistency=np.zeros(2))
    known = signals.replace(known, neighbour_distance=np.array([0.5, NAN]))
    assert_allclose(known.density, [2.0, NAN])


@pytest.mark.parametrize("window", [1, 51])
def test_window_must_hold_a_variance(window):
    with pytest.raises(ValueError, match="window"):
        InfluenceSettings(window=window)
