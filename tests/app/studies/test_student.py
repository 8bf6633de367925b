import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import stdtr

from app.studies import student


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 8, 9, 30, 31])
def test_p_values_are_those_of_scipy(df):
    for t in (-40.0, -2.5, 0.0, 0.3, 1.0, 2.776, 12.0):
        assert student.two_sided(t, df) == pytest.approx(2 * stdtr(df, -abs(t)), abs=1e-13)


def test_the_usual_five_percent_points():
    assert [round(student.two_sided(t, df), 3) for t, df in ((12.706, 1), (4.303, 2), (2.776, 4))] == [
        0.05
    ] * 3


def test_a_difference_without_spread_is_certain_and_none_is_chance():
    assert student.two_sided(math.inf, 3) == pytest.approx(0, abs=1e-15)
    assert student.two_sided(0, 3) == 1


def test_degrees_of_freedom_below_one_are_refused():
    with pytest.raises(ValueError, match="df must be at least 1; got 0"):
        student.two_sided(1, 0)


def test_a_larger_t_is_never_less_surprising():
    p = [student.two_sided(t, 6) for t in np.linspace(0, 20, 200)]
    assert all(later <= before for before, later in pairwise(p))
