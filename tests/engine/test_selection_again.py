"""A trained run's selections, done again from its log alone: the very sets that it kept, draws included."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from app.what_if import replay
from engine import train
from engine.config import parse
from store.questions import terms

STRATEGIES = {
    "the highest scores": ["strategy.kind=joint", "strategy.rarity_exponent=1.5", "strategy.schedule=linear"],
    "a draw, thresholds and clipping": [
        "strategy.kind=joint",
        "strategy.draw=gumbel",
        "strategy.min_consistency=0.3",
        "strategy.max_rarity=0.9",
        "density.clip=0.05",
    ],
    "rarity within its class": ["strategy.kind=rarity_only", "density.per_class=true"],
    "losses and chance": ["strategy.kind=infobatch"],
    "chance alone": ["strategy.kind=random_subset"],
}


@pytest.mark.parametrize("settings", STRATEGIES.values(), ids=STRATEGIES)
def test_a_selection_done_again_keeps_exactly_the_logged_set(make_task, settings):
    config = parse({}, [*settings, "epochs=3", "maps.every=0", "seed=7"])
    task, state, run = make_task(config)
    train.train(task, state)
    for epoch in run.epochs():
        logged = terms.terms(run, epoch, by_loss=replay.needs_loss(config))
        again = replay.replayed(logged, config, epoch)
        assert_array_equal(again.kept, logged.selected.to_numpy(bool), err_msg=f"epoch {epoch}")
        assert_array_equal(again.rarity, logged.rarity.to_numpy(np.float32))
        assert_array_equal(again.score, logged.score.to_numpy(np.float32))
    assert not again.kept.all()
