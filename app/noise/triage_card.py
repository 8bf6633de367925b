"""The card that asks about one suspect at a time, and the keys that answer: N, H, F, J, K, U and digits.

Each button has its key, so that what the keyboard can do is in sight and what it did is the same click.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import streamlit as st
from pandas import DataFrame

from app import cached, cards, gallery, links, markup, picture, wording
from app.noise import triage
from app.samples import sample_life
from store import judgements
from store.errors import RunIsForeign
from store.judgements import Judgement, Verdict
from store.run import Run, default_root, find_run

THUMBNAIL = 44  # pixels of a neighbour
NEIGHBOURS = 10
_KEYS: dict[Verdict, str] = {"noisy": "N", "hard": "H", "fine": "F"}
_AT, _UNDO, _FAILED, _ONLY = "triage_at", "triage_undo_", "triage_failed", "triage_only_unjudged"
_UNKNOWN_KEY = "X"  # a noisy label whose class nobody knows


class Case(NamedTuple):
    """One suspect that is judged: its place in the list, labels, and where it goes from here."""

    row: Any
    ids: list[int]
    names: list[str]
    epoch: int
    judged: dict[int, Judgement]

    @property
    def sample_id(self) -> int:
        """The sample."""
        return int(self.row.sample_id)


def draw(run: Run, listed: DataFrame, *, epoch: int) -> dict[int, Judgement]:
    """Draws the card over suspects, most suspicious first, and returns every verdict of the run."""
    try:
        judged = judgements.judgements(run)
    except RunIsForeign as error:
        st.error(markup.sentence(error), icon=":material/error:")
        return {}
    ids = [int(sample_id) for sample_id in listed["sample_id"]]
    at = triage.focused(ids, st.session_state.get(_AT), judged)
    row: Any = next(listed.iloc[[ids.index(at)]].itertuples(index=False))
    case = Case(row, ids, run.about().get("class_names", []), epoch, judged)
    with st.container(border=True, gap="small", key="card_triage"):
        _head(run, case)
        left, right = st.columns([1, 3.1], gap="medium")
        with left:
            says = f"sample {at}, labelled {sample_life.class_name(case.names, row.label)}"
            cards.html(picture.picture(run, at, says=says))
        with right:
            _evidence(run, case)
            _verdicts(run, case)
            _classes(run, case)
        if st.session_state.get(_FAILED):
            st.error(markup.sentence(st.session_state[_FAILED]), icon=":material/error:")
    return judged


def _head(run: Run, case: Case) -> None:
    done = sum(sample_id in case.judged for sample_id in case.ids)
    only = bool(st.session_state.get(_ONLY, False))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        says = f"{done} of {len(case.ids)} judged"
        cards.html(markup.head("Judge one by one", says), markup.bar(
            done / len(case.ids), state_name="running", says=says))  # fmt: skip
        st.toggle("Only unjudged", key=_ONLY, persist_state="session", help="J and K pass over the judged")
        for step, icon, key, where in ((-1, "left", "K", "Previous"), (1, "right", "J", "Next")):
            other = triage.neighbour(
                case.ids, case.sample_id, step=step, judged=case.judged, only_unjudged=only
            )
            st.button(
                f":material/chevron_{icon}:", key=f"triage_{key}", shortcut=key, disabled=other is None,
                on_click=_go, args=(other,), help=f"{where} suspect",
            )  # fmt: skip
        st.button(
            "Undo", key="triage_U", shortcut="U", on_click=_undo, args=(run.id,),
            disabled=not st.session_state.get(_UNDO + run.id),
            help="Takes the last verdict of this tab back",
        )  # fmt: skip


def _evidence(run: Run, case: Case) -> None:
    """Draws label → other class, what the run saw of the sample, and the labels around it."""
    row, names = case.row, case.names
    label, suggested = sample_life.class_name(names, row.label), triage.suggestion(row)
    other = "" if suggested is None else sample_life.class_name(names, suggested)
    history = cached.history(run, [case.sample_id])
    past = history[history["epoch"] <= case.epoch]
    confidence = past["confidence"].tolist()
    said = triage.verdict(case.judged.get(case.sample_id), names)
    title = f"{label} → {other}" if other else label
    note = f"Sample {case.sample_id}, suspect {case.ids.index(case.sample_id) + 1}"
    note += f"; judged {said}" if said else "; not judged yet"
    kept = f"kept in {int(past['selected'].sum())} of {wording.plural(len(past), 'epoch')}"
    hint = "label → last prediction, where that is another class"
    cards.html(
        f'<div class="ut-case" title="{hint}"><h2>{markup.text(title)}</h2><p>{markup.text(note)}</p></div>',
        '<div class="ut-case-life"><span>Confidence in the label, 0 to 1</span>',
        markup.sparkline(confidence, says="confidence in the label by epoch", low=0, high=1),
        f"<span>{markup.text(wording.capital(kept))}</span>",
        markup.strip(past["selected"].tolist()),
        "</div>",
    )
    _neighbours(run, case, label=int(row.label), suggested=suggested)


def _neighbours(run: Run, case: Case, *, label: int, suggested: int | None) -> None:
    nearest = cached.neighbours(run, case.sample_id, case.epoch).head(NEIGHBOURS)
    if nearest.empty:
        st.caption("No map up to this epoch holds this sample, so its neighbours are not known.")
        return
    told = triage.agreement(nearest, label, suggested, case.names)
    st.caption(markup.markdown(f"Labels of its {len(nearest)} nearest in feature space: {told}"))
    shown = gallery.gallery(run, nearest, partial(_class_of, case.names), epoch=case.epoch, width=THUMBNAIL)
    links.draw(shown, key="triage_neighbours")


def _class_of(names: Sequence[str], row: Any) -> tuple[str]:
    return (sample_life.class_name(names, row.label),)


def _verdicts(run: Run, case: Case) -> None:
    """Draws the three verdicts; the correct class of N is the suggested one, or what the list says."""
    corrected = triage.suggestion(case.row)
    if len(case.names) > triage.KEYED_CLASSES:
        corrected = _chosen(case)
    with st.container(horizontal=True, gap="small"):
        for verdict, key in _KEYS.items():
            judgement = Judgement(verdict, corrected if verdict == "noisy" else None)
            word = triage.verdict(judgement, case.names).capitalize() if verdict == "noisy" else ""
            chosen = case.judged.get(case.sample_id)
            is_chosen = chosen is not None and chosen.verdict == verdict
            st.button(
                markup.markdown(word or triage.WORDS[verdict]), key=f"triage_{key}", shortcut=key,
                type="primary" if is_chosen else "secondary", on_click=_judge,
                args=(run.id, case.sample_id, judgement, case.ids),
                help=triage.MEANINGS[verdict].capitalize(),
            )  # fmt: skip


def _chosen(case: Case) -> int | None:
    options = triage.choices(int(case.row.label), triage.suggestion(case.row), len(case.names))
    suggested = triage.suggestion(case.row)

    def called(label: int | None) -> str:
        if label is None:
            return "not known"
        return case.names[label] + (" (last prediction)" if label == suggested else "")

    chosen: int | None = st.selectbox(
        "Correct class, where noisy", options, format_func=called, key=f"triage_class_{case.sample_id}"
    )
    return chosen


def _classes(run: Run, case: Case) -> None:
    """Draws a button and a digit a class, where there are few, for a noisy label of another class."""
    if len(case.names) > triage.KEYED_CLASSES:
        return
    st.caption("Noisy, and its class is another one than the last prediction:")
    label, suggested = int(case.row.label), triage.suggestion(case.row)
    with st.container(horizontal=True, gap="xsmall", key="triage_classes"):
        for other in range(len(case.names)):
            if other not in (label, suggested):
                _class_button(run, case, other, key=str(other))
        if suggested is not None:
            _class_button(run, case, None, key=_UNKNOWN_KEY)


def _class_button(run: Run, case: Case, label: int | None, *, key: str) -> None:
    name = "not known" if label is None else case.names[label]
    judgement = Judgement("noisy", label)
    st.button(
        markup.markdown(name), key=f"triage_class_{key}", shortcut=key, on_click=_judge,
        args=(run.id, case.sample_id, judgement, case.ids),
    )  # fmt: skip


def _judge(run_id: str, sample_id: int, judgement: Judgement, ids: list[int]) -> None:
    def write(run: Run) -> Mapping[int, Judgement | None]:
        before = judgements.judge(run, {sample_id: judgement})
        _go(triage.after_verdict(ids, sample_id, judgements.judgements(run)))
        return before

    _change(run_id, write)


def clear(run_id: str) -> None:
    """Takes every verdict of a run back; undo brings them again."""
    _change(run_id, judgements.clear)


def _change(run_id: str, write: Callable[[Run], Mapping[int, Judgement | None]]) -> bool:
    """Changes verdicts, remembers how to undo that in this tab, and keeps the reason where it fails."""
    st.session_state[_FAILED] = ""
    try:
        before = write(find_run(default_root(), run_id))
    except (OSError, RunIsForeign) as error:
        st.session_state[_FAILED] = f"The verdict was not kept: {error}"
        return False
    st.session_state.setdefault(_UNDO + run_id, []).append(before)
    return True


def _undo(run_id: str) -> None:
    done = st.session_state[_UNDO + run_id]
    before = done[-1]
    if _change(run_id, lambda run: judgements.judge(run, before)):
        del done[-2:]  # what was undone, and the undoing
        _go(next(iter(before), None))


def _go(sample_id: int | None) -> None:
    if sample_id is not None:
        st.session_state[_AT] = sample_id
