"""Density: neighbours against brute force, rarity, and what joins the bank."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neighbors import NearestNeighbors

from engine import density, exact, hnsw
from engine.density import DensitySettings

BOTH = pytest.mark.parametrize("index", ["hnsw", "exact"])


def clustered(samples, width=16, clusters=5, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, width))
    return density.normalised(
        centres[rng.integers(clusters, size=samples)] + 0.3 * rng.normal(size=(samples, width))
    )


def test_hnsw_agrees_with_brute_force():
    features = clustered(500)
    found = density.nearest_neighbours(features, DensitySettings(index="hnsw"), seed=0)
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
    found = density.nearest_neighbours(features, DensitySettings(index="hnsw"), seed=0)
    exact = density.nearest_neighbours(features, DensitySettings(index="exact"), seed=0)
    assert found.recall == pytest.approx(density.recall(found.ids, exact.ids))


def test_recall_counts_shared_neighbours():
    assert density.recall(np.array([[1, 2], [3, 4]]), np.array([[2, 9], [4, 3]])) == 3 / 4


def test_same_seed_same_neighbours():
    features = clustered(400)
    first, second = (
        density.nearest_neighbours(features, DensitySettings(index="hnsw"), seed=3) for _ in range(2)
    )
    assert_array_equal(first.ids, second.ids)


def test_without_own_drops_the_own_id_wherever_it_stands():
    ids = np.array([[0, 1, 2], [2, 1, 0], [1, 0, 3]])  # the last row misses itself
    squared = np.array([[0.0, 1.0, 4.0], [0.25, 0.25, 1.0], [1.0, 4.0, 9.0]])
    found, distances = hnsw.without_own(ids, squared, 2)
    assert_array_equal(found, [[1, 2], [2, 0], [1, 0]])
    assert_allclose(distances, [[1, 2], [0.5, 1], [1, 2]])


@BOTH
def test_distances_are_not_squared(index):
    features = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], np.float32)
    found = density.nearest_neighbours(features, DensitySettings(k=1, index=index), seed=0)
    assert_allclose(found.distances, np.sqrt([[2], [2], [2]]), rtol=1e-6)


def test_an_isolated_point_has_rarity_one():
    features = np.vstack([np.tile([1.0, 0.0], (60, 1)), [[-1.0, 0.0]]]) + np.random.default_rng(0).normal(
        0, 0.02, (61, 2)
    )
    found = density.nearest_neighbours(density.normalised(features), DensitySettings(index="hnsw"), seed=0)
    rarity = density.rarity(density.neighbour_distance(found))
    assert rarity[60] == 1
    assert np.median(rarity) < 0.6


@BOTH
def test_duplicates_do_not_count_themselves(index):
    features = np.tile(np.array([[0.6, 0.8]], np.float32), (30, 1))
    found = density.nearest_neighbours(features, DensitySettings(k=5, index=index), seed=0)
    assert not (found.ids == np.arange(30)[:, None]).any()
    assert_array_equal(found.distances, 0)


@BOTH
def test_fewer_samples_than_neighbours(index):
    found = density.nearest_neighbours(clustered(4), DensitySettings(k=10, index=index), seed=0)
    assert found.ids.shape == (4, 3)


def test_normalised__a_row_of_zeros_stays_one():
    assert_allclose(density.normalised(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0, 0]])


def test_the_search_must_be_wide_enough():
    with pytest.raises(ValueError, match="ef must be larger than k = 40"):
        DensitySettings(k=40, ef=30)


# ---- which index


@pytest.mark.parametrize(
    ("setting", "device", "index", "reason"),
    [
        ("auto", "cpu", "hnsw", "an HNSW graph, as in the paper"),
        ("auto", "cuda:0", "exact", "a GPU (cuda:0) compares all pairs faster"),
        ("hnsw", "cuda", "hnsw", "density.index is set to hnsw"),
        ("exact", "cpu", "exact", "density.index is set to exact"),
        ("none", "cuda:0", "none", "density.index is set to none"),
    ],
)
def test_auto_takes_the_papers_index_on_a_processor_and_says_why(setting, device, index, reason):
    used, why = density.chosen_index(DensitySettings(index=setting), device)
    assert used == index
    assert why.startswith(reason)


def test_rows_of_training_join_the_bank_only_where_all_samples_were_seen():
    together, visited = DensitySettings(), DensitySettings(bank="visited")
    assert density.takes_up(10, 10, together)
    assert not density.takes_up(9, 10, together)
    assert density.takes_up(9, 10, visited)


@BOTH
def test_neighbours_know_how_they_were_found(index):
    found = density.nearest_neighbours(clustered(300), DensitySettings(index=index), seed=0)
    assert found.index_used == index
    assert found.seconds_exact > 0


def test_what_exact_neighbours_would_take_is_what_the_checked_rows_took_times_their_share(monkeypatch):
    # One second by this clock passes between two looks: building, asking, then 200 of 400 rows compared.
    ticks = iter(range(100))
    monkeypatch.setattr(density, "perf_counter", lambda: float(next(ticks)))
    found = density.nearest_neighbours(clustered(400), DensitySettings(index="hnsw"), seed=0)
    assert found.seconds_exact == 1.0 * 400 / 200


def test_exact__blocks_leave_no_row_out(monkeypatch):
    features = clustered(100)
    whole = exact.exact_neighbours(features, np.arange(100), 3, "cpu")
    monkeypatch.setitem(exact.PAIRS_AT_ONCE, "cpu", 700)  # seven rows at once, two in the last block
    for one, other in zip(whole, exact.exact_neighbours(features, np.arange(100), 3, "cpu"), strict=True):
        assert_array_equal(one, other)


def test_exact__ties_are_broken_by_id():
    features = np.repeat(np.eye(2, dtype=np.float32), 4, axis=0)
    ids, _ = exact.exact_neighbours(features, np.array([0, 5]), 3, "cpu")
    assert_array_equal(ids, [[1, 2, 3], [4, 6, 7]])


# ---- within a class


@BOTH
def test_neighbours_within_a_class_are_those_of_the_class_alone(index):
    features, labels = clustered(300), np.arange(300) % 3
    settings = DensitySettings(k=4, index=index)
    found = density.nearest_neighbours(features, settings, seed=0, labels=labels)
    assert (labels[found.ids] == labels[:, None]).all()
    for label in range(3):
        rows = np.flatnonzero(labels == label)
        alone = density.nearest_neighbours(features[rows], settings, seed=0)
        assert_array_equal(found.ids[rows], rows[alone.ids])
        assert_array_equal(found.distances[rows], alone.distances)
    assert found.recall >= 0.98


@BOTH
def test_a_class_of_few_has_fewer_neighbours_and_a_class_of_one_none(index):
    features = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0], [0.6, 0.8]], np.float32)
    labels = np.array([0, 0, 0, 1, 1, 2])
    settings = DensitySettings(k=10, index=index)
    found = density.nearest_neighbours(features, settings, seed=0, labels=labels)
    assert_array_equal(found.ids, [[1, 2], [0, 2], [1, 0], [4, -1], [3, -1], [-1, -1]])
    root = np.sqrt(2)
    expected = [(root + 2) / 2, root, (root + 2) / 2, root, root, np.nan]
    assert_allclose(density.neighbour_distance(found), expected, rtol=1e-6)
    assert found.recall == 1


def test_rarity_within_a_class_does_not_compare_classes():
    distance = np.array([0.1, 0.2, 0.3, 10.0, 20.0, 30.0])
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert_array_equal(density.rarity(distance, labels), [0, 0.5, 1, 0, 0.5, 1])
    assert density.rarity(distance)[2] < 0.02


def test_rarity__equal_distances_a_class_of_one_and_the_unknown():
    distance = np.array([0.3, 0.3, np.nan, np.nan, 0.1, 0.2])
    labels = np.array([0, 0, 5, 7, 7, 7])
    assert_array_equal(density.rarity(distance, labels), [0.5, 0.5, 1, np.nan, 0, 1])


def test_a_single_sample_has_no_neighbours():
    found = density.nearest_neighbours(np.ones((1, 2), np.float32), DensitySettings(), seed=0)
    assert found.ids.shape == (1, 0)
    assert_array_equal(density.rarity(density.neighbour_distance(found)), [np.nan])


# ---- what the index's errors do to the choice


def test_kept_jaccard_counts_who_is_kept_by_both():
    # The top half by one is {0, 1, 2}, by the other {1, 2, 3}: two of four.
    scores, true = np.array([6.0, 5, 4, 3, 2, 1]), np.array([3.0, 6, 5, 4, 2, 1])
    assert density.kept_jaccard(scores, true, 0.5) == 2 / 4
    assert density.kept_jaccard(scores, scores, 0.5) == 1


def test_kept_jaccard__unknown_scores_are_kept_last():
    assert density.kept_jaccard(np.array([np.nan, 1, 2]), np.array([9.0, 1, 2]), 1 / 3) == 0


@pytest.mark.parametrize(("samples", "rows"), [(5, 5), (200, 200), (1000, 200)])
def test_checked_rows_spread_over_all(samples, rows):
    checked = density.checked_rows(samples, 200)
    assert (len(checked), checked[0], checked[-1]) == (rows, 0, samples - 1)
    assert_array_equal(checked, np.unique(checked))


def test_clip_decides_how_much_of_either_end_becomes_0_or_1():
    distance = np.arange(11, dtype=np.float32)
    assert_allclose(density.rarity(distance, clip=0), distance / 10)
    assert_allclose(density.rarity(distance, clip=0.2), np.clip((distance - 2) / 6, 0, 1))  # 2 to 8
    low, high = np.percentile(distance.astype(np.float64), (1, 99))
    assert_array_equal(density.rarity(distance), np.clip((distance - low) / (high - low), 0, 1).astype("f4"))


# ---- the order in which samples join the graph


def test_samples_join_the_graph_a_third_at_random_and_then_along_the_main_direction():
    features = np.array([[place, 0.1 * (place % 2)] for place in range(30)], np.float32)
    order = hnsw.joining_order(features)
    assert sorted(order) == list(range(30))
    steps = np.diff(order[10:])
    assert (steps > 0).all() or (steps < 0).all()
    assert_array_equal(order, hnsw.joining_order(features))


def test_samples_of_well_separated_classes_are_found():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(50, 32))
    features = density.normalised(centres[np.arange(3000) % 50] + 0.02 * rng.normal(size=(3000, 32)))
    assert density.nearest_neighbours(features, DensitySettings(index="hnsw"), seed=0).recall >= 0.95


def test_features_that_are_not_finite_join_as_they_come():
    assert_array_equal(hnsw.joining_order(np.full((4, 2), np.nan, np.float32)), np.arange(4))
