"""Draws can be replayed and are even; magnitudes grow from identity; geometry finds each pixel's origin."""

import numpy as np
import pytest

from engine import operations
from engine.operations import OPERATIONS, Draws, draw

FIELDS = ("operation", "sign", "shift_y", "shift_x", "flip")
CODES = range(len(OPERATIONS))


def rows(draws: Draws, keep: slice) -> list[list[float]]:
    return [getattr(draws, field)[keep].tolist() for field in FIELDS]


def magnitude(name: str, strength: float, sign: float = 1.0, side: int = 32) -> float:
    code = np.array([OPERATIONS.index(name)])
    return float(operations.magnitudes(code, np.array([strength]), np.array([sign]), side)[0])


def test_draws_depend_on_the_sample_and_not_on_the_batch():
    ids = np.array([7, 0, 49_999, 3, 3, 12])
    whole = draw(ids, seed=5, epoch=2)
    assert rows(draw(ids[1:4], seed=5, epoch=2), slice(None)) == rows(whole, slice(1, 4))
    assert rows(whole, slice(3, 4)) == rows(whole, slice(4, 5))


def test_draws_of_a_seed_and_epoch_never_change():
    draws = draw(np.array([0, 1, 2]), seed=0, epoch=0)
    assert [OPERATIONS[code] for code in draws.operation] == ["identity", "posterize", "translate_y"]
    assert draws.sign.tolist() == [-1, -1, 1]
    assert (draws.shift_y.tolist(), draws.shift_x.tolist()) == ([-3, -4, 1], [1, -1, 0])
    assert draws.flip.tolist() == [True, False, False]  # runs already recorded replay from these numbers


@pytest.mark.parametrize(
    "other", [{"seed": 1, "epoch": 0}, {"seed": 0, "epoch": 1}, {"seed": 2**64 - 1, "epoch": 0}]
)
def test_another_seed_or_epoch_draws_independently(other: dict[str, int]):
    ids = np.arange(14_000)
    same = (draw(ids, seed=0, epoch=0).operation == draw(ids, **other).operation).sum()
    assert same == pytest.approx(1000, abs=5 * (1000 * 13 / 14) ** 0.5)  # one in 14, five standard errors


def test_operations_are_drawn_evenly():
    counts = np.bincount(draw(np.arange(140_000), seed=3, epoch=9).operation, minlength=14)
    assert len(counts) == 14
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 34.5  # chi-squared, 13 degrees of freedom, p = 0.001


def test_crops_are_even_and_signs_and_flips_are_fair():
    draws = draw(np.arange(90_000), seed=3, epoch=9)
    cells = np.bincount((draws.shift_y + 4) * 9 + draws.shift_x.astype(int) + 4, minlength=81)
    assert len(cells) == 81
    assert ((cells - 90_000 / 81) ** 2 / (90_000 / 81)).sum() < 124.9  # 80 degrees of freedom, p = 0.001
    assert abs(draws.sign.mean()) < 5 / 300  # five standard errors of 90,000 fair signs
    assert abs(draws.flip.mean() - 0.5) < 2.5 / 300
    assert abs(np.corrcoef(draws.operation, draws.flip)[0, 1]) < 5 / 300


def test_pad_and_flip_leave_operation_and_sign_alone():
    ids = np.arange(50)
    full, bare = draw(ids, seed=1, epoch=1), draw(ids, seed=1, epoch=1, pad=0, flip=False)
    assert rows(bare, slice(None))[:2] == rows(full, slice(None))[:2]
    assert not bare.shift_y.any() and not bare.shift_x.any() and not bare.flip.any()


def test_pad_beyond_what_the_log_holds_is_refused():
    with pytest.raises(ValueError, match="pad must be from 0 to 127; got 128"):
        draw(np.arange(2), seed=0, epoch=0, pad=128)


@pytest.mark.parametrize(
    ("name", "strength", "sign", "expected"),
    [
        ("identity", 1.0, -1, 0.0),
        ("shear_x", 0.5, -1, -0.15),
        ("translate_y", 1.0, 1, 10.0),  # 10 / 32 of 32 pixels
        ("translate_x", 0.33, -1, -3.0),  # 3.3 pixels
        ("rotate", 0.5, 1, 15.0),
        ("brightness", 0.5, -1, 1 - 0.45),
        ("sharpness", 1.0, 1, 1.9),
        ("posterize", 0.6, 1, 8 - 2.0),  # 2.4 bits
        ("solarize", 0.25, 1, 192.0),
        ("equalize", 0.3, -1, 0.3),
    ],
)
def test_magnitude_is_strength_times_the_full_magnitude(
    name: str, strength: float, sign: float, expected: float
):
    assert magnitude(name, strength, sign) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("code", CODES, ids=OPERATIONS)
def test_magnitude_moves_away_from_identity_and_never_back(code: int, sign: float):
    strengths = np.linspace(0, 1, 101)
    sizes = operations.magnitudes(np.full(101, code), strengths, np.full(101, sign), 32)
    away = np.abs(sizes - operations.MONOTONE[code].at_zero)
    assert away[0] == 0
    assert (np.diff(away) >= 0).all()


@pytest.mark.parametrize("refused", [np.nan, -0.01, 1.01, np.inf])
def test_strength_outside_zero_to_one_is_refused(refused: float):
    strengths = np.array([0.5, refused])
    with pytest.raises(ValueError, match=rf"strengths must be from 0 to 1; got {refused} in row 1"):
        operations.magnitudes(np.zeros(2, int), strengths, np.ones(2), 32)


def test_batch_magnitudes__translations_follow_their_own_side():
    codes = np.array([operations.TRANSLATE_X, operations.TRANSLATE_Y], np.uint8)
    draws = Draws(
        codes, np.ones(2, np.float32), np.zeros(2, np.int8), np.zeros(2, np.int8), np.zeros(2, bool)
    )
    assert operations.batch_magnitudes(draws, np.ones(2), 16, 64).tolist() == [
        20.0,
        5.0,
    ]  # 10/32 of 64 and of 16


def test_inverse_affine_of_a_quarter_turn_reads_columns_from_rows():
    matrix = operations.inverse_affines(np.array([operations.ROTATE]), np.array([90.0]), 5, 5)[0]
    assert matrix @ [-2, -1, 1] == pytest.approx([3, 0])  # anticlockwise: the left edge was the top edge
