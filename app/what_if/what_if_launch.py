"""Launch as run: what would be queued, how it differs, what it costs, and what it is expected to keep.

The prediction is computed before the runs are queued and lies in their folders before they train, so that
comparing it with what they keep is a test and not a story told afterwards.
"""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import cached, cards, focus, launch, markup, naming, wording
from app.new_run import launch_card, plan
from app.studies.members import Member
from app.what_if import replay, what_if_words
from engine.config import RunConfig
from store import predictions
from store.errors import RunIsForeign
from store.predictions import Prediction
from store.run import Run, default_root

EPOCHS = 25  # that are predicted, spread evenly: each is computed before the runs are queued

_LAUNCHES, _SAID = "what_if_launches", "what_if_said"


def draw(member: Member, config: RunConfig, *, base: RunConfig, epoch: int) -> None:
    """Draws the card; base: the settings of the run that is looked at."""
    found = plan.differences(base.model_dump(mode="json"), config.model_dump(mode="json"))
    with st.container(border=True, gap="small", key="card_what_if_launch"):
        note = "A prediction is only worth what a run then does: this queues it and keeps what was predicted."
        cards.head("Launch as run", note)
        if said := st.session_state.pop(_SAID, None):
            st.success(said, icon=":material/check:")
        if not found:
            st.caption(
                "The settings are the run's own: move a slider, and the run that has them appears here."
            )
            return
        left, right = st.columns(2, gap="medium")
        with left:
            before = (naming.run_title(member.config), base.model_dump(mode="json"))
            launch_card.differences(before, config)
        with right:
            seeds = st.slider(
                "Seeds", 1, launch_card.SEEDS_AT_MOST, 3, key="what_if_seeds", persist_state="session",
                help="One run a seed, from the run's own upwards; three tell more than luck",
            )  # fmt: skip
            queued = runs(member, config, base=base, seeds=seeds)
            launch_card.cost(queued)
            _launch(member, queued, epoch)


def runs(member: Member, config: RunConfig, *, base: RunConfig, seeds: int) -> list[RunConfig]:
    """Returns the runs to queue, one a seed from the base run's own upwards, in a study of their own."""
    found = plan.differences(base.model_dump(mode="json"), config.model_dump(mode="json"))
    study = wording.shortened(f"what if, from {naming.run_title(member.config)}", 80)
    name = what_if_words.title(found)
    return [
        config.model_copy(update={"name": name, "study": study, "seed": base.seed + place})
        for place in range(seeds)
    ]


def predicted(run: Run, configs: Sequence[RunConfig], epoch: int) -> list[Prediction]:
    """Returns what each config is expected to keep, by the terms that a run has logged.

    epoch is predicted, and of the run's other ones at most EPOCHS, evenly spread.
    """
    last = run.last_epoch()
    spread = np.unique(np.linspace(min(1, last), last, EPOCHS).astype(int)).tolist()
    kept: list[dict[int, np.ndarray]] = [{} for _ in configs]
    for one in sorted({*spread, epoch}):
        terms = cached.terms(run, one, by_loss=any(map(replay.needs_loss, configs)))
        alike: np.ndarray | None = None
        for sets, config in zip(kept, configs, strict=True):
            if alike is None or replay.is_drawn(config):  # without draws the seed changes nothing
                alike = replay.replayed(terms, config, one).ids
            sets[one] = alike
    samples = len(cached.terms(run, epoch))
    return [Prediction(base=run.id, epoch=epoch, of=samples, kept=sets) for sets in kept]


def _launch(member: Member, queued: Sequence[RunConfig], epoch: int) -> None:
    """Draws the button; a second click on the same one finds no button that it belongs to."""
    launches = st.session_state.setdefault(_LAUNCHES, 0)
    amount = wording.plural(len(queued), "run")
    if not st.button(
        f"Launch {amount}", key=f"what_if_launch_{launches}", type="primary", width="stretch",
        icon=":material/rocket_launch:",
    ):  # fmt: skip
        return
    st.session_state[_LAUNCHES] = launches + 1
    try:
        expected = predicted(member.run, queued, epoch)
        begun = launch.submit_all(default_root(), queued)
        for run, prediction in zip(begun, expected, strict=True):
            predictions.write(run, prediction)
    except (launch.NoSupervisor, RunIsForeign, OSError, ValueError) as error:
        st.error(f"{markup.markdown(error)}. The runs that were written wait on the page Runs.")
        return
    st.session_state[_SAID] = (
        f"Queued {amount}; Runs shows how far they are. What they are expected to keep in epoch {epoch} is "
        "written, and is compared below once they have it."
    )
    focus.look_at(member.run)
    st.rerun()
