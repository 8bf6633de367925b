"""The card of one study: how far its runs are, what its arms reached, and what that shows.

It looks the same for a preset, the demo and several seeds of New run: all are runs that name one study.
"""

import math
from collections.abc import Sequence

import streamlit as st

from app import cards, focus, markup, wording
from app.studies import members as study
from app.studies import presets, queueing, reading, seeds, telling
from app.studies.members import Member
from app.studies.results import Outcome
from app.studies.start_card import begin


def draw(name: str, members: Sequence[Member]) -> None:
    """Draws the card of one study with all its runs."""
    preset = presets.preset_of(name)
    with st.container(border=True, gap="small", key=f"study_{name}"):
        _head(name, preset.question if preset else "", members)
        found = reading.outcome(name, members)
        if found.arms:
            _verdict(name, found)
            _arms(name, found)
            _differences(name, found)


def verdict(found: Outcome) -> None:
    """Draws what the comparisons of a study show, a line each."""
    sentences = [markup.markdown(sentence) for sentence in telling.verdict(found)]
    bullet = "- " if len(sentences) > 1 else ""
    st.markdown("\n".join(f"{bullet}{sentence}" for sentence in sentences))


def _head(name: str, question: str, members: Sequence[Member]) -> None:
    done = sum(member.status.state == "done" for member in members)
    share, state = study.progress(members), study.state(members)
    left = study.seconds_left(members)
    says = f"{done} of {wording.plural(len(members), 'run')} done"
    ends = f", about {wording.duration(left)} left" if left > 0 else ""
    words, buttons = st.columns([3.2, 1], gap="small", vertical_alignment="top")
    with words:
        cards.html(
            f'<div class="ut-name"><b>{markup.text(name)}</b>{markup.state(state)}'
            f'<span class="ut-muted">{markup.text(says + ends)}</span></div>',
            f'<p class="ut-muted">{markup.text(question)}</p>' if question else "",
            "" if state == "done" else markup.bar(share, state_name=state, says=says),
        )
    with buttons.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        _buttons(name, members)


def _buttons(name: str, members: Sequence[Member]) -> None:
    runs = [member.run for member in members]
    alive = sum(not member.status.is_over for member in members)
    ended = sum(member.status.state in queueing.RESUMABLE for member in members)
    if alive:
        st.button(
            "Stop all", key=f"stop_study_{name}", icon=":material/stop_circle:", on_click=queueing.stop,
            args=(runs,), help=f"Stop {wording.plural(alive, 'run')}; they can be resumed",
        )  # fmt: skip
    if ended:
        st.button(
            "Resume", key=f"resume_study_{name}", icon=":material/resume:", on_click=queueing.resume,
            args=(runs,), help=f"Continue {wording.plural(ended, 'run')} that ended early",
        )  # fmt: skip
    if st.button(
        "Compare", key=f"compare_study_{name}", icon=":material/compare_arrows:",
        help="Compare in Ablations: curves, costs and settings of the arms",
    ):  # fmt: skip
        focus.choose("study", name)
        focus.go("ablations")


def _arms(name: str, found: Outcome) -> None:
    measure, table = found.measure, telling.arm_table(found)
    cards.head(
        f"{measure.label} by arm",
        f"{measure.label}: {measure.meaning}. Mean, standard deviation and 95 % interval over n seeds "
        "(cut at what is possible); the last columns are means",
        table=table,
        name=f"{name} {measure.label}",
    )
    cards.html(markup.table(table, says=f"{measure.label} of each arm of study {name}"))


def _differences(name: str, found: Outcome) -> None:
    if all(math.isnan(one.difference.mean) for one in found.compared):
        return
    table = telling.difference_table(found)
    cards.head(
        "Paired differences",
        f"Difference of the same seed, mean over n seeds. {telling.NOT_CORRECTED}; p is corrected by Holm",
        table=table,
        name=f"{name} differences",
    )
    cards.html(markup.table(table, says=f"Paired differences of study {name}"))


def _verdict(name: str, found: Outcome) -> None:
    verdict(found)
    members = [member for arm in found.arms for member in arm.members]
    missing = seeds.lacking(name, found) if all(member.status.is_over for member in members) else []
    if missing:
        amount = wording.plural(len(missing), "more run")
        st.button(
            f"Queue {amount}", key=f"more_seeds_{name}", icon=":material/add:", on_click=begin,
            args=(missing,), help="; ".join(f"{one.name or 'seed'}: seed {one.seed}" for one in missing),
        )  # fmt: skip
