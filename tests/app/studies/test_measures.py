"""What a study is judged by, on runs written by hand or whose numbers another question knows."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from app.studies import measures
from store import queries
from store.questions import signatures
from store.run import Run
from store.schema import EPOCH_COLUMNS, METRIC_COLUMNS
from tests.synthetic import make_run

# Classes of 4, 2 and 1 samples: the median size is 2, so class 2 alone is rare.
LABELS = np.array([0, 0, 0, 0, 1, 1, 2])


def written(
    root: Path,
    config: dict[str, object] | None = None,
    *,
    truth: np.ndarray = LABELS,
    kept: Sequence[Iterable[int]] = (range(len(LABELS)),),
    **columns: list[float],
) -> Run:
    """A run of an epoch in which all were kept, or of those that kept names; columns: of its history."""
    run = Run.create(root, config or {})
    count = len(LABELS)
    known = {"label": LABELS, "true_label": truth, "consistency": np.ones(count)}
    run.write_samples({"sample_id": np.arange(count), **known}, ["large", "middle", "rare"])
    unknown = {column.name: np.full(count, np.nan) for column in EPOCH_COLUMNS if column.name != "epoch"}
    given = {name: np.array(values, float) for name, values in columns.items()}
    metrics = {column.name: np.nan for column in METRIC_COLUMNS if column.name != "epoch"}
    times = {"seconds_train": 4.0, "seconds_index": 0.5, "seconds_query": 0.5}
    for epoch, ids in enumerate(kept):
        chosen = {"sample_id": np.arange(count), "selected": np.isin(np.arange(count), list(ids))}
        run.write_epoch(epoch, {**unknown, **chosen, **given}, metrics | times)
    return run


def test_strength_of_rare_classes_is_theirs_minus_that_of_the_others(tmp_path: Path):
    run = written(tmp_path, strength=[0.2, 0.4, 0.4, 0.6, 0.5, 0.7, 0.9])
    # class means 0.4, 0.6 and, rare, 0.9
    assert measures.value(run, "rare_strength") == pytest.approx(0.9 - (0.4 + 0.6) / 2)


def test_strengths_that_grow_with_the_size_of_the_class_are_correlated_with_it(tmp_path: Path):
    run = written(tmp_path, strength=[0.9, 0.8, 0.8, 0.9, 0.5, 0.7, 0.1])
    assert measures.value(run, "size_strength") == pytest.approx(1)
    other = written(tmp_path, strength=[0.1, 0.1, 0.1, 0.1, 0.5, 0.7, 0.4])
    # ranks of sizes 4, 2, 1 are 3, 2, 1, of strengths 0.1, 0.6, 0.4 are 1, 3, 2: 1 - 6 (4 + 1 + 1) / (3 * 8)
    assert measures.value(other, "size_strength") == pytest.approx(-0.5)


def test_rare_classes_right_are_counted_on_clean_images_alone(tmp_path: Path):
    run = written(tmp_path, clean_loss=[1] * 7, clean_correct=[0, 0, 0, 0, 0, 0, 1], correct=[0] * 7)
    assert measures.value(run, "rare_accuracy") == 1


def test_meaning_is_kept_where_what_is_right_when_clean_is_right_when_augmented(tmp_path: Path):
    run = written(
        tmp_path, strength=[0.1] * 7, clean_correct=[1, 1, 1, 1, 0, 0, 0], correct=[1, 1, 1, 0, 1, 0, 0]
    )
    assert measures.value(run, "meaning_kept") == 3 / 4


def test_cost_of_neighbours_is_of_index_and_query_over_training(tmp_path: Path):
    assert measures.value(written(tmp_path), "neighbour_cost") == pytest.approx((0.5 + 0.5) / 4)


def test_wrong_labels_kept_are_a_share_of_the_visits_after_warm_up(tmp_path: Path):
    # the last two of seven samples are wrong; after warm-up, 4 visits with 1 wrong, 2 with 1
    truth = np.array([0, 0, 0, 0, 1, 0, 0])
    kept = [range(7), (0, 1, 2, 6), (0, 5)]
    run = written(tmp_path, {"strategy": {"kind": "joint", "warmup_epochs": 1}}, truth=truth, kept=kept)
    assert measures.value(run, "kept_noise") == pytest.approx((1 + 1) / (4 + 2))


@pytest.mark.parametrize(
    "name",
    [
        "rare_strength",
        "size_strength",
        "rare_accuracy",
        "meaning_kept",
        "variance_change",
        "consistency_auroc",
        "kept_noise",
    ],
)
def test_a_run_that_did_not_record_it_is_unknown(tmp_path: Path, name: str):
    assert np.isnan(measures.value(written(tmp_path), name))


def test_measures_of_a_whole_run_agree_with_what_other_pages_show(tmp_path: Path):
    run = make_run(tmp_path, samples=40, epochs=8)
    recorded = queries.metrics(run)
    medians = queries.epoch_stats(run, "variance")["q50"].dropna()
    bands = signatures.lost_by_strength(run)
    assert measures.value(run, "test_accuracy") == recorded["test_accuracy"].iloc[-1]
    assert measures.value(run, "backpropagated") == recorded["samples_backpropagated"].sum()
    assert measures.value(run, "consistency_auroc") == 0.91
    assert measures.value(run, "variance_change") == pytest.approx(medians.iloc[-1] / medians.iloc[0] - 1)
    lost = (bands["lost"] * bands["n"]).sum() / bands["n"].sum()
    assert measures.value(run, "meaning_kept") == pytest.approx(1 - lost)


def test_every_measure_says_what_it_is_in_few_words():
    for name, measure in measures.MEASURES.items():
        assert measure.name == name
        assert measure.meaning[0].islower() or measure.meaning.startswith("Jaccard")
        assert len(measure.label) < 30
