"""The card below the verdicts: what they amount to, the corrected labels as a file, and a run that uses them.

A verdict alone changes nothing; labels change where a run trains on them, which is one button from here.
"""

import streamlit as st

from app import cards, focus, markup, naming, wording
from app.exporting import export, table_buttons
from app.noise import triage_card
from store import corrections
from store.corrections import Tally
from store.errors import RunIsForeign
from store.run import Run


def draw(run: Run) -> None:
    """Draws the card; before the first verdict it says what will be here."""
    try:
        tally = corrections.tally(run)
    except RunIsForeign:
        return  # the card above says it
    with st.container(border=True, gap="small", key="card_corrections"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            cards.html(markup.head("Corrected labels", _amounts(tally)))
            digest = export.config_digest(run.config())
            table_buttons.draw(
                f"labels-{run.id}-{digest}",
                lambda: corrections.corrected_labels(run).assign(config=digest),
                key="corrections",
                disabled=not tally.judged,
            )
            _clear(run, tally)
        if not tally.judged:
            return
        st.caption(_meaning(run, tally))
        _child(run, tally)


def noise(run: Run) -> dict[str, str]:
    """Writes the corrected labels under the run and returns the noise setting of a run that trains on them.

    Where the base run knows the true labels, those are the source's, so the child is graded by them too.
    """
    path = corrections.write(run, {"config": export.config_digest(run.config())})
    given_are = "noisy" if corrections.truth_known(run) else "corrected"
    return {"kind": "given", "path": str(path.absolute()), "given_are": given_are}


def _amounts(tally: Tally) -> str:
    if not tally.judged:
        return "Nobody judged a label of this run yet; verdicts are counted here and kept with the run."
    with_class = f"{wording.count(tally.corrected)} with a class" if tally.noisy else ""
    noisy = f"{wording.count(tally.noisy)} noisy" + (f" ({with_class})" if with_class else "")
    rest = f"{wording.count(tally.hard)} hard, {wording.count(tally.fine)} fine"
    return f"{wording.count(tally.judged)} judged: {noisy}, {rest}"


def _meaning(run: Run, tally: Tally) -> str:
    said = "The file names the label of every sample: as this run trained on it, or as you corrected it."
    if tally.unresolved:
        keeps = "label has no class and stays as it is" if tally.unresolved == 1 else (
            "labels have no class and stay as they are")  # fmt: skip
        said += f" {wording.count(tally.unresolved)} noisy {keeps}: training cannot leave single samples out."
    if corrections.truth_known(run):
        return f"{said} True labels are known here, so a child run is graded by them as well."
    return f"{said} Nobody knows the true labels, so a child run cannot be graded; look at its test accuracy."


def _clear(run: Run, tally: Tally) -> None:
    with st.popover("Clear all", disabled=not tally.judged, key="triage_ask_clear"):
        st.markdown(
            f"Take {wording.plural(tally.judged, 'verdict')} back? Undo brings them again in this tab."
        )
        st.button(
            "Clear all verdicts",
            key="triage_clear",
            type="primary",
            on_click=triage_card.clear,
            args=(run.id,),
        )


def _child(run: Run, tally: Tally) -> None:
    if naming.is_tracked(run.config()):
        st.caption(
            "A program of its own trained this run: give it the file to train on the corrected labels."
        )
        return
    if not st.button(
        "Train a child run on these labels", key="train_child", icon=":material/model_training:",
        disabled=not tally.corrected, help="Opens New run with this run's settings and the corrected labels",
    ):  # fmt: skip
        return
    try:
        # In its parent's study, it would be one more arm of it with one seed, and take away its verdict.
        name = f"{naming.run_title(run.config())[:60]}, corrected labels"
        changes = {"noise": noise(run), "name": name, "study": ""}
    except (OSError, RunIsForeign, ValueError) as error:
        st.error(f"The labels were not written: {error}", icon=":material/error:")
        return
    focus.clone(run.id, changes)
    focus.go("new-run")
