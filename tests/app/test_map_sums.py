"""The map's sums: what its bytes say, and who is inside a lasso by brute force."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray

from app.map import keyframes
from app.map.keyframes import Keyframes
from app.map.lasso import Lasso, is_inside
from store import queries
from store.run import Run
from tests.synthetic import JOINT, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=60, epochs=6)  # maps of epochs 0, 2, 4


def two_points(*epochs: int) -> Keyframes:
    """One sample that moves along x by 100 map units a keyframe, and one that stays at 0."""
    places = np.zeros((len(epochs), 2, 2), np.float32)
    places[:, 0, 0] = 100 * np.arange(len(epochs))
    return Keyframes(tuple(epochs), np.array([5, 9], np.uint32), places)


# ---- keyframes


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 0), (1, 50), (2, 100), (5, 150), (8, 200), (99, 200), (-3, 0)]
)
def test_positions_are_linear_between_keyframes_at_any_epochs(epoch: int, expected: float):
    places = two_points(0, 2, 8).at(epoch)
    assert places[:, 0] == pytest.approx([expected, 0])


@pytest.mark.parametrize("epoch", [0, 3, 7])
def test_positions__one_keyframe(epoch: int):
    assert two_points(3).at(epoch).tolist() == [[0, 0], [0, 0]]


def test_values_between_the_percentiles_span_all_codes(run: Run):
    colours = keyframes.colouring(run, run.data_version(), "rarity")
    known = colours.codes[colours.codes != keyframes.UNKNOWN]
    assert (known.min(), known.max()) == (0, 254)


def test_a_signal_that_can_be_negative_is_centred_at_zero(run: Run):
    colours = keyframes.colouring(run, run.data_version(), "margin")
    assert (colours.kind, colours.low) == ("diverging", -colours.high)


def test_heavy_tails_are_spread_by_their_square_roots(run: Run):
    colours = keyframes.colouring(run, run.data_version(), "loss")
    losses = queries.epoch_rows(run, 4, ["loss"])["loss"].to_numpy()
    known = ~np.isnan(losses)
    low, high = np.sqrt(colours.low), np.sqrt(colours.high)
    expected = np.round(np.clip((np.sqrt(losses[known]) - low) / (high - low), 0, 1) * 254)
    assert colours.codes[2, known] == pytest.approx(expected, abs=1)  # half steps round either way


def test_a_signal_nobody_knows_yet_has_no_ends(tmp_path: Path):
    run = make_run(tmp_path, samples=20, epochs=1)
    colours = keyframes.colouring(run, run.data_version(), "variance")  # needs L influences
    assert np.isnan(colours.low) and (colours.codes == keyframes.UNKNOWN).all()


def test_what_is_kept_in_memory_cannot_be_written(run: Run):
    frames = keyframes.keyframes(run, run.data_version())
    with pytest.raises(ValueError, match="read-only"):
        frames.positions[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        frames.places[0, 0, 0] = 1


def test_positions_are_shares_of_the_frame_and_return_to_map_units(run: Run):
    frames = keyframes.keyframes(run, run.data_version())
    back = np.array(frames.frame.low) + frames.positions / keyframes.GRID * frames.frame.side
    assert back == pytest.approx(frames.places, abs=frames.frame.side / keyframes.GRID)


def test_the_first_maps_have_the_frame_they_had_before_a_wider_one_came():
    assert two_points(0, 2, 8).first(2).frame == two_points(0, 2).frame
    assert two_points(0, 2, 8).frame.side == pytest.approx(2 * two_points(0, 2).frame.side)
    assert (two_points(0, 2, 8).first(2).positions == two_points(0, 2).positions).all()


def test_classes_that_fit_no_byte_are_not_offered():
    assert "label" in keyframes.colourings(255)
    assert "label" not in keyframes.colourings(256)


# ---- lassos


def inside_by_winding(x: float, y: float, corners: ndarray) -> bool:
    """Sums the angles under which a point sees the edges: odd turns are inside a simple polygon."""
    around = corners - (x, y)
    angles = np.arctan2(around[:, 1], around[:, 0])
    turns = (np.diff(np.append(angles, angles[0])) + np.pi) % (2 * np.pi) - np.pi
    return bool(abs(turns.sum()) > np.pi)


@given(seed=st.integers(0, 10_000), corners=st.integers(3, 30))
def test_points_are_inside_as_brute_force_says(seed: int, corners: int):
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.random(corners)) * 2 * np.pi
    reach = 0.1 + 0.4 * rng.random(corners)
    polygon = 0.5 + np.stack(
        [np.cos(angles) * reach, np.sin(angles) * reach], 1
    )  # a star: edges do not cross
    places = rng.random((50, 2))

    expected = [inside_by_winding(x, y, polygon) for x, y in places]
    assert is_inside(places, [(x, y) for x, y in polygon]).tolist() == expected


def test_a_lasso_holds_the_samples_where_they_are_in_its_epoch():
    frames = two_points(0, 2)
    near_zero = ((-1e-4, -1e-4), (1e-4, -1e-4), (1e-4, 1e-4), (-1e-4, 1e-4))
    assert Lasso(0, near_zero).ids(frames).tolist() == [5, 9]
    assert Lasso(2, near_zero).ids(frames).tolist() == [9]


def test_a_wider_map_that_comes_later_changes_nothing_about_who_is_inside():
    around = ((90.0, -1.0), (110.0, -1.0), (110.0, 1.0), (90.0, 1.0))
    assert Lasso(2, around).ids(two_points(0, 2)).tolist() == [5]
    assert Lasso(2, around).ids(two_points(0, 2, 8)).tolist() == [5]


def test_a_lasso_survives_the_address():
    lasso = Lasso(4, ((12.3457, -0.5), (1, 0), (-250.25, 1e-7)))
    assert str(lasso) == "4;12.3457,-0.5;1,0;-250.25,1e-07"
    assert Lasso.parse(str(lasso)) == lasso


@given(st.lists(st.tuples(*[st.floats(-1e9, 1e9, width=32)] * 2), min_size=3, max_size=9))
def test_what_is_received_is_what_its_address_says(corners: list[tuple[float, float]]):
    lasso = Lasso.received({"polygon": [list(corner) for corner in corners], "epoch": 4})
    assert lasso is not None
    assert Lasso.parse(str(lasso)) == lasso
    assert np.array(lasso.corners) == pytest.approx(np.array(corners), rel=1e-5, abs=1e-45)


@pytest.mark.parametrize(
    "text", ["", "4", "4;1,2;3,4", "x;1,2;3,4;5,6", "4;1,2;3,4;nan,6", "4;" + "1,2;" * 300 + "1,2"]
)
def test_a_lasso_that_is_none_is_not_read(text: str):
    assert Lasso.parse(text) is None


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"polygon": [[0, 0], [1, 0], [1, 1]]},
        {"polygon": [[0, 0], [1, 0]], "epoch": 1},
        {"polygon": [[0, 0, 0]] * 3, "epoch": 1},
        {"polygon": [[0, "a"]] * 3, "epoch": 1},
        {"polygon": [[0, float("nan")]] * 3, "epoch": 1},
        {"polygon": [[0, 1e300]] * 3, "epoch": 1},
        {"polygon": "everything", "epoch": 1},
        {"polygon": [[0, 0], [1, 0], [1, 1]], "epoch": -1},
        {"polygon": [[0, 0], [1, 0], [1, 1]] * 100, "epoch": 1},
    ],
)
def test_what_a_browser_may_send_in_malice_is_no_lasso(choice: dict[str, Any]):
    assert Lasso.received(choice) is None


def test_two_runs_on_one_scale_have_equal_ends(tmp_path: Path):
    runs = [make_run(tmp_path, samples=60, epochs=3, settings=(*JOINT, f"seed={seed}")) for seed in (0, 1)]
    alone = [keyframes.colouring(run, run.data_version(), "loss") for run in runs]
    one, other = keyframes.on_one_scale(runs, "loss")
    assert (one.low, one.high) == (other.low, other.high)
    assert (one.low, one.high) == (min(found.low for found in alone), max(found.high for found in alone))
    assert one.is_shared
    assert not any(found.is_shared for found in keyframes.on_one_scale(runs, "label"))
