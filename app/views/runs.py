"""Runs: every training, what it is doing, what it reached and what it cost; stop, resume, delete.

The whole page is one fragment that asks again every two seconds while something trains, and is still
otherwise.
"""

from collections.abc import Sequence

import streamlit as st

from app import cards, cost, focus, launch, markup, naming, wording
from app.studies import card, reading
from app.studies import members as study
from app.studies.members import Member
from store.run import Run, default_root, find_runs

TITLE, ICON = "Runs", ":material/list_alt:"

LIVE_SECONDS = 2.0
RUNS_A_PAGE = 30

_RESUMABLE = ("stopped", "failed", "lost")
_ASKS = "Ask the program that trains it to stop; it does where its loop looks at should_stop"


def render() -> None:
    """Draws the page; it refreshes itself while a run is queued or alive."""
    cards.header(TITLE, "Every training run, grouped by study. What trains is refreshed every two seconds.")
    is_busy = any(not run.status().is_over for run in find_runs(default_root()))
    st.fragment(_live, run_every=LIVE_SECONDS if is_busy else None)(is_busy)


def _live(was_busy: bool) -> None:
    with cards.errors_said():
        members, damaged = reading.read(find_runs(default_root()))
        if not members and not damaged:
            _nothing_yet()
            return
        statuses = [*(member.status for member in members), *(run.status() for run, _ in damaged)]
        if was_busy and all(status.is_over for status in statuses):
            st.rerun()
        _unattended(members)
        _damaged(damaged)
        groups = study.by_study(members)
        featured = study.featured(groups)
        if featured is not None:
            with cards.errors_said():  # its runs stand below whatever it finds
                card.draw(featured, groups[featured])
            _group("Its runs", groups.pop(featured))
        for name, group in groups.items():
            _group(f"Study {name}" if name else "Runs without a study", group)


def _unattended(members: list[Member]) -> None:
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
        "mislabelled image it found. `undertow train` starts a run of your own. Both appear here at once.",
    )


def _group(title: str, members: list[Member]) -> None:
    done = sum(member.status.state == "done" for member in members)
    amount = f"{wording.plural(len(members), 'run')}, {done} done"
    cards.html(f'<h2 class="ut-group">{markup.text(title)}<span>{amount}</span></h2>')
    configs = {member.run.id: member.config for member in members}
    is_study = bool(members[0].config.get("study"))  # runs of no study have nothing in common
    full = cost.full_run(configs, {member.run.id: member.metrics for member in members}) if is_study else None
    shown = members[:RUNS_A_PAGE]
    if len(members) > RUNS_A_PAGE:
        pages = -(-len(members) // RUNS_A_PAGE)
        page = st.pagination(pages, key=f"runs_page_{title}")
        shown = members[(page - 1) * RUNS_A_PAGE : page * RUNS_A_PAGE]
    for member in shown:
        _row(member, cost.cost(member.metrics, samples=member.samples, full=full))


def _damaged(runs: Sequence[tuple[Run, str]]) -> None:
    """Draws the runs that cannot be read: what is wrong, and the way to be rid of them."""
    if not runs:
        return
    cards.html(f'<h2 class="ut-group">Damaged<span>{wording.plural(len(runs), "run")}</span></h2>')
    for run, sentence in runs:
        status = run.status()
        with st.container(border=True, gap="xsmall", key=f"run_{run.id}"):
            words, button = st.columns([4.3, 1], vertical_alignment="center", gap="small")
            words.html(f'<div class="ut-name"><b>{markup.text(run.id)}</b>{markup.state(status.state)}</div>')
            with button.container(horizontal=True, horizontal_alignment="right"):
                _ask_to_delete(run, f"run **{run.id}** and what is left of it", is_alive=status.is_alive)
            st.error(sentence)


def _row(member: Member, spent: cost.Cost) -> None:
    with st.container(border=True, gap="xsmall", key=f"run_{member.run.id}"):
        cards.html(_about(member))
        words, buttons = st.columns([3.5, 1], vertical_alignment="center", gap="small")
        with words:
            cards.html(f'<div class="ut-run">{_progress(member)}{_accuracy(member)}{_cost(spent)}</div>')
        with buttons.container(horizontal=True, horizontal_alignment="right", gap="xsmall", wrap=False):
            _buttons(member, spent)
        if member.status.state in ("failed", "lost"):
            _failure(member)


def _about(member: Member) -> str:
    return (
        f'<div class="ut-name"><b title="{markup.text(member.name)}">{markup.text(member.name)}</b>'
        f"{markup.state(member.status.state)}{markup.chips(naming.chips(member.config))}</div>"
    )


def _progress(member: Member) -> str:
    status = member.status
    done, epochs = len(member.metrics), member.epochs
    says = f"{done} of {epochs} epochs" if epochs else wording.plural(done, "epoch")
    words = [f"<b>{markup.text(says)}</b>"]
    if status.is_alive and epochs:
        left = cost.seconds_left(member.metrics, status)
        words.append(f"{wording.duration(left)} left" if wording.is_known(left) else "estimating")
    return (
        f"<div>{' · '.join(words)}{markup.bar(member.progress, state_name=status.state, says=says)}"
        f'<span class="ut-muted">{markup.text(_phase(member)) or "&nbsp;"}</span></div>'
    )


def _phase(member: Member) -> str:
    status = member.status
    if status.state == "queued":
        return "waiting for a free slot"
    if status.is_alive and status.phase:
        share = f", {wording.setting_percent(round(status.share, 2))}" if status.share is not None else ""
        return f"{status.phase}{share}"
    return "" if status.state == "failed" else status.message


def _accuracy(member: Member) -> str:
    values = member.metrics["test_accuracy"].tolist()
    last = wording.percent(values[-1]) if values else wording.UNKNOWN
    line = markup.sparkline(values, says=f"test accuracy over {len(values)} epochs, last {last}")
    return (
        f'<div class="ut-accuracy">{line}<span title="test accuracy of the last epoch"><b>{last}</b>'
        f'<br><span class="ut-muted">test accuracy</span></span></div>'
    )


def _cost(spent: cost.Cost) -> str:
    against = f"back-propagated samples saved against {spent.against}" if spent.against else ""
    pairs = (
        (wording.count(spent.forwarded), "forwarded", "training samples passed forward, refreshes included"),
        (wording.count(spent.backpropagated), "back-propagated", "training samples passed backward"),
        (wording.duration(spent.seconds), "of work", "wall time of all epochs"),
        (wording.percent(spent.saved), "saved", against),
    )
    cells = (
        f'<span>{value}</span><span title="{markup.text(hint)}">{name}</span>' for value, name, hint in pairs
    )
    return f'<div class="ut-cost">{"".join(cells)}</div>'


def _buttons(member: Member, spent: cost.Cost) -> None:
    run, state = member.run, member.status.state
    is_tracked = naming.is_tracked(member.config)
    if st.button(
        "Open", key=f"open_{run.id}", disabled=not len(member.metrics), help="Open the run's overview"
    ):
        focus.go("overview", run=run.id)
    if not member.status.is_over:
        st.button(
            ":material/stop_circle:",
            key=f"stop_{run.id}",
            on_click=launch.stop,
            args=(run,),
            disabled=state == "stopping",
            help=_ASKS if is_tracked else "Stop after the batch in work; it can be resumed",
        )
    elif state in _RESUMABLE and not is_tracked:
        st.button(
            ":material/resume:", key=f"resume_{run.id}", on_click=launch.resume, args=(run,),
            help="Continue from the last checkpoint",
        )  # fmt: skip
    if not is_tracked and st.button(
        ":material/content_copy:", key=f"clone_{run.id}", help="Clone and edit: a new run like this"
    ):
        focus.go("new-run", clone=run.id)
    what = f"{wording.plural(len(member.metrics), 'epoch')} and {wording.duration(spent.seconds)} of work"
    _ask_to_delete(run, f"**{markup.markdown(member.name)}**, {what}", is_alive=member.status.is_alive)


def _ask_to_delete(run: Run, what: str, *, is_alive: bool) -> None:
    with st.popover(":material/delete:", disabled=is_alive, key=f"ask_{run.id}", help="Delete"):
        st.markdown(f"Delete {what}?")
        st.button(
            "Delete for good", key=f"delete_{run.id}", type="primary", on_click=launch.delete, args=(run,)
        )


def _failure(member: Member) -> None:
    st.error(member.status.message or "The process ended without a word; the log may say why.")
    log = member.run.log_tail()
    if log:
        with st.expander("Log, last lines"):
            st.code(log, language=None)
