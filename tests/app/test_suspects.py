"""Suspects: who comes first, what is suggested, how a ranking is graded, and what a file of them says."""

import math
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

from app.exporting import export
from app.noise import suspects

NAN = math.nan


def summary(**columns: Any) -> DataFrame:
    count = len(next(iter(columns.values())))
    known = {"sample_id": np.arange(count), "label": 0, "true_label": NAN, "last_prediction": 0.0}
    values = dict.fromkeys(("consistency", "mean_margin", "mean_confidence", "mean_loss"), 0.5)
    return DataFrame({**known, **values, **columns})


def test_the_least_consistent_is_the_first_suspect():
    ranked = suspects.ranked(summary(consistency=[0.9, 0.1, NAN, 0.5]), "consistency")
    assert (ranked["sample_id"].tolist(), ranked["rank"].tolist()) == ([1, 3, 0], [1, 2, 3])


def test_the_mean_rank_is_over_the_rankings_that_the_run_has():
    def averaged(consistency: list[float]) -> int:
        frame = summary(consistency=consistency).assign(last_rarity=0.5)
        return suspects.findings(frame, "mean_rank", rows=10, points=10).averaged

    assert (averaged([0.1, 0.9]), averaged([NAN, NAN])) == (4, 3)


def test_only_another_class_is_suggested():
    ranked = suspects.ranked(summary(consistency=[0.1, 0.2, 0.3], last_prediction=[0, 8, NAN]), "consistency")
    assert ranked["suggested_label"].isna().tolist() == [True, False, True]
    assert ranked["suggested_label"][1] == 8


def test_whether_a_label_is_flipped_is_unknown_where_the_truth_is():
    flipped = suspects.is_flipped(summary(true_label=[0.0, 8.0, NAN]))
    assert flipped.tolist() == [False, True, pd.NA]


def test_a_ranking_that_puts_all_wrong_labels_first_is_perfect():
    frame = summary(consistency=[0.1, 0.9, 0.2, 0.8], true_label=[8.0, 0.0, 8.0, 0.0])
    assert suspects.grades(frame)["consistency"] == (1.0, 1.0, 4, 2)
    assert suspects.precision_recall(frame, "consistency")["precision"].tolist() == [1, 1, 2 / 3, 0.5]


def test_grades__nobody_knows_the_truth():
    grade = suspects.grades(summary(consistency=[0.1, 0.9]))["consistency"]
    assert (grade.n, grade.flipped, math.isnan(grade.auroc)) == (0, 0, True)


def test_more_points_than_can_be_drawn_keep_the_suspects():
    frame = DataFrame({"sample_id": np.arange(100)})
    drawn = suspects.drawable(frame, pd.Series([90, 7]), most=10)
    assert len(drawn) == 10
    assert {90, 7} <= set(drawn["sample_id"])
    assert (
        drawn["sample_id"].tolist()
        == suspects.drawable(frame, pd.Series([90, 7]), most=10)["sample_id"].tolist()
    )
    assert suspects.drawable(frame, pd.Series([90]), most=100) is frame


def test_a_thinned_curve_keeps_its_beginning_and_its_end():
    curve = DataFrame({"k": np.arange(1, 101)})
    assert suspects.thinned(curve, most=6)["k"].tolist() == [1, 2, 3, 4, 52, 100]
    assert suspects.thinned(curve, most=100) is curve


def test_an_exported_row_says_where_it_comes_from():
    ranked = suspects.ranked(summary(consistency=[0.9, 0.1], last_prediction=[0, 8]), "consistency")
    table = export.suspects(ranked, by="consistency", run_id="r", config={"seed": 1}, epoch=3)
    first = table.iloc[0]
    assert (first["sample_id"], first["suggested_label"], first["epoch"], first["run"]) == (1, 8, 3, "r")
    assert first["config"] == export.config_digest({"seed": 1}) != export.config_digest({"seed": 2})
    assert pd.read_csv(BytesIO(export.csv(table)))["rank"].tolist() == [1, 2]
    pd.testing.assert_frame_equal(pd.read_parquet(BytesIO(export.parquet(table))), table)


def test_equal_settings_have_equal_digests_in_any_order():
    assert export.config_digest({"a": 1, "b": 2}) == export.config_digest({"b": 2, "a": 1})
