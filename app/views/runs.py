"""Runs: every training, what it is doing, what it reached and what it cost; stop, resume, delete.

The whole page is one fragment that asks again every two seconds while something trains, and seldom otherwise.
"""

from collections.abc import Sequence

import streamlit as st
from pandas import DataFrame

from app import cards, launch, live, markup, queue, wording
from app.runs import controls, cost, listing, row
from app.studies import card, reading
from app.studies import members as studies
from app.studies.members import Member
from store.damaged import find_damaged
from store.run import Run, default_root, find_runs

TITLE, ICON = "Runs", ":material/list_alt:"

IDLE_SECONDS = 10.0  # a run that another tab or the command line has queued appears after so long


def render() -> None:
    """Draws the page; it refreshes itself, often while a run is queued or alive."""
    cards.header(TITLE, "Every training run, grouped by study. What trains is refreshed every two seconds.")
    is_busy = any(not run.status().is_over for run in find_runs(default_root()))
    st.fragment(_live, run_every=live.LIVE_SECONDS if is_busy else IDLE_SECONDS)(is_busy)


def _live(was_busy: bool) -> None:
    with cards.errors_said():
        members, torn = reading.listed(find_runs(default_root()))
        damaged = [*find_damaged(default_root()), *torn]
        if not members and not damaged:
            _nothing_yet()
            return
        statuses = [*(member.status for member in members), *(run.status() for run, _ in torn)]
        if was_busy != any(not status.is_over for status in statuses):
            st.rerun()
        _unattended(members)
        wanted = controls.ask(members)
        controls.draw(members, wanted)
        _damaged(damaged)
        _listed(members, wanted)


def _listed(members: Sequence[Member], wanted: listing.Wanted) -> None:
    """Draws the study that stands on top, then the runs that were asked for, a page of them."""
    by_study = studies.by_study(members)
    featured = None if wanted.is_narrowed else studies.featured(by_study)
    if featured is not None and wanted.order == listing.BY_STUDY:
        with cards.errors_said():  # its runs stand below whatever it finds
            read, _ = reading.with_metrics(by_study[featured])
            card.draw(featured, read)
    fitting = listing.matching(members, wanted)
    if wanted.order in listing.BY_METRICS:
        fitting, _ = reading.with_metrics(fitting)  # the row of another says what is wrong
    groups = listing.grouped(fitting, wanted.order, featured=featured)
    rows = sum(len(group) for _, group in groups)
    if members and not rows:
        st.caption("No run fits; clear the search or a filter.")
    pages = max(1, -(-rows // listing.ROWS_A_PAGE))
    page = min(pages, int(st.session_state.get("runs_page", 1)))
    places = _places()
    totals = dict(groups)
    for title, _, shown in listing.page_of(groups, page):
        _group(title, totals[title], by_study=by_study, shown=shown, places=places)
    if pages > 1:
        if st.session_state.get("runs_page", page) != page:  # fewer pages than there were
            st.session_state["runs_page"] = page
        st.pagination(pages, key="runs_page")


def _group(
    title: str,
    group: Sequence[Member],
    *,
    by_study: dict[str, list[Member]],
    shown: Sequence[Member],
    places: dict[str, str],
) -> None:
    done = sum(member.status.state == "done" for member in group)
    amount = f"{wording.plural(len(group), 'run')}, {done} done"
    cards.html(f'<h2 class="ut-group">{markup.text(title)}<span>{amount}</span></h2>')
    full = {name: _full_run(by_study[name]) for name in {member.study for member in shown} if name}
    read, damaged = reading.with_metrics(shown)
    whole, wrong = {member.run.id: member for member in read}, {run.id: says for run, says in damaged}
    for run in (member.run for member in shown):
        if run.id in wrong:
            row.damaged(run, wrong[run.id])
            continue
        member = whole[run.id]
        spent = cost.cost(member.metrics, samples=member.samples, full=full.get(member.study))
        row.draw(member, spent, place=places.get(run.id, ""))


def _full_run(study: Sequence[Member]) -> DataFrame | None:
    """Returns the metrics of the study's run on everything, against which its others are counted."""
    configs = {member.run.id: member.config for member in study}
    everything = set(cost.everything(configs))
    read, _ = reading.with_metrics([member for member in study if member.run.id in everything])
    return cost.full_run(configs, {member.run.id: member.metrics for member in read})


def _places() -> dict[str, str]:
    """Returns where each waiting run stands in the queue, in words; none where it waits alone."""
    order = queue.in_order(default_root(), queue.queued(default_root()))
    if len(order) < 2:
        return {}
    return {run.id: f"queue: {place} of {len(order)}" for place, run in enumerate(order, 1)}


def _unattended(members: Sequence[Member]) -> None:
    """Says when runs wait for a supervisor that has died, and starts one when asked to."""
    waiting = sum(member.status.state == "queued" for member in members)
    if not waiting or launch.alive_supervisor(default_root()):
        return
    st.warning(f"{wording.plural(waiting, 'run')} waiting, but nothing works on the queue; start it again.")
    if st.button("Start the queue", key="start_queue"):
        launch.ensure_supervisor(default_root())
        st.rerun()


def _nothing_yet() -> None:
    cards.empty(
        "No runs yet",
        "`undertow demo` trains six small runs on real handwritten digits in about two minutes and shows a "
        "mislabelled image it found. The page New run starts a run of your own. Both appear here at once.",
    )


def _damaged(runs: Sequence[tuple[Run, str]]) -> None:
    """Draws the runs that cannot be read."""
    if not runs:
        return
    cards.html(f'<h2 class="ut-group">Cannot be read<span>{wording.plural(len(runs), "run")}</span></h2>')
    for run, sentence in runs:
        row.damaged(run, sentence)
