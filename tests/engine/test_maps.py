"""Maps: steady from one to the next, and true to the neighbours."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from engine import density, maps
from engine.density import DensitySettings


@pytest.fixture(scope="module")
def digits():
    features = density.normalised(load_digits().data[:600])
    return features, density.nearest_neighbours(features, DensitySettings(index="hnsw"), seed=0)


@pytest.fixture(scope="module")
def first(digits):
    return maps.draw_map(*digits, None, sample_ids=np.arange(600))


def test_neighbours_on_the_map_are_neighbours_in_feature_space(first):
    assert first.trust > 0.95
    assert np.isfinite(first.positions).all()
    assert np.isnan(first.movement)


def test_a_map_of_the_same_features_hardly_moves(digits, first):
    again = maps.draw_map(*digits, first.positions, sample_ids=np.arange(600))
    assert again.movement < 0.1
    assert again.trust == pytest.approx(first.trust, abs=0.01)


def test_a_map_is_the_same_whenever_it_is_drawn(digits, first):
    again = maps.draw_map(*digits, None, sample_ids=np.arange(600))
    assert_array_equal(again.positions, first.positions)


def test_neighbours_are_named_by_sample(digits):
    features, graph = digits
    drawn = maps.draw_map(features, graph, None, sample_ids=np.arange(600) * 3)
    assert_array_equal(drawn.neighbours, graph.ids * 3)


def test_drawing_leaves_the_threads_of_training_alone():
    """In a fresh process, since only numba's first parallel loop raises the count."""
    program = (
        "import numpy as np, torch; from engine import density, maps; torch.set_num_threads(1);"
        "features = density.normalised(np.random.default_rng(0).normal(size=(60, 4)));"
        "graph = density.nearest_neighbours(features, density.DensitySettings(), seed=0);"
        "maps.draw_map(features, graph, None, sample_ids=np.arange(60)); assert torch.get_num_threads() == 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_single_sample_has_a_map():
    alone = density.nearest_neighbours(np.ones((1, 4), np.float32), DensitySettings(), seed=0)
    drawn = maps.draw_map(np.ones((1, 4), np.float32), alone, None, sample_ids=np.arange(1))
    assert (drawn.positions.tolist(), drawn.neighbours.shape) == ([[0, 0]], (1, 0))
    assert maps.draw_map(np.ones((1, 4)), alone, drawn.positions, sample_ids=np.arange(1)).movement == 0


def test_movement_is_the_median_distance_in_units_of_the_spread():
    before = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert maps.movement(before, before) == 0
    assert maps.movement(before + np.array([0.5, 0]), before) == pytest.approx(0.5)


def test_trustworthiness__too_few_samples_have_none():
    assert np.isnan(maps.trustworthiness(np.ones((5, 3)), np.ones((5, 2))))


def test_shown_samples_are_all_or_a_fixed_draw():
    assert_array_equal(maps.shown_samples(100, 50), np.arange(100))
    shown = maps.shown_samples(30_000, 1000)
    assert len(np.unique(shown)) == 1000
    assert_array_equal(shown, maps.shown_samples(30_000, 1000))
