"""The line `map` on few samples: what is drawn from what, and what is counted."""

from pathlib import Path

import numpy as np
import pytest

from engine import density
from engine.bench import map as line
from engine.bench.line import Missing, Surroundings
from engine.bench.map import COLD, GIVEN, WARM, Compared, MapCost, Moment
from engine.density import DensitySettings


def moment(epoch: int, *, moved: float) -> Moment:
    """Sixty samples in three clusters, which lie a little elsewhere."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 8)) * 3
    places = centres[np.arange(60) % 3] + rng.normal(size=(60, 8)) * 0.5
    features = density.normalised(places + moved * np.random.default_rng(1).normal(size=(60, 8)))
    graph = density.nearest_neighbours(features, DensitySettings(index="exact"), seed=0)
    return Moment(epoch, features, graph)


def test_without_the_images_the_line_says_what_it_needs():
    with pytest.raises(Missing, match=r"needs cifar10_train\.parquet"):
        MapCost().measure(Surroundings(Path("cache")))


def test_warm_and_cold_are_drawn_from_the_same_features_after_the_asked_epochs(
    monkeypatch: pytest.MonkeyPatch,
):
    moments = [moment(epoch, moved=0.1 * epoch) for epoch in range(4)]
    asked = []

    def cold(now: Moment, *, given: bool) -> np.ndarray:
        asked.append((now.epoch, given))
        return now.features[:, :2]

    monkeypatch.setattr(line, "cold_positions", cold)
    found, seconds = line.compare(moments, (1, 3))
    assert [one.epoch for one in found] == [1, 3]
    assert sorted(asked) == [(1, False), (1, True), (3, False), (3, True)]
    assert {name: len(spent) for name, spent in seconds.items()} == {COLD: 2, WARM: 2, GIVEN: 2}
    assert np.isnan(found[0].cold_movement)
    assert found[1].cold_movement > 0


def test_the_noise_floor_is_the_movement_of_features_that_learned_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(line, "cold_positions", lambda now, *, given: now.features[:, :2])  # noqa: ARG005
    still = [moment(epoch, moved=0) for epoch in range(3)]
    found, _ = line.compare(still, (1, 2))
    assert all(one.movement == one.floor > 0 for one in found)


def test_the_goals_are_those_of_time_trust_and_late_movement():
    trust = {WARM: 0.98, COLD: 0.985, GIVEN: 0.986}
    found = [Compared(epoch, trust, 0.1 / (epoch + 1), 0.02, 0.3) for epoch in range(5)]
    judged = {figure.name: figure for figure in line.map_figures(found) if figure.goal}
    assert [str(figure.goal) for figure in judged.values()] == ["≤ 0.01", "≤ 2"]
    less, late = judged.values()
    assert np.allclose(less.values, 0.005)
    assert np.allclose(late.values, [0.1 / 3 / 0.02, 0.1 / 4 / 0.02, 0.1 / 5 / 0.02])  # the last three
    times = line.time_figures({COLD: [10.0], WARM: [0.5], GIVEN: [5.0]})
    assert [(str(one.goal), list(one.values)) for one in times if one.unit == "x"] == [
        ("≤ 0.07", [0.05]),
        ("None", [0.1]),
    ]


def test_cold_is_umap_learns_own_map_of_the_same_samples():
    now = moment(0, moved=0)
    positions = line.cold_positions(now, given=True)
    assert positions.shape == (60, 2)
    assert np.isfinite(positions).all()


def test_quick_names_the_same_line():
    assert (MapCost().quick().name, MapCost().quick().judged) == ("map", False)


def test_where_one_epoch_is_compared_no_movement_between_cold_maps_is_told():
    trust = {WARM: 0.98, COLD: 0.985, GIVEN: 0.986}
    alone = line.map_figures([Compared(2, trust, 0.1, 0.05, float("nan"))])
    assert all(len(figure.values) for figure in alone)
    assert "movement since the last compared map, cold" not in [figure.name for figure in alone]
