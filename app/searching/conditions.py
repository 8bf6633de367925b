"""Search by conditions: the text that stands in the address, and the fields in which they are chosen."""

import math

import streamlit as st

from app import focus, wording
from app.samples import sample_life
from store.questions.search import BY_NAME, PREDICATES, Predicate, Term
from store.run import Run

_CHOSEN = "samples_conditions"
_VALUE = "samples_value_"
_STEPS = {"whole": 1.0, "share": 0.05, "number": 0.05}
_LABELS = {predicate.label: predicate for predicate in PREDICATES}


def asked(run: Run) -> list[Term]:
    """Returns the conditions that are chosen or that an opened link asks for."""
    classes = len(run.about().get("class_names", []))
    return parsed(focus.choice("find") or "", classes)


def parsed(text: str, classes: int) -> list[Term]:
    """Reads "forgotten:2,never_learned" as written() writes it; what is no condition is left out.

    Values outside of a condition's range become its usual value.
    """
    terms: dict[str, Term] = {}
    for part in text.split(","):
        name, _, value = part.partition(":")
        if name in BY_NAME:
            terms[name] = Term(name, _value(BY_NAME[name], value, classes))
    return list(terms.values())


def written(terms: list[Term]) -> str:
    """Writes conditions as the address holds them."""
    return ",".join(
        term.name if BY_NAME[term.name].kind == "none" else f"{term.name}:{term.value:g}" for term in terms
    )


def sentence(terms: list[Term], names: list[str]) -> str:
    """Returns the conditions in words: "Never learned and consistency at most 0.2"."""
    words = [_in_words(term, names) for term in terms]
    return " and ".join([*words[:1], *(word[0].lower() + word[1:] for word in words[1:])])


def pick(run: Run) -> list[Term]:
    """Draws the fields in which conditions and their values are chosen, and returns them."""
    terms = asked(run)
    names = list(run.about().get("class_names", []))
    st.session_state[_CHOSEN] = [BY_NAME[term.name].label for term in terms]
    st.multiselect(
        "All of these hold, over all recorded epochs", list(_LABELS), key=_CHOSEN, on_change=_take_conditions,
        args=(len(names),), placeholder="Choose conditions, such as forgotten at least twice",
    )  # fmt: skip
    if terms:
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            for term in terms:
                _field(term, names)
    return terms


def _field(term: Term, names: list[str]) -> None:
    """Draws the value of one condition, and its definition on hover."""
    predicate, key = BY_NAME[term.name], _VALUE + term.name
    hint = f"{predicate.label}: {predicate.meaning}."
    if predicate.kind == "none":
        st.badge(predicate.label, color="gray", help=hint)
        return
    if predicate.kind == "class":
        st.session_state[key] = int(term.value)
        st.selectbox(
            predicate.label, range(len(names)), key=key, on_change=_take_values, args=(len(names),),
            format_func=lambda label: sample_life.class_name(names, label), help=hint, width=190,
        )  # fmt: skip
        return
    _number(predicate, term.value, key=key, hint=hint, classes=len(names))


def _number(predicate: Predicate, value: float, *, key: str, hint: str, classes: int) -> None:
    low, high, step = predicate.low, predicate.high, _STEPS[predicate.kind]
    if predicate.kind == "whole":
        st.session_state[key] = int(value)
        st.number_input(
            predicate.label, int(low), None if high is None else int(high), key=key, step=int(step),
            on_change=_take_values, args=(classes,), help=hint, width=270,
        )  # fmt: skip
        return
    st.session_state[key] = float(value)
    st.number_input(
        predicate.label, float(low), None if high is None else float(high), key=key, step=step, format="%.2f",
        on_change=_take_values, args=(classes,), help=hint, width=270,
    )  # fmt: skip


def _take_conditions(classes: int) -> None:
    before = {term.name: term for term in parsed(focus.choice("find") or "", classes)}
    chosen = [_LABELS[label] for label in st.session_state[_CHOSEN]]
    _choose([before.get(predicate.name, Term(predicate.name, predicate.usual)) for predicate in chosen])


def _take_values(classes: int) -> None:
    terms = parsed(focus.choice("find") or "", classes)
    _choose([Term(term.name, st.session_state.get(_VALUE + term.name, term.value)) for term in terms])


def _choose(terms: list[Term]) -> None:
    focus.choose("find", written(terms) or None)


def _value(predicate: Predicate, text: str, classes: int) -> float:
    try:
        value = float(text)
    except ValueError:
        return predicate.usual
    high = classes - 1 if predicate.kind == "class" else predicate.high
    if not math.isfinite(value) or value < predicate.low or (high is not None and value > high):
        return predicate.usual
    return round(value) if predicate.kind in ("whole", "class") else value


def _in_words(term: Term, names: list[str]) -> str:
    predicate = BY_NAME[term.name]
    if predicate.kind == "none":
        return predicate.label
    if predicate.kind == "class":
        return f"{predicate.label} {sample_life.class_name(names, term.value)}"
    write = {"share": wording.setting_percent, "whole": wording.count}.get(predicate.kind, wording.number)
    return predicate.label.replace("…", write(term.value))
