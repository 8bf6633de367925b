"""The demo study: two methods on real digits with a known share of wrong labels, and the suspect it ends on.

Its name is a digest of its settings: a second start finds the same runs and trains nothing twice, and a
changed setting makes a study of its own.
"""

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pandas import DataFrame

from app import launch
from app.studies import design, methods, queueing, telling
from app.studies import results as outcomes
from app.studies.members import Member
from engine.config import RunConfig
from engine.datasets.noise import SymmetricNoise
from engine.selection.everything import Everything
from engine.selection.joint import Joint
from engine.strength.random_strength import RandomStrength
from engine.strength.sada import Sada
from store import files, queries
from store.run import Run

JOINT, FULL = "SADA + joint", "full data"
SEEDS = (0, 1, 2)
FLIPPED = 0.1  # share of labels: enough for a clear difference, few enough to look real
EPOCHS, BATCH_SIZE = 20, 64

STOP_SECONDS = 120.0  # longest wait for runs that were asked to stop; the supervisor kills them before
SUSPECTS_ASKED = 12  # of each run


def demo_configs() -> list[RunConfig]:
    """Returns the six runs of the study, both methods of a seed before the next seed."""
    methods = ((JOINT, Joint(), Sada()), (FULL, Everything(), RandomStrength()))
    configs = [
        RunConfig(
            name=f"{name}, seed {seed}",
            seed=seed,
            noise=SymmetricNoise(share=FLIPPED),
            strategy=strategy,
            policy=policy,
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            precision="float32",  # what the probe chooses, and the numbers with it, can differ by start
        )
        for seed in SEEDS
        for name, strategy, policy in methods
    ]
    return [config.model_copy(update={"study": f"demo-{design.content_key(configs)}"}) for config in configs]


def prepare(root: Path, *, fresh: bool) -> list[Run]:
    """Queues what the study lacks and returns its runs; what is done or alive is kept, what ended is resumed.

    fresh: deletes the study's runs first, after they have stopped. Runs of other studies are never touched.
    """
    configs = demo_configs()
    root.mkdir(parents=True, exist_ok=True)
    with files.locked(root / "demo.lock", wait=True):  # what one start queues, another must not delete
        if fresh:
            _delete(queueing.runs_of(root, configs[0].study))
        return queueing.queue(root, configs)


def results(runs: Sequence[Run]) -> tuple[DataFrame, str]:
    """Returns one row a method over its finished runs, as it is shown, and what the difference amounts to."""
    members = [Member(run, run.config(), run.status(), queries.metrics(run), run.about()) for run in runs]
    compared = methods.comparison(members, {run.id: queries.kept_noise(run) for run in runs})
    study = str(runs[0].config().get("study") or "")
    found = outcomes.outcome(study, members, outcomes.measured(study, members))
    return methods.table(compared), " ".join(telling.verdict(found))


def featured_suspect(runs: Sequence[Run]) -> tuple[Run, int, int] | None:
    """Returns run, sample_id and epoch of the suspect that was dropped most clearly for its consistency.

    Among samples known to be mislabelled; where nobody knows, among those of lowest consistency. None where
    no finished run of joint selection has dropped one.
    """
    candidates = [found for run in runs if _is_finished_joint(run) for found in _dropped_suspects(run)]
    if not candidates:
        return None
    _, run, sample_id, epoch = max(candidates, key=lambda found: found[0])
    return run, sample_id, epoch


def _dropped_suspects(run: Run) -> Iterator[tuple[float, Run, int, int]]:
    """Yields suspects that the last epoch dropped, each after how much consistency it lacked to be kept.

    A sample that no consistency alone would have saved was dropped for its rarity as well and comes last.
    """
    epoch = run.last_epoch()
    is_known = queries.noise_known(run)
    suspects = queries.suspects(run, by="mean_rank" if is_known else "consistency", top=SUSPECTS_ASKED)
    if is_known:
        suspects = suspects[suspects.label != suspects.true_label]
    ids = [int(sample_id) for sample_id in suspects.sample_id]
    for sample_id, why in zip(ids, queries.whys(run, ids, epoch), strict=True):
        if why.kept is False and why.reason == "score":
            lacked = why.needed_consistency - why.consistency
            yield (-1.0 if math.isnan(lacked) else lacked), run, sample_id, epoch


def _is_finished_joint(run: Run) -> bool:
    strategy = run.config().get("strategy") or {}
    return strategy.get("kind") == "joint" and run.status().state == "done"


def _delete(runs: Sequence[Run]) -> None:
    for run in runs:
        launch.stop(run)
    limit = time.monotonic() + STOP_SECONDS
    while any(run.status().is_alive for run in runs):
        if time.monotonic() > limit:
            raise launch.NoSupervisor(
                f"the runs of the demo did not stop within {STOP_SECONDS:g} s; try again"
            )
        time.sleep(0.1)
    for run in runs:
        launch.delete(run)
