"""How numbers look: three digits, units, separators, and a dash for what is not known."""

import math

import pytest

from app import wording
from store.schema import column


def words(text: str) -> str:
    """The text with plain spaces and minus signs."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.4123, "0.412"),
        (31.44, "31.4"),
        (12_130.4, "12,130"),
        (0.99996, "1.00"),
        (1, "1.00"),
        (0, "0"),
        (-0.0123, "-0.0123"),
        (0.000041, "4.1e-5"),
        (math.nan, "–"),
        (None, "–"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_have_three_digits(value: float | None, expected: str):
    assert words(wording.number(value)) == expected


def test_number__signed():
    assert (words(wording.number(0.012, signed=True)), words(wording.number(-0.012, signed=True))) == (
        "+0.0120",
        "-0.0120",
    )


@pytest.mark.parametrize(("value", "expected"), [(12130, "12,130"), (0, "0"), (math.nan, "–"), (None, "–")])
def test_counts_have_separators(value: float | None, expected: str):
    assert wording.count(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"), [(0.93849, "93.8 %"), (0.76, "76.0 %"), (1, "100 %"), (math.nan, "–"), (None, "–")]
)
def test_shares_are_percent(share: float | None, expected: str):
    assert words(wording.percent(share)) == expected


@pytest.mark.parametrize(("share", "expected"), [(0.5, "50 %"), (0.125, "12.5 %"), (None, "–")])
def test_shares_that_somebody_chose_are_as_short_as_they_are(share: float | None, expected: str):
    assert words(wording.setting_percent(share)) == expected


@pytest.mark.parametrize(
    ("difference", "expected"), [(0.0593, "+5.9 pts"), (-0.001, "-0.1 pts"), (math.nan, "–")]
)
def test_differences_of_shares_have_a_sign_and_a_unit(difference: float, expected: str):
    assert words(wording.points(difference)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.42, "0.4 s"),
        (9.97, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3840, "1 h 04 min"),
        (None, "–"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float | None, expected: str):
    assert words(wording.duration(seconds)) == expected


def test_spread_is_mean_and_standard_deviation_of_a_sample():
    # Mean 2; sum of squares 2; n - 1 = 2, so the standard deviation is 1.
    assert wording.spread([1, 2, 3]) == "2.00 ± 1.00"
    assert words(wording.spread([0.94, 0.96], as_percent=True)) == "95.0 ± 1.4 %"


@pytest.mark.parametrize(("values", "expected"), [([0.5], "50.0 %"), ([], "–"), ([math.nan], "–")])
def test_spread__too_few_values(values: list[float], expected: str):
    assert words(wording.spread(values, as_percent=True)) == expected


def test_interval_ends_at_what_is_possible():
    shown = wording.interval(0.9725, 1.0015, wording.percent, within=(0, 1))
    assert shown.replace("\N{NO-BREAK SPACE}", " ") == "97.2 % to 100 % (cut)"
    assert wording.interval(-0.5, 1.5, wording.number) == "−0.500 to 1.50"
    assert wording.interval(float("nan"), 1.0, wording.number) == "–"


def test_one_is_singular():
    assert (wording.plural(1, "run"), wording.plural(12, "run"), wording.plural(2, "has", "have")) == (
        "1 run",
        "12 runs",
        "2 have",
    )


def test_meaning_says_what_when_range_and_direction():
    meaning = wording.meaning(column("history", "rarity"))
    assert meaning.startswith("Rarity: neighbour distance, min-max scaled")
    assert meaning.endswith("; known after the epoch; 0 to 1; high = sparse")
