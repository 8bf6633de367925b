"""The study card: one progress bar over all runs of a study, then its finding and its methods compared.

It stands above the runs because a study is one question; its runs are how the answer was got.
"""

from collections.abc import Sequence

import streamlit as st

from app import cached, cards, demo, finding, markup, wording
from app.cached import Versions
from app.studies import members as study
from app.studies import methods, reading, result_card
from app.studies.members import Member
from store.run import Run

_COMING = (
    ("Find", "a mislabelled image, and see why selection dropped it"),
    ("Follow", "its loss, confidence, variance and strength from epoch to epoch"),
    ("Compare", "the methods at equal epochs: accuracy with its spread, and what each cost"),
)


def draw(name: str, members: Sequence[Member]) -> None:
    """Draws the card of one study."""
    with st.container(border=True, gap="small", key="study_card"):
        _progress(name, members)
        suspect = _suspect(members)
        if suspect is not None:
            finding.draw(*suspect)
        elif all(member.status.is_over for member in members):
            st.caption("No run of this study dropped a sample for its score, so there is no suspect to show.")
        else:
            _coming()
        comparison(name, members)


def comparison(name: str, members: Sequence[Member]) -> None:
    """Draws what the methods of a study reached and cost, and its verdict; nothing before a run is done."""
    noise = {
        member.run.id: cached.kept_noise(member.run) for member in members if member.status.state == "done"
    }
    compared = methods.comparison(members, noise)
    if compared.empty:
        return
    shown = methods.table(compared)
    cards.head(
        "Methods compared",
        "Test accuracy of the last epoch: mean ± standard deviation over seeds; costs: mean of a run; "
        "flipped labels: of the samples that the last epoch kept, and of all",
        table=shown,
    )
    cards.html(markup.table(shown, says="Methods of the study with accuracy and cost"))
    result_card.verdict(reading.outcome(name, members))


def _suspect(members: Sequence[Member]) -> tuple[Run, int, int] | None:
    """Returns run, sample and epoch of the finding, once nothing trains any more."""
    if not all(member.status.is_over for member in members):
        return None
    return _found(cached.versions([member.run for member in members]))


@st.cache_data(max_entries=32, show_spinner=False)
def _found(of: Versions) -> tuple[Run, int, int] | None:
    return demo.featured_suspect(cached.runs(of))


def _progress(name: str, members: Sequence[Member]) -> None:
    done = sum(member.status.state == "done" for member in members)
    share, state = study.progress(members), study.state(members)
    left = study.seconds_left(members)
    says = f"{done} of {wording.plural(len(members), 'run')} done"
    ends = f", about {wording.duration(left)} left" if left > 0 else ""
    cards.html(
        f'<div class="ut-name"><b>Study {markup.text(name)}</b>{markup.state(state)}'
        f'<span class="ut-muted">{says}, {wording.setting_percent(round(share, 2))} of all epochs{ends}'
        "</span></div>",
        "" if state == "done" else markup.bar(share, state_name=state, says=says),
    )


def _coming() -> None:
    links = [markup.link(name, "", note=what) for name, what in _COMING]
    cards.html(
        '<p class="ut-muted">As soon as the runs are done, this card lets you</p>', markup.chain(links)
    )
