"""One run in the list: what it says, its buttons, and where it failed.

The buttons follow the state: a run that waits is moved or stopped, one that trains is stopped, one that does
not listen is killed, one that is over is resumed.
"""

import streamlit as st

from app import cards, focus, launch, markup, naming, queue, wording
from app.runs import cells, cost, failing
from app.runs.actions import ask, button
from app.studies.members import Member
from store.run import Run

_RESUMABLE = ("stopped", "failed", "lost")
_ASKS = "Ask the program that trains it to stop; it does where its loop looks at should_stop"
_KILL = "Kill it now; the epoch in work is lost, and it can be resumed"


def draw(member: Member, spent: cost.Cost, *, place: str = "") -> None:
    """Draws a run; place: where it stands in the queue."""
    is_waiting = member.status.state == "queued"
    with st.container(border=True, gap="xsmall", key=f"run_{member.run.id}"):
        cards.html(cells.about(member))
        words, buttons = st.columns([2.1 if is_waiting else 3.5, 1], vertical_alignment="center", gap="small")
        with words:
            cards.html(cells.numbers(member, spent, place=place))
        with buttons.container(horizontal=True, horizontal_alignment="right", gap="xsmall", wrap=False):
            _buttons(member, spent)
        if member.status.state in ("failed", "lost"):
            _failure(member)


def damaged(run: Run, sentence: str) -> None:
    """Draws a run that cannot be read: what is wrong, and the way to be rid of it."""
    status = run.status()
    with st.container(border=True, gap="xsmall", key=f"run_{run.id}"):
        words, buttons = st.columns([4.3, 1], vertical_alignment="center", gap="small")
        words.html(f'<div class="ut-name"><b>{markup.text(run.id)}</b>{markup.state(status.state)}</div>')
        with buttons.container(horizontal=True, horizontal_alignment="right"):
            _ask_to_delete(run, f"run **{run.id}** and what is left of it", is_alive=status.is_alive)
        st.error(sentence)


def _buttons(member: Member, spent: cost.Cost) -> None:
    run, is_tracked = member.run, naming.is_tracked(member.config)
    if member.status.state == "queued" and not is_tracked:
        _places(run)
    elif st.button(
        "Open", key=f"open_{run.id}", disabled=not len(member.metrics), help="Open the run's overview"
    ):
        focus.go("overview", run=run.id)
    _ending(member, is_tracked=is_tracked)
    if not is_tracked and st.button(
        ":material/content_copy:", key=f"clone_{run.id}", help="Clone and edit: a new run like this"
    ):
        focus.go("new-run", clone=run.id)
    what = f"{wording.plural(len(member.metrics), 'epoch')} and {wording.duration(spent.seconds)} of work"
    _ask_to_delete(run, f"**{markup.markdown(member.name)}**, {what}", is_alive=member.status.is_alive)


def _places(run: Run) -> None:
    """Draws the buttons that move a waiting run."""
    moves: tuple[tuple[queue.Move, str, str], ...] = (
        ("first", "vertical_align_top", "Train this one next"),
        ("up", "arrow_upward", "One place up in the queue"),
        ("down", "arrow_downward", "One place down in the queue"),
    )
    for to, icon, hint in moves:
        button(f":material/{icon}:", queue.move, run, to, key=f"{to}_{run.id}", hint=hint)


def _ending(member: Member, *, is_tracked: bool) -> None:
    """Draws what ends a run or brings it back."""
    run, state = member.run, member.status.state
    was_asked = state == "stopping" or (state == "stalled" and run.stop_requested())
    if not member.status.is_over and (is_tracked or not was_asked):
        hint = _ASKS if is_tracked else "Stop after the batch in work; it can be resumed"
        button(
            ":material/stop_circle:", launch.stop, run, key=f"stop_{run.id}", hint=hint, disabled=was_asked
        )
    elif not member.status.is_over:
        name = markup.markdown(member.name)
        question = f"Kill **{name}** now? It was asked to stop and has not. {_KILL.partition('; ')[2]}."
        ask(":material/cancel:", question, launch.kill, run, key=f"kill_{run.id}", words="Kill it now")
    elif state in _RESUMABLE and not is_tracked:
        hint = "Continue from the last checkpoint"
        button(":material/resume:", launch.resume, run, key=f"resume_{run.id}", hint=hint)


def _ask_to_delete(run: Run, what: str, *, is_alive: bool) -> None:
    if is_alive:
        st.button(
            ":material/delete:", key=f"no_delete_{run.id}", disabled=True, help="Stop it before deleting"
        )
        return
    ask(
        ":material/delete:",
        f"Delete {what}?",
        launch.delete,
        run,
        key=f"delete_{run.id}",
        words="Delete for good",
    )


def _failure(member: Member) -> None:
    """Draws why a run ended: its sentence, the exception with its line of code, and the log."""
    run = member.run
    st.error(member.status.message or "The process ended without a word; the log may say why.")
    log = run.log_tail()
    if not log:
        return
    failure = failing.found(run.log_tail(failing.LINES_READ))
    if failure is not None:
        cards.html(_fault(failure))
    with st.expander("Log, last lines", key=f"log_{run.id}"):
        st.code(log, language=None)
        st.download_button(
            "Download the whole log", (run.folder / "log.txt").read_bytes, file_name=f"{run.id}.log.txt",
            mime="text/plain", key=f"whole_log_{run.id}", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


def _fault(failure: failing.Failure) -> str:
    at = f"<span>{markup.text(failure.place)}, in {markup.text(failure.function)}</span>"
    code = f"<code>{markup.text(failure.code)}</code>" if failure.code else ""
    return (
        f'<div class="ut-fault"><b>{markup.text(failure.exception)}</b>'
        f"{at + code if failure.place else ''}</div>"
    )
