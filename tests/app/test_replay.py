"""A selection done again from the log: what each setting does to the kept set, and how sets are compared."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from app.what_if import effects, replay
from app.what_if.replay import Outcome
from engine.config import RunConfig, parse
from store.questions import terms
from store.run import Run
from tests.synthetic import make_run

NAN = np.nan


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    settings = ("strategy.kind=joint", "policy.kind=sada", "noise.kind=symmetric", "strategy.full_tail=0.1")
    return make_run(tmp_path_factory.mktemp("replay"), samples=200, epochs=10, settings=settings)


def kept(run: Run, *settings: str, epoch: int = 5) -> np.ndarray:
    config = parse(run.config(), settings)
    return replay.replayed(terms.terms(run, epoch), config, epoch).ids


def test_the_runs_own_settings_give_the_logged_sets(run: Run):
    for epoch in run.epochs():
        logged = np.flatnonzero(terms.terms(run, epoch).selected.to_numpy(bool))
        assert_array_equal(kept(run, epoch=epoch), logged)
    assert len(kept(run, epoch=0)) == len(kept(run, epoch=9)) == 200  # warm-up and full tail


@pytest.mark.parametrize("share", [0.01, 0.333, 0.5, 0.999])
def test_keep_gives_exactly_its_share(run: Run, share: float):
    assert len(kept(run, f"strategy.keep={share}")) == round(share * 200)


def test_an_exponent_of_0_ignores_its_term(run: Run):
    by_rarity = kept(run, "strategy.kind=rarity_only")
    assert_array_equal(kept(run, "strategy.consistency_exponent=0"), by_rarity)
    by_consistency = kept(run, "strategy.kind=consistency_only")
    assert_array_equal(kept(run, "strategy.rarity_exponent=0"), by_consistency)
    assert not np.array_equal(by_rarity, by_consistency)


@pytest.mark.parametrize(
    ("name", "values"), [("min_consistency", (0, 0.3, 0.6, 0.9)), ("max_rarity", (1, 0.8, 0.4, 0.1))]
)
def test_a_stricter_threshold_never_lets_more_in(run: Run, name: str, values: tuple[float, ...]):
    allowed = [set(kept(run, "strategy.keep=1", f"strategy.{name}={value}")) for value in values]
    assert all(one >= other for one, other in pairwise(allowed))
    assert [len(ids) for ids in allowed] == sorted({len(ids) for ids in allowed}, reverse=True)


def test_clipping_changes_rarity_and_only_through_it_the_set(run: Run):
    logged = terms.terms(run, 5)
    plain, clipped = (
        replay.replayed(logged, parse(run.config(), [f"density.clip={clip}"]), 5) for clip in (0, 0.25)
    )
    assert (plain.rarity == 1).sum() == 1
    assert (clipped.rarity == 1).sum() == 50  # a quarter of 200 at the upper end
    assert_array_equal(
        kept(run, "strategy.kind=consistency_only", "density.clip=0.25"),
        kept(run, "strategy.kind=consistency_only"),
    )


def test_a_draw_is_that_of_the_configs_seed(run: Run):
    drawn = [kept(run, "strategy.draw=gumbel", f"seed={seed}").tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert replay.is_drawn(parse(run.config(), ["strategy.draw=gumbel"]))
    assert not replay.is_drawn(parse(run.config()))


def test_the_cut_is_the_lowest_score_kept_and_a_draw_has_none(run: Run):
    logged = terms.terms(run, 5)
    found = replay.replayed(logged, parse(run.config()), 5)
    assert found.cut == found.score[found.kept].min() >= found.score[~found.kept].max()
    assert np.isnan(replay.replayed(logged, parse(run.config(), ["strategy.draw=gumbel"]), 5).cut)


def test_infobatch_goes_by_the_losses_before():
    """A sample that is not below the mean is kept whatever chance says."""
    config = RunConfig.model_validate({"strategy": {"kind": "infobatch", "drop_chance": 0.99}})
    logged = known(last_loss=[0.1, 0.1, 0.1, 4.0])
    assert replay.needs_loss(config)
    assert 3 in replay.replayed(logged, config, 3).ids


# ---- effects


def known(samples: int = 4, **given: list[float]) -> pd.DataFrame:
    columns = ("label", "true_label", "consistency", "neighbour_distance", "rarity", "score", "last_loss")
    empty = {name: np.full(samples, NAN) for name in columns}
    selected = np.ones(samples, bool)
    return pd.DataFrame({"sample_id": np.arange(samples), **empty, "selected": selected, **given})


@pytest.fixture
def effect() -> effects.Effect:
    """Six samples of two classes; 0, 1, 2 were kept and 1, 3, 4 would be."""
    logged = known(
        6, label=[0, 0, 0, 1, 1, 1], true_label=[1, 0, 0, 1, 0, NAN], selected=[True] * 3 + [False] * 3,
        rarity=[0.1, 0.2, 0.3, 0.4, 0.5, NAN], consistency=[0.5] * 6,
    )  # fmt: skip
    outcome = Outcome(
        kept=np.array([0, 1, 0, 1, 1, 0], bool), rarity=logged.rarity.to_numpy(np.float32),
        consistency=logged.consistency.to_numpy(np.float32),
        score=np.array([0.3, 0.9, 0.1, 0.5, 0.6, NAN], np.float32), cut=0.5,
    )  # fmt: skip
    return effects.effect(logged, outcome)


def test_who_enters_and_leaves_and_how_much_is_shared(effect: effects.Effect):
    assert effect.entering.tolist() == [4, 3]  # highest score first
    assert effect.leaving.tolist() == [2, 0]  # lowest first
    assert effect.jaccard == 1 / 5
    assert effect.fates().tolist() == [
        "leaves", "stays kept", "leaves", "enters", "enters", "stays dropped",
    ]  # fmt: skip


def test_flipped_labels_and_means_are_of_the_kept_whose_value_is_known(effect: effects.Effect):
    assert effect.flipped_share(effect.before) == 1 / 3
    assert effect.flipped_share(effect.after) == 1 / 3
    assert np.isnan(effect.flipped_share(np.array([0, 0, 0, 0, 0, 1], bool)))
    assert_allclose(effect.mean_of("rarity", effect.before), 0.2)
    assert_allclose(effect.mean_of("rarity", np.array([0, 0, 0, 0, 1, 1], bool)), 0.5)


def test_classes_are_counted_before_and_after(effect: effects.Effect):
    assert effect.by_class().to_numpy().tolist() == [[0, 3, 3, 1], [1, 3, 0, 2]]
    assert effect.most_changed(1)["label"].tolist() == [0]


def test_points_are_the_known_ones_and_those_that_change_come_first(effect: effects.Effect):
    assert effect.points(10)["sample_id"].tolist() == [0, 1, 2, 3, 4]
    few = effect.points(2)
    assert len(few) == 2
    assert few["fate"].isin(["enters", "leaves"]).sum() == 1
