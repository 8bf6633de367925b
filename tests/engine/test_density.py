import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neighbors import NearestNeighbors

from engine import density
from engine.density import DensitySettings
from engine.scaling import scaled


def clustered(samples, width=16, clusters=5, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, width))
    return density.normalised(
        centres[rng.integers(clusters, size=samples)] + 0.3 * rng.normal(size=(samples, width))
    )


def test_hnsw_agrees_with_brute_force():
    features = clustered(500)
    found = density.nearest_neighbours(features, DensitySettings(), seed=0)
    distances, ids = NearestNeighbors(n_neighbors=11, algorithm="brute").fit(features).kneighbors(features)
    assert density.recall(found.ids, ids[:, 1:]) >= 0.98
    assert_allclose(np.median(found.distances / distances[:, 1:]), 1, atol=1e-3)


def test_exact_agrees_with_brute_force():
    features = clustered(300)
    found = density.nearest_neighbours(features, DensitySettings(index="exact"), seed=0)
    distances, ids = NearestNeighbors(n_neighbors=11, algorithm="brute").fit(features).kneighbors(features)
    assert density.recall(found.ids, ids[:, 1:]) == 1
    assert_allclose(found.distances, distances[:, 1:], atol=1e-5)


def test_recall_that_is_logged_is_the_recall_of_the_index():
    features = clustered(150)
    found = density.nearest_neighbours(features, DensitySettings(), seed=0)
    exact = density.nearest_neighbours(features, DensitySettings(index="exact"), seed=0)
    assert found.recall == pytest.approx(density.recall(found.ids, exact.ids))


def test_recall_counts_shared_neighbours():
    assert density.recall(np.array([[1, 2], [3, 4]]), np.array([[2, 9], [4, 3]])) == 3 / 4


def test_same_seed_same_neighbours():
    features = clustered(400)
    first, second = (density.nearest_neighbours(features, DensitySettings(), seed=3) for _ in range(2))
    assert_array_equal(first.ids, second.ids)


def test_without_own_drops_the_own_id_wherever_it_stands():
    ids = np.array([[0, 1, 2], [2, 1, 0], [1, 0, 3]])  # the last row misses itself
    squared = np.array([[0.0, 1.0, 4.0], [0.25, 0.25, 1.0], [1.0, 4.0, 9.0]])
    found, distances = density.without_own(ids, squared, 2)
    assert_array_equal(found, [[1, 2], [2, 0], [1, 0]])
    assert_allclose(distances, [[1, 2], [0.5, 1], [1, 2]])


def test_distances_are_not_squared():
    features = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], np.float32)
    found = density.nearest_neighbours(features, DensitySettings(k=1), seed=0)
    assert_allclose(found.distances, np.sqrt([[2], [2], [2]]), rtol=1e-6)


def test_an_isolated_point_has_rarity_one():
    features = np.vstack([np.tile([1.0, 0.0], (60, 1)), [[-1.0, 0.0]]]) + np.random.default_rng(0).normal(
        0, 0.02, (61, 2)
    )
    found = density.nearest_neighbours(density.normalised(features), DensitySettings(), seed=0)
    rarity = scaled(density.neighbour_distance(found), "percentile")
    assert rarity[60] == 1
    assert np.median(rarity) < 0.6


def test_duplicates_do_not_count_themselves():
    features = np.tile(np.array([[0.6, 0.8]], np.float32), (30, 1))
    found = density.nearest_neighbours(features, DensitySettings(k=5), seed=0)
    assert not (found.ids == np.arange(30)[:, None]).any()
    assert_array_equal(found.distances, 0)


def test_fewer_samples_than_neighbours():
    found = density.nearest_neighbours(clustered(4), DensitySettings(k=10), seed=0)
    assert found.ids.shape == (4, 3)


def test_normalised__a_row_of_zeros_stays_one():
    assert_allclose(density.normalised(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0, 0]])


def test_the_search_must_be_wide_enough():
    with pytest.raises(ValueError, match="ef must be larger than k = 40"):
        DensitySettings(k=40, ef=30)
