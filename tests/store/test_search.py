"""Each condition finds what counting by hand finds, alone and joined with others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from store.questions import search
from store.questions.search import BY_NAME, PREDICATES, Term
from store.reader import ask
from store.run import Run
from tests.synthetic import make_run

EPOCHS = 20
VALUES = {
    "label": 3, "true_label": 4, "prediction": 2, "forgotten": 2, "learned_late": 3, "loss_rising": 6,
    "loss_falling": 6, "kept_at_most": 0.4, "flip_flops": 5, "high_variance": 0.1, "high_variability": 0.2,
    "rare": 0.6, "inconsistent": 0.4, "low_margin": 1.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    settings = ("strategy.kind=random_subset", "policy.kind=sada", "noise.kind=symmetric", "noise.share=0.2")
    return make_run(tmp_path_factory.mktemp("runs"), samples=90, epochs=EPOCHS, settings=settings)


def signal(run: Run, name: str) -> ndarray:
    """(N, E) of a column of history; NaN where it is empty."""
    rows = ask(
        run, f"SELECT sample_id, epoch, {name}::DOUBLE AS value FROM history ORDER BY sample_id, epoch"
    )
    return rows["value"].to_numpy(float).reshape(-1, EPOCHS)


def last(values: ndarray) -> ndarray:
    """The latest known value of each row."""
    return np.array([row[~np.isnan(row)][-1] if (~np.isnan(row)).any() else np.nan for row in values])


def slope(row: ndarray, value: float) -> float:
    epochs = np.arange(EPOCHS)
    seen = ~np.isnan(row) & (epochs >= EPOCHS - value)
    return np.polyfit(epochs[seen], row[seen], 1)[0] if seen.sum() >= 3 else np.nan


def forgotten(row: ndarray) -> int:
    visits = row[~np.isnan(row)]
    return int(((visits[:-1] == 1) & (visits[1:] == 0)).sum())


def top(values: ndarray, share: float) -> ndarray:
    return values >= np.nanquantile(values, 1 - share)


def by_hand(run: Run, name: str, value: float) -> ndarray:
    """(N,) whether the condition holds, counted sample by sample."""
    fixed = ask(run, "SELECT * FROM samples ORDER BY sample_id")
    correct, selected = signal(run, "correct"), signal(run, "selected")
    label, true_label = fixed["label"].to_numpy(), fixed["true_label"].to_numpy()
    has_right = (correct == 1).any(axis=1)
    first_right = np.where(has_right, (correct == 1).argmax(axis=1), np.nan)
    count: dict[str, Callable[[], ndarray]] = {
        "label": lambda: label == value,
        "true_label": lambda: true_label == value,
        "prediction": lambda: last(signal(run, "prediction")) == value,
        "disagrees": lambda: last(correct) == 0,
        "flipped": lambda: label != true_label,
        "forgotten": lambda: np.array([forgotten(row) >= value for row in correct]),
        "never_learned": lambda: ~has_right & (correct == 0).any(axis=1),
        "learned_late": lambda: first_right >= value,
        "unlearned": lambda: has_right & (last(correct) == 0),
        "loss_rising": lambda: np.array([slope(row, value) > 0 for row in signal(run, "loss")]),
        "loss_falling": lambda: np.array([slope(row, value) < 0 for row in signal(run, "loss")]),
        "always_kept": lambda: selected.all(axis=1),
        "never_kept": lambda: ~selected.any(axis=1),
        "kept_at_most": lambda: selected.mean(axis=1) <= value,
        "flip_flops": lambda: (np.diff(selected, axis=1) != 0).sum(axis=1) >= value,
        "high_variance": lambda: top(last(signal(run, "variance")), value),
        "high_variability": lambda: top(np.nanstd(signal(run, "confidence"), axis=1), value),
        "rare": lambda: last(signal(run, "rarity")) >= value,
        "inconsistent": lambda: fixed["consistency"].to_numpy() <= value,
        "low_margin": lambda: np.nanmean(signal(run, "margin"), axis=1) <= value,
    }
    return count[name]()


@pytest.mark.parametrize("name", [predicate.name for predicate in PREDICATES])
def test_a_condition_finds_what_counting_finds(run: Run, name: str):
    value = VALUES.get(name, 0)
    expected = np.flatnonzero(by_hand(run, name, value))
    assert search.find(run, [Term(name, value)]).tolist() == expected.tolist()
    if name not in ("always_kept", "never_kept", "never_learned", "unlearned"):
        assert 0 < len(expected) < 90, "a condition that finds all or none proves nothing"


def test_joined_conditions_find_the_samples_of_all(run: Run):
    terms = [Term("forgotten", 1), Term("flip_flops", 5), Term("loss_falling", 10)]
    expected = np.logical_and.reduce([by_hand(run, term.name, term.value) for term in terms])
    assert search.find(run, terms).tolist() == np.flatnonzero(expected).tolist()
    assert expected.any()


def test_all_conditions_together_are_one_question(run: Run):
    assert search.find(run, [Term(name, VALUES.get(name, 0)) for name in BY_NAME]).tolist() == []


def test_no_condition_finds_nothing(run: Run):
    assert search.find(run, []).tolist() == []


def test_always_and_never_kept_are_told_apart(tmp_path: Path):
    run = make_run(tmp_path, samples=20, epochs=4, settings=("strategy.kind=everything",))
    assert search.find(run, [Term("always_kept")]).tolist() == list(range(20))
    assert search.find(run, [Term("never_kept")]).tolist() == []


def test_a_name_that_is_no_condition_is_refused(run: Run):
    with pytest.raises(KeyError):
        search.find(run, [Term("1 = 1; DROP TABLE history")])
