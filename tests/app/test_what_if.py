"""What if, as a person meets it: sliders, what they change, what is launched, how a prediction fared."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame
from streamlit.testing.v1 import AppTest

from app import launch, markup
from app.samples import reasons
from app.studies import reading
from app.theme import LIGHT
from app.what_if import what_if_charts, what_if_launch, what_if_words
from engine.config import RunConfig, parse
from store import files, predictions, queries
from store.questions import terms
from store.run import Run, find_runs
from tests.pages import charts, texts
from tests.synthetic import JOINT, make_run

Page = Callable[..., AppTest]
NARROW = ("strategy.keep=0.3",)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, one of the same settings with another seed, and one that keeps less."""
    root = tmp_path_factory.mktemp("written")
    for settings in (("study=s", "seed=0"), ("study=s", "seed=1"), ("study=narrow", *NARROW)):
        make_run(root, epochs=8, settings=(*JOINT, *settings))
    return root


@pytest.fixture
def base(tmp_path: Path, written: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The first of these runs, in a folder of its own."""
    root = tmp_path / "runs"
    shutil.copytree(written, root)
    monkeypatch.setenv("UNDERTOW_RUNS", str(root))
    return next(run for run in find_runs(root) if is_of(run, study="s", seed=0))


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that the page queues; nothing trains."""
    begun: list[Run] = []

    def submit_all(root: Path, configs: list[RunConfig]) -> list[Run]:
        begun.extend(Run.create(root, config.model_dump(mode="json")) for config in configs)
        return begun

    monkeypatch.setattr(launch, "submit_all", submit_all)
    return begun


def opened(page: Page, base: Run, epoch: int = 5) -> AppTest:
    return page(base.folder.parent, "ablations", section="what_if", run=base.id, epoch=epoch)


def is_of(run: Run, *, study: str, seed: int) -> bool:
    return (run.config()["study"], run.config()["seed"]) == (study, seed)


def move(at: AppTest, label: str, value: float) -> AppTest:
    next(found for found in at.slider if found.label == label).set_value(value).run()
    assert not at.exception
    return at


def test_the_runs_own_settings_change_nothing(page: Page, base: Run):
    at = opened(page, base)
    said = texts(at)
    assert "At the run's own settings this gives exactly the set that the run kept." in said
    assert "round(0.5 × 60) = 30 highest scores" in said
    assert "The settings are the run's own: move a slider" in said
    assert "No run was launched from here yet" in said
    assert "0 samples enter and 0 leave the kept set" in charts(at)


def test_a_slider_changes_the_set_at_once_and_the_way_back_undoes_it(page: Page, base: Run):
    at = move(opened(page, base), "Keep", 0.3)
    said = texts(at)
    assert "<td>30</td><td>18</td>" in said  # kept, before and after
    assert "<td>1.00</td><td>0.600</td>" in said  # the 18 highest of the 30: 18 / 30 shared
    assert "0 samples enter and 12 leave the kept set" in charts(at)
    at = move(at, "Min consistency", 0.5)
    assert "highest scores with consistency ≥ 0.5" in texts(at)
    at.button(key="what_if_reset").click().run()
    assert "<td>30</td><td>30</td>" in texts(at)


def test_another_strategy_and_a_draw_have_settings_of_their_own(page: Page, base: Run):
    at = opened(page, base)
    next(box for box in at.selectbox if box.label == "Strategy").set_value("infobatch").run()
    assert [found.label for found in at.slider][1:2] == ["Drop chance"]
    assert "each below it with a chance of 50.0 %" in texts(at)
    next(box for box in at.selectbox if box.label == "Strategy").set_value("rarity_only").run()
    assert "Score = rarity. Kept: round(0.5 × 60)" in texts(at)
    assert not at.exception


def test_an_epoch_that_trains_on_all_says_why_nothing_changes(page: Page, base: Run):
    at = opened(page, base, epoch=0)
    assert "Epoch 0 is one of the warm-up, which trains on all samples" in texts(at)
    assert "No sample has both a rarity and a consistency yet" in texts(at)


def test_what_was_shown_is_launched_and_what_it_should_keep_is_written(
    page: Page, base: Run, launched: list[Run]
):
    at = move(move(opened(page, base), "Keep", 0.3), "Clip", 0.05)
    move(at, "Seeds", 2)
    said = texts(at)
    assert "strategy.keep</dt><dd><s>0.5</s> → 0.3" in said
    assert "density.clip</dt><dd><s>0.01</s> → 0.05" in said
    next(button for button in at.button if button.label == "Launch 2 runs").click().run()
    assert not at.exception
    assert not at.error
    configs = [run.config() for run in launched]
    assert [config["seed"] for config in configs] == [0, 1]
    assert {config["name"] for config in configs} == {"what if keep 0.3, clip 0.05"}
    wanted = parse(base.config(), ["strategy.keep=0.3", "density.clip=0.05"])
    for run in launched:
        found = predictions.read(run)
        assert found is not None
        assert (found.base, found.epoch, found.of) == (base.id, 5, 60)
        assert list(found.kept) == [1, 2, 3, 4, 5, 6, 7]
        assert [len(ids) for ids in found.kept.values()] == [18] * 7
        assert parse(run.config()).strategy == wanted.strategy
    assert "Queued 2 runs" in at.success[0].value
    assert "queued, 0 of 8 epochs" in texts(at)


def test_predicted_is_held_against_actual_beside_seeds_and_chance(page: Page, base: Run):
    """The same invented world with the same seed knows the same before the first selection: Jaccard 1."""
    checked(base)
    at = opened(page, base, epoch=1)
    said = texts(at)
    assert "n = 1 run" in said
    assert "this run against 1 run of the same settings with another seed" in said
    # 18 of 60 by chance: 18 * 18 / 60 = 5.4 shared of 30.6.
    assert "<td>18</td><td>1.00</td>" in said
    assert "<td>0.176</td>" in said
    assert [alt for alt in charts(at) if alt.startswith("Mean Jaccard of predicted and kept: ")]


def test_a_damaged_prediction_is_told_and_hides_nothing(page: Page, base: Run):
    run = checked(base)
    (run.folder / predictions.NAME).write_bytes(b"PAR1")
    at = opened(page, base)
    said = f"predicted.parquet of run {run.id} is no whole prediction"
    assert at.error[0].value.startswith(markup.markdown(said))
    assert "What would be kept" in texts(at)


def test_a_run_of_a_program_of_its_own_cannot_be_selected_again(page: Page, base: Run):
    files.write_json(base.folder / "config.json", {"tracked": True, "epochs": 8, "seed": 0, "study": "s"})
    assert "This run's selection cannot be done again" in texts(opened(page, base))


def checked(base: Run) -> Run:
    """A finished run of narrower settings, with what the base run's log says that it keeps."""
    root = base.folder.parent
    done = next(run for run in find_runs(root) if is_of(run, study="narrow", seed=0))
    blank = Run.create(root, done.config())
    config = parse(done.config())
    [prediction] = what_if_launch.predicted(base, [config], 1)
    shutil.copy(predictions.write(blank, prediction), done.folder)
    shutil.rmtree(blank.folder)
    return done


# ---- charts and words


def test_the_contour_holds_exactly_the_points_of_the_cut():
    curve = what_if_charts.contour(0.25, (1.0, 2.0))
    assert len(curve) > 100
    score = (curve["rarity"] + 1e-6) * (curve["consistency"] + 1e-6) ** 2
    assert np.allclose(score, 0.25)
    level = what_if_charts.contour(0.25, (0.0, 2.0))
    assert np.allclose(level["consistency"], 0.5, atol=1e-5)
    upright = what_if_charts.contour(0.25, (2.0, 0.0))
    assert np.allclose(upright["rarity"], 0.5, atol=1e-5)
    assert upright["consistency"].tolist() == [0, 1]
    assert what_if_charts.contour(float("nan"), (1, 1)).empty
    assert what_if_charts.contour(0.25, (0, 0)).empty


def test_bars_show_shares_and_counts_of_each_class():
    rows = DataFrame({"label": [0, 1], "n": [10, 20], "before": [5, 5], "after": [1, 20]})
    figure = what_if_charts.classes(rows, ["cat"], LIGHT)
    assert [list(bar.x) for bar in figure.data] == [[0.5, 0.25], [0.1, 1.0]]
    assert list(figure.data[0].y) == ["cat", "1"]


def test_a_prediction_curve_is_told_from_its_references():
    curves = DataFrame(
        {
            "name": ["a", "a", "seeds alone", "chance"],
            "kind": ["predicted", "predicted", "seeds", "chance"],
            "epoch": [1, 2, 1, 1],
            "jaccard": [1.0, 0.5, 0.7, 0.2],
        }
    )
    figure = what_if_charts.agreement(curves, LIGHT, last_epoch=2)
    assert [line.line.dash for line in figure.data] == ["solid", "dash", "dot"]
    assert list(figure.data[0].y) == [1.0, 0.5]


def test_the_formula_names_what_the_settings_do():
    config = parse({}, ["strategy.kind=joint", "strategy.rarity_exponent=2", "strategy.max_rarity=0.9"])
    said = what_if_words.formula(config, 5, 100)
    assert said.startswith(
        "Score = rarity² × consistency. Kept: at most round(0.5 × 100) = 50 highest scores"
    )
    assert "with rarity ≤ 0.9" in said
    assert what_if_words.formula(parse({}), 5, 100) == "Kept: all samples."
    assert what_if_words.title([("strategy.keep", "0.5", "0.3")]) == "what if keep 0.3"


def test_the_launched_study_is_not_that_of_the_run(base: Run):
    (member,), _ = reading.read([base])
    own = parse(base.config())
    queued = what_if_launch.runs(member, parse(base.config(), NARROW), base=own, seeds=3)
    assert [run.seed for run in queued] == [0, 1, 2]
    assert {run.study.replace("\N{NO-BREAK SPACE}", " ") for run in queued} == {
        "what if, from joint 50 % + SADA"
    }
    assert len(find_runs(base.folder.parent)) == 3


def test_a_sample_beyond_a_threshold_is_told_which(tmp_path: Path):
    settings = (*JOINT, "strategy.min_consistency=0.5", "strategy.max_rarity=0.8")
    run = make_run(tmp_path, epochs=3, settings=settings)
    known = terms.terms(run, 2)
    low = int(known.index[known.consistency < 0.5][0])
    rare = int(known.index[(known.consistency >= 0.5) & (known.rarity > 0.8)][0])
    said = [reasons.reason(queries.why(run, sample, 2), run.config()) for sample in (low, rare)]
    assert said[0].endswith(
        "is below strategy.min_consistency 0.5, beyond which no sample is kept whatever its score."
    )
    assert said[1].endswith(
        "is above strategy.max_rarity 0.8, beyond which no sample is kept whatever its score."
    )
