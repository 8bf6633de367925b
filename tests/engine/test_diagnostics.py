"""Every failure signature planted in a run, taken out again, and with nothing recorded to see it by."""

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from engine import diagnostics, scaling
from engine.diagnostics import DIAGNOSTICS, Badge, badge, between_runs, cost, kept, strength, trust
from store.questions import signatures
from store.run import Run
from tests import planting
from tests.planting import IDS, UNKNOWN, Plant
from tests.synthetic import make_run

NAN = float("nan")
EVERYTHING = ("strategy.kind=everything", "policy.kind=sada", "noise.kind=symmetric")
FIRST_HALF, SECOND_HALF = IDS < 30, IDS >= 30
IN_TURN = planting.kept(lambda epoch: (IDS + epoch) % 2 == 0)
# Twelve of sixty labels are wrong.
WRONG = IDS < 12
TRUTH = {"label": IDS % 10, "true_label": np.where(WRONG, (IDS + 1) % 10, IDS % 10)}
NO_TRUTH = {"label": IDS % 10, "true_label": np.full(60, -1)}
ALL_RIGHT = {"label": IDS % 10, "true_label": IDS % 10}
THREE = np.repeat([0, 1, 2], [40, 15, 5])
LONG_TAIL = {"label": THREE, "true_label": THREE}
LOW_FIRST = {**ALL_RIGHT, "consistency": np.where(IDS < 15, 0.1, 0.9)}

# The rows of the table of failure signatures, and what computes each; the last group is this project's own.
SIGNATURES: dict[str, tuple[Callable[..., Badge], ...]] = {
    "strength stagnates or jumps when learning stalls": (strength.stalls, strength.piles_up),
    "minority classes under-augmented": (strength.small_classes,),
    "semantic loss under strong augmentation": (strength.meaning_lost,),
    "accuracy below baseline with noise in the kept set": (kept.noise,),
    "no speed-up": (cost.speed_up, cost.index_pays),
    "kept samples in the wrong region": (kept.region,),
    "HNSW error": (trust.recall, trust.jaccard, trust.index_is_named),
    "CLIP domain gap": (trust.consistency,),
    "hard but valid samples dropped": (kept.hard_dropped,),
    "monopoly": (kept.monopoly, kept.stale_features),
    "class collapse": (kept.class_collapse,),
    "learning-rate sensitivity": (between_runs,),
    "ours": (trust.map_trust, cost.accuracy_fell),
}


@dataclass(frozen=True)
class Case:
    """One diagnostic on a run with its failure, on one without it, and on one that cannot show it."""

    diagnostic: Callable[[Run], Badge]
    failing: Plant
    sound: Plant
    silent: Plant


def of_history(**columns: object) -> Plant:
    return Plant(history=columns)


def of_metrics(**columns: object) -> Plant:
    return Plant(metrics=columns)


CASES = (
    Case(
        kept.noise,
        Plant(samples=TRUTH, history={"selected": planting.kept(FIRST_HALF)}),  # 12 of 30 against 12 of 60
        Plant(samples=TRUTH, history={"selected": planting.kept(SECOND_HALF)}),
        Plant(samples=NO_TRUTH),
    ),
    Case(
        kept.region,
        of_history(selected=planting.kept(FIRST_HALF), neighbour_distance=np.where(FIRST_HALF, 0.1, 0.9)),
        of_history(selected=planting.kept(FIRST_HALF), neighbour_distance=np.where(FIRST_HALF, 0.9, 0.1)),
        of_history(neighbour_distance=UNKNOWN),
    ),
    Case(
        kept.class_collapse,
        Plant(samples=LONG_TAIL, history={"selected": planting.kept(THREE != 1)}),
        Plant(samples=LONG_TAIL, history={"selected": IN_TURN}),
        Plant(settings=EVERYTHING),
    ),
    Case(
        kept.hard_dropped,
        Plant(
            samples=LOW_FIRST,
            history={"selected": planting.kept(SECOND_HALF), "margin": np.where(FIRST_HALF, 5.0, -1.0)},
        ),
        Plant(
            samples=LOW_FIRST,
            history={"selected": planting.kept(SECOND_HALF), "margin": np.where(FIRST_HALF, -5.0, 1.0)},
        ),
        Plant(samples={"consistency": UNKNOWN}),
    ),
    Case(
        kept.monopoly,
        of_history(selected=planting.kept(FIRST_HALF)),
        of_history(selected=IN_TURN),
        Plant(settings=EVERYTHING),
    ),
    Case(
        trust.consistency,
        Plant(samples={**TRUTH, "consistency": (IDS % 7) / 7}),
        Plant(samples={**TRUTH, "consistency": np.where(WRONG, 0.1, 0.9)}),
        Plant(samples=NO_TRUTH),
    ),
    Case(
        strength.stalls,
        Plant(history={"strength": lambda epoch: np.full(60, epoch / 12)}, metrics={"mean_loss": 1.0}),
        Plant(
            history={"strength": lambda epoch: np.full(60, epoch / 12)},
            metrics={"mean_loss": lambda epoch: 1 / (epoch + 1)},
        ),
        Plant(settings=("strategy.kind=joint", "policy.kind=none")),
    ),
    Case(
        strength.piles_up,
        of_history(strength=np.where(IDS < 31, 0.99, 0.5), selected=np.ones(60, bool)),
        of_history(strength=np.where(IDS < 29, 0.99, 0.5), selected=np.ones(60, bool)),
        of_history(strength=UNKNOWN),
    ),
    Case(
        strength.small_classes,
        Plant(samples=LONG_TAIL, history={"strength": np.array([0.8, 0.5, 0.2])[THREE]}),
        Plant(samples=LONG_TAIL, history={"strength": np.array([0.2, 0.5, 0.8])[THREE]}),
        Plant(samples={"label": IDS % 3, "true_label": IDS % 3}),
    ),
    Case(
        strength.meaning_lost,
        of_history(
            selected=np.ones(60, bool), clean_correct=np.ones(60),
            strength=np.where(FIRST_HALF, 0.1, 0.9), correct=FIRST_HALF | (IDS % 2 == 0),
        ),
        of_history(
            selected=np.ones(60, bool), clean_correct=np.ones(60),
            strength=np.where(FIRST_HALF, 0.1, 0.9), correct=IDS % 2 == 0,
        ),
        of_history(clean_correct=UNKNOWN),
    ),
    Case(
        cost.accuracy_fell,
        of_metrics(test_accuracy=lambda epoch: 0.9 if epoch < 11 else 0.87),
        of_metrics(test_accuracy=lambda epoch: 0.9 if epoch < 11 else 0.89),
        of_metrics(test_accuracy=NAN),
    ),
    Case(
        cost.speed_up,  # full data: 2 s in each of 11 epochs and 1 s in epoch 0
        of_metrics(seconds_train=1.0, seconds_features=1.0, seconds_index=0.0, seconds_query=0.0),
        of_metrics(seconds_train=1.0, seconds_features=0.8, seconds_index=0.0, seconds_query=0.0),
        Plant(settings=EVERYTHING),
    ),
    Case(
        cost.index_pays,
        of_metrics(seconds_index=0.5, seconds_query=0.6, exact_seconds=1.0),
        of_metrics(seconds_index=0.1, seconds_query=0.1, exact_seconds=1.0),
        of_metrics(exact_seconds=NAN),
    ),
    Case(trust.recall, of_metrics(recall=0.979), of_metrics(recall=0.98), of_metrics(recall=NAN)),
    Case(trust.jaccard, of_metrics(jaccard=0.94), of_metrics(jaccard=0.96), of_metrics(jaccard=NAN)),
    Case(
        trust.index_is_named,
        of_metrics(recall=1.0, seconds_query=0.9, exact_seconds=1.0),
        of_metrics(recall=1.0, seconds_query=0.2, exact_seconds=1.0),
        of_metrics(recall=1.0, seconds_query=0.9, exact_seconds=NAN),
    ),
    Case(trust.map_trust, of_metrics(map_trust=0.89), of_metrics(map_trust=0.91), of_metrics(map_trust=NAN)),
    Case(
        kept.stale_features,
        of_metrics(feature_age=lambda epoch: float(epoch)),
        of_metrics(feature_age=2.0),
        of_metrics(feature_age=NAN),
    ),
)  # fmt: skip
each_case = pytest.mark.parametrize("case", CASES, ids=[case.diagnostic.__name__ for case in CASES])


@each_case
def test_a_planted_failure_is_red(case: Case, tmp_path: Path):
    found = case.diagnostic(case.failing.run(tmp_path))
    assert (found.verdict, found.n > 0) == ("red", True), found


@each_case
def test_a_run_without_the_failure_is_green(case: Case, tmp_path: Path):
    found = case.diagnostic(case.sound.run(tmp_path))
    assert (found.verdict, found.n > 0) == ("green", True), found


@each_case
def test_what_the_log_does_not_hold_is_unknown_and_says_why(case: Case, tmp_path: Path):
    found = case.diagnostic(case.silent.run(tmp_path))
    assert (found.verdict, found.number, found.n) == ("unknown", "–", 0), found
    assert found.sentence.endswith(".")


def test_every_diagnostic_has_its_cases():
    assert [case.diagnostic for case in CASES] == list(DIAGNOSTICS)


def test_every_failure_signature_is_diagnosed():
    assert {one for several in SIGNATURES.values() for one in several} == {*DIAGNOSTICS, between_runs}


def test_no_diagnostic_is_forgotten():
    files = Path(diagnostics.__path__[0]).glob("*.py")
    nodes = [node for path in files for node in ast.parse(path.read_text()).body]
    public = {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.returns and not node.name.startswith("_")
        if ast.unparse(node.returns) == "Badge"
    }
    assert public == {diagnostic.__name__ for diagnostic in (*DIAGNOSTICS, between_runs)}


def test_a_run_without_an_epoch_is_never_green_by_its_epochs(tmp_path: Path):
    found = diagnostics.diagnosed(make_run(tmp_path, epochs=0))
    measured = [one for one in found if one.verdict != "unknown"]
    assert [one.name for one in measured] == ["Consistency against the truth"]  # known before the first


def test_a_flipped_rarity_keeps_the_wrong_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert kept.region(Plant().run(tmp_path / "as it is")).verdict == "green"
    scaled = scaling.scaled
    monkeypatch.setattr(scaling, "scaled", lambda values, how: 1 - scaled(values, how))
    assert kept.region(Plant().run(tmp_path / "flipped")).verdict == "red"


def test_a_region_matters_only_where_rarity_does(tmp_path: Path):
    chance = Plant(settings=("strategy.kind=random_subset",))
    assert kept.region(chance.run(tmp_path)).verdict == "unknown"


def test_strength_that_jumps_while_learning_stalls_is_red(tmp_path: Path):
    jumping = Plant(
        history={"strength": lambda epoch: np.full(60, 0.3 if epoch % 2 else 0.6)}, metrics={"mean_loss": 1.0}
    )
    assert strength.stalls(jumping.run(tmp_path)).verdict == "red"


def test_consistency_that_fails_in_one_class_names_it(tmp_path: Path):
    """Class one, where wrong labels look better than right ones, hides behind class zero."""
    label, is_wrong = (IDS >= 40).astype(int), (IDS < 14) | (IDS >= 50)
    by_class = {0: np.where(is_wrong, 0.1, 0.9), 1: np.where(is_wrong, 0.6, 0.5)}
    samples = {
        "label": label,
        "true_label": np.where(is_wrong, 1 - label, label),
        "consistency": np.where(label == 0, by_class[0], by_class[1]),
    }
    found = trust.consistency(Plant(samples=samples).run(tmp_path, epochs=1))
    assert (found.verdict, found.number) == ("red", "0.884")  # (14 * 36 + 10 * 26) / (24 * 36)
    assert "within class one: 0" in found.sentence


def test_hard_samples_come_with_their_ids_and_without_known_noise(tmp_path: Path):
    truth = {"label": IDS % 10, "true_label": np.where(IDS < 5, (IDS + 1) % 10, IDS % 10)}
    plant = Plant(
        samples={**LOW_FIRST, **truth},
        history={"selected": planting.kept(SECOND_HALF), "margin": np.where(FIRST_HALF, 100.0 - IDS, -1.0)},
    )
    assert kept.hard_dropped(plant.run(tmp_path)).ids == tuple(range(5, 15))


def test_exact_neighbours_are_not_judged_as_an_index(tmp_path: Path):
    exact = Plant(settings=("strategy.kind=joint", "density.index=exact")).run(tmp_path, epochs=2)
    asked = (trust.recall, trust.jaccard, trust.index_is_named, cost.index_pays)
    assert {diagnostic(exact).verdict for diagnostic in asked} == {"unknown"}


def with_rate(root: Path, variance: np.ndarray, **setting: object) -> Run:
    """A run with this variance, as if it had been trained with these settings."""
    run = of_history(variance=variance).run(root, epochs=2)
    rest = {key: value for key, value in run.config().items() if key not in ("learning_rate", "optimizer")}
    (run.folder / "config.json").write_text(json.dumps({**rest, **setting}))
    return run


@pytest.mark.parametrize(
    "low", [{"learning_rate": 0.01}, {"optimizer": {"kind": "sgd", "learning_rate": 0.01}}]
)
@pytest.mark.parametrize(("variance", "verdict"), [(60.0 - IDS, "red"), (2.0 * IDS, "green")])
def test_the_order_by_variance_is_compared_between_learning_rates(
    low: dict[str, object], variance: np.ndarray, verdict: str, tmp_path: Path
):
    high = json.loads(json.dumps(low).replace("0.01", "0.1"))
    runs = [with_rate(tmp_path, IDS * 1.0, **low), with_rate(tmp_path, variance, **high)]
    found = between_runs(runs)
    assert (found.verdict, found.n) == (verdict, 2)
    assert "0.01 and 0.1" in found.sentence


def test_runs_that_differ_in_more_than_the_learning_rate_are_not_compared(tmp_path: Path):
    runs = [
        with_rate(tmp_path, IDS * 1.0, learning_rate=0.1, batch_size=32),
        with_rate(tmp_path, IDS * 1.0, learning_rate=0.01, batch_size=64),
    ]
    assert between_runs(runs).verdict == between_runs([]).verdict == "unknown"


def test_learning_rates_without_a_variance_are_unknown(tmp_path: Path):
    runs = [with_rate(tmp_path, UNKNOWN, learning_rate=rate) for rate in (0.1, 0.01)]
    assert between_runs(runs).verdict == "unknown"


def test_gini_is_0_for_equal_counts_and_nearly_1_for_a_monopoly():
    assert kept.gini(np.array([3, 3, 3])) == pytest.approx(0)
    assert kept.gini(np.array([0, 0, 0, 8])) == pytest.approx(3 / 4)
    assert np.isnan(kept.gini(np.zeros(3)))


def test_numbers_are_written_with_three_digits():
    written = [badge.figure(value) for value in (0.41234, -12.345, 12130.2, 0, 0.00041)]
    assert written == ["0.412", "−12.3", "12,130", "0", "0.0004"]
    assert badge.percent(-0.0213) == "−2.1\N{NO-BREAK SPACE}%"


def test_a_question_of_the_last_variance_takes_the_last_known_one(tmp_path: Path):
    run = of_history(variance=lambda epoch: np.full(60, NAN if epoch == 2 else epoch)).run(tmp_path, epochs=3)
    assert signatures.last_variances([run])["variance"].tolist() == [1.0] * 60
