"""Curves are compared over the visited epochs alone, by value and by shape, as worked out by hand."""

import numpy as np
import pytest

from store import queries
from store.questions import curves
from store.questions.curves import least_visits, nearest
from store.run import Run
from tests.synthetic import make_run

NAN = np.nan
FALLING = np.array([4.0, 3.0, 2.0, 1.0])


def test_the_matrix_holds_each_sample_by_epoch(tmp_path):
    run: Run = make_run(tmp_path, samples=30, epochs=6)
    known = curves.matrix(run, "loss")
    assert known.shape == (30, 6)
    for sample_id in (0, 7, 29):
        history = queries.history(run, [sample_id])
        np.testing.assert_array_equal(known[sample_id], history["loss"].to_numpy(np.float32))
    assert np.isnan(known).any()


def test_by_value_the_distance_is_the_root_of_the_mean_square():
    known = np.array([[4, 3, 2, 1], [4, 4, 4, 4], [5, NAN, 3, 2]], np.float32)
    found = nearest(known, FALLING, by="value", top=3)
    assert found.ids.tolist() == [0, 2, 1]
    # over all epochs (0 + 1 + 4 + 9) / 4, over the three visited ones (1 + 1 + 1) / 3
    np.testing.assert_allclose(found.distances, [0, 1, np.sqrt(3.5)])


def test_by_shape_height_and_scale_do_not_count():
    known = np.array([[40, 30, 20, 10], [1, 2, 3, 4], [1, -1, -1, 1]], np.float32)
    found = nearest(known, FALLING, by="shape", top=3)
    assert found.ids.tolist() == [0, 2, 1]
    np.testing.assert_allclose(found.distances, [0, np.sqrt(2), 2], atol=1e-6)


def test_by_shape_the_drawn_curve_is_scaled_over_the_visited_epochs():
    curve, drawn = np.array([5, NAN, 3, 1], np.float32), np.array([1.0, 9.0, 4.0, 0.0])
    seen = [0, 2, 3]
    r = np.corrcoef(curve[seen], drawn[seen])[0, 1]
    found = nearest(curve[None], drawn, by="shape", top=1)
    np.testing.assert_allclose(found.distances, [np.sqrt(2 - 2 * r)])


def test_curves_without_shape_or_with_few_visits_are_left_out():
    level = [0.1, 0.1, 0.1, 0.1]
    few = [3, NAN, NAN, 1]
    known = np.array([level, few, [4, 3, 2, 1]], np.float32)
    by_shape = nearest(known, FALLING, by="shape", top=5)
    assert (by_shape.ids.tolist(), by_shape.compared) == ([2], 1)
    by_value = nearest(known, FALLING, by="value", top=5)
    assert (sorted(by_value.ids.tolist()), by_value.compared) == ([0, 2], 2)


def test_visits_must_reach_over_half_the_epochs():
    drawn = np.arange(12.0)
    known = np.full((2, 12), NAN, np.float32)
    known[0, :5] = drawn[:5]
    known[1, [0, 3, 5]] = drawn[[0, 3, 5]]
    assert nearest(known, drawn, by="value", top=2).ids.tolist() == [1]


@pytest.mark.parametrize(("epochs", "least"), [(1, 3), (12, 3), (13, 4), (200, 50)])
def test_a_quarter_of_the_epochs_must_be_visited(epochs: int, least: int):
    assert least_visits(epochs) == least


def test_many_samples_are_compared_as_one_is():
    rng = np.random.default_rng(0)
    known = rng.normal(size=(5000, 8)).astype(np.float32)
    known[rng.random(known.shape) < 0.2] = NAN
    drawn = rng.normal(size=8)
    found = nearest(known, drawn, by="shape", top=20)
    alone = [nearest(known[[place]], drawn, by="shape", top=1).distances[0] for place in found.ids]
    np.testing.assert_allclose(found.distances, alone)
    assert (np.diff(found.distances) >= 0).all()
