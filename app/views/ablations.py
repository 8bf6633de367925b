"""Ablations: any runs compared, grouped by everything but their seed.

What is compared is chosen once, above; each section below is a module that draws the same groups in its own
way. While a run trains, the page looks every two seconds whether there is anything new, and draws only then.
"""

from collections.abc import Sequence
from functools import partial
from types import ModuleType

import streamlit as st

from app import cards, live, markup, wording
from app.ablations import choices, chosen, costs, curves, settings, unfair
from app.ablations.groups import Group, grouped
from app.ablations.looks import briefly, colors_of
from app.exporting import of_groups
from app.sample_level import sample_level
from app.studies.members import Member
from app.what_if import what_if
from store.run import default_root, find_runs

TITLE, ICON = "Ablations", ":material/compare_arrows:"
SECTIONS: tuple[ModuleType, ...] = (curves, costs, settings, sample_level, what_if)


def render() -> None:
    """Draws the page."""
    cards.header(TITLE, "Runs that differ in nothing but their seed are one group; groups are compared.")
    runs = find_runs(default_root())
    if not runs:
        cards.empty(
            "No runs to compare yet",
            "`undertow demo` trains two methods with three seeds each; a study on the page Studies compares "
            "settings of your own. Their curves, costs and differences appear here from the first epoch on.",
        )
        return
    picked = chosen.pick(runs)
    live.follow(picked)
    members, damaged = chosen.read(picked)
    for _, sentence in damaged:
        st.error(f"Left out of the comparison: {markup.sentence(sentence)}", icon=":material/error:")
    groups = briefly(grouped(members))
    if not groups:
        _nothing_yet(members)
        return
    _legend(groups, members)
    _section(groups, members)


def _section(groups: Sequence[Group], members: Sequence[Member]) -> None:
    """Draws the section that was chosen, below what makes the comparison unfair."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        section = _pick_section()
        st.space("stretch")
        _offer_report(members)
    if section is not settings and (found := unfair.sentences(groups)):
        st.caption(
            f":material/warning: The groups differ in more than their method: {', '.join(found)}. "
            f"{settings.TITLE} says what that means for the comparison."
        )
    section.render(groups)


def _pick_section() -> ModuleType:
    sections = {section.__name__.rpartition(".")[2]: section for section in SECTIONS}
    titles = {name: section.TITLE for name, section in sections.items()}
    return sections[choices.segmented("Section", "section", titles)]


def _offer_report(members: Sequence[Member]) -> None:
    """Draws the button that downloads the comparison as it is now."""
    studies = {member.study for member in members}
    title = studies.pop() if len(studies) == 1 else ""
    title = title or f"Comparison of {wording.plural(len(members), 'run')}"
    st.download_button(
        "Report", partial(of_groups.report, title, members), key="ablations_report", mime="text/html",
        file_name="comparison.html", on_click="ignore", icon=":material/summarize:",
        help="Verdict, curves, cost, differences and settings as one HTML file that opens offline",
    )  # fmt: skip


def _nothing_yet(members: Sequence[Member]) -> None:
    if members:
        states = wording.plural(len(members), "chosen run")
        cards.empty(
            "No epoch has been recorded yet",
            f"The curves of the {states} appear here with the first epoch; Runs shows how far they are.",
        )
        return
    cards.empty("Nothing is chosen", "Choose a study, or runs, above: their groups are compared here.")


def _legend(groups: Sequence[Group], members: Sequence[Member]) -> None:
    """Draws the groups with their colours, their n, and which of their runs are not done."""
    colors = colors_of(groups, cards.colors(), pinned=choices.in_color(groups))
    chips = "".join(
        f'<span class="ut-chip"><span style="color:{colors[group.key]}">●</span> '
        f"{markup.text(group.name)} · {markup.text(_of(group))}</span>"
        for group in groups
    )
    waiting = sum(not len(member.metrics) for member in members)
    note = f"{wording.plural(waiting, 'run')} without an epoch yet" if waiting else ""
    cards.html(f'<div class="ut-chips">{chips}<span class="ut-muted">{note}</span></div>')


def _of(group: Group) -> str:
    """Says how many seeds a group has and what those that are not done are doing."""
    words = [f"n = {group.n}"]
    for member in group.members:
        if member.status.state != "done":
            seed, done = member.config.get("seed"), f"{len(member.metrics)} of {member.epochs} epochs"
            words.append(f"seed {seed} {member.status.state}, {done}")
    return ", ".join(words)
