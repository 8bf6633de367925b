"""What is said of influence: how it agrees with clean losses, what asking cost, and nothing where unknown."""

import math

from pandas import DataFrame

from app.overview import agreement


def test_agreement_is_the_mean_of_the_epochs_that_measured_it():
    metrics = DataFrame({"clean_agreement": [math.nan, 0.2, 0.4], "samples_probed": [0, 0, 0]})
    said = agreement.sentence(metrics)
    assert said.startswith("Spearman 0.300 with clean influence, 2 epochs measured; 1 = the same order")
    assert "probe" not in said


def test_the_probe_says_what_it_cost():
    metrics = DataFrame({"clean_agreement": [math.nan, math.nan], "samples_probed": [1000, 437]})
    assert agreement.sentence(metrics) == "The probe cost 1,437 more samples forwarded"


def test_nothing_measured_says_nothing():
    assert agreement.sentence(DataFrame({"clean_agreement": [math.nan], "samples_probed": [0]})) == ""
    assert agreement.sentence(DataFrame({"clean_agreement": [], "samples_probed": []})) == ""
