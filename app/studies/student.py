"""Student's t distribution for whole degrees of freedom, in closed form.

Pairs of runs are counted, so nothing else is needed; scipy for this one number would take 14 MB of the app.
"""

import math


def two_sided(t: float, df: int) -> float:
    """Returns the p value of t, P(|T| >= |t|), to 1e-14 (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).

    Raises ValueError below one degree of freedom.
    """
    if df < 1:
        raise ValueError(f"df must be at least 1; got {df}")
    angle = math.atan2(abs(t), math.sqrt(df))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    is_odd = df % 2
    term = math.cos(angle) if is_odd else 1.0
    total = term if df > 1 else 0.0
    for step in range(2 + is_odd, df - 1, 2):
        term *= square * (step - 1) / step
        total += term
    inside = (angle + sine * total) * 2 / math.pi if is_odd else sine * total
    return max(0.0, 1.0 - inside)
