"""A settings model as a form: its fields become widgets, and the widgets become the same model again.

What the widgets say is read from the session before any of them is drawn, so each reason why the model
refuses a value stands beside its field at once. The browser gets no limits for numbers: Streamlit leaves a
number beyond them on the screen and silently goes on with the one before.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import streamlit as st
from pydantic import BaseModel

from app import cards, markup, naming
from app.new_run import fields, refusals
from app.new_run.fields import Setting

Model = TypeVar("Model", bound=BaseModel)

_PAIRS = re.compile(r"\n|,(?=[^,\n]*=)")  # a comma parts two pairs, and not the values of one


class Form(Generic[Model]):
    """A form over a model, filled with a start; config is None while something is refused.

    errors: reasons by the path of their setting, "" for what concerns no single one. values: what the widgets
    say, as JSON holds it. key: tells forms apart; a new one begins from its start again.
    """

    def __init__(self, model: type[Model], start: Mapping[str, Any], *, key: str) -> None:
        self._key = key
        self._settings = {setting.name: setting for setting in fields.settings(model)}
        self._start: dict[str, Any] = {}  # what each widget shows at first, by path
        self.values = self._read(self._settings.values(), start)
        self.config, self.errors = refusals.checked(model, self.values)

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Refuses values for reasons that the model cannot know, by path: files that are not there."""
        if reasons:
            self.config, self.errors = None, {**reasons, **self.errors}

    def draw(self, *names: str) -> None:
        """Draws settings with all that belongs to them."""
        self._draw([self._settings[name] for name in names if name in self._settings])

    def lead(self, name: str) -> None:
        """Draws the first line of a choice of kinds: the choice, and the first setting of the chosen kind."""
        setting = self._settings[name]
        first = self._inner(setting)[:1]
        left, right = st.columns(2, gap="medium", vertical_alignment="top" if first else "bottom")
        with left:
            self._choose(setting)
        with right:
            if first:
                self._field(first[0])
            else:
                self._say_kind(setting)
        if first:
            self._say_kind(setting)

    def rest(self, name: str) -> None:
        """Draws what lead leaves out."""
        setting = self._settings[name]
        inner = self._inner(setting)[1:]
        if inner:
            cards.html(f'<h4 class="ut-part">{markup.text(self._title(setting))}</h4>')
            self._draw(inner)

    def has_rest(self, name: str) -> bool:
        """Says whether rest would draw anything."""
        return len(self._inner(self._settings[name])) > 1

    def refused(self, *names: str) -> int:
        """Returns how many settings of these are refused, apart from those that lead draws."""
        folded = set(self.errors) - {path for name in names for path in self._led(self._settings[name])}
        return sum(path.split(".")[0] in names for path in folded)

    def where(self, path: str) -> str:
        """Returns the words for the place of a setting: "Strategy, keep"."""
        labels = [setting.label for setting in self._shown() if f"{path}.".startswith(f"{setting.path}.")]
        return ", ".join([*labels[:1], *(label.lower() for label in labels[1:])])

    def _led(self, setting: Setting) -> tuple[str, ...]:
        """Returns the paths whose refusals lead draws."""
        if setting.widget != "kinds":
            return ()
        first = (inner.path for inner in self._inner(setting)[:1])
        return (setting.path, f"{setting.path}.{self._kind(setting)}", *first)

    def _read(self, settings: Iterable[Setting], start: Mapping[str, Any]) -> dict[str, Any]:
        return {setting.name: self._value(setting, start.get(setting.name)) for setting in settings}

    def _value(self, setting: Setting, given: Any) -> Any:
        """Returns what a setting's widgets say; given: what they start from, None for the default."""
        was = setting.default if given is None and not setting.optional else given
        if setting.optional and not self._state(f"{setting.path}?", was is not None):
            return None
        was = setting.default if was is None else was
        if setting.widget == "part":
            return self._read(setting.children(), was or {})
        if setting.widget == "kinds":
            before = (was or {}).get("kind")
            kind = self._state(
                setting.path, before if before in setting.models else next(iter(setting.models))
            )
            inner = was if kind == before else {}
            return {"kind": kind, **self._read(setting.children(kind), inner)}
        return _parsed(setting, self._state(setting.path, _shown(setting, was)))

    def _state(self, path: str, start: Any) -> Any:
        self._start[path] = start
        return st.session_state.get(self._key_of(path), start)

    def _key_of(self, path: str) -> str:
        return f"{self._key}:{path}"

    def _kind(self, setting: Setting) -> str:
        """Returns the kind that is chosen; "" of a part."""
        return str(self._state(setting.path, self._start[setting.path])) if setting.widget == "kinds" else ""

    def _inner(self, setting: Setting) -> tuple[Setting, ...]:
        return setting.children(self._kind(setting))

    def _shown(self, settings: Iterable[Setting] | None = None) -> list[Setting]:
        """Returns the settings that are on screen, containers before what they hold."""
        found = []
        for setting in self._settings.values() if settings is None else settings:
            is_on = not setting.optional or self._state(f"{setting.path}?", self._start[f"{setting.path}?"])
            found += [setting, *(self._shown(self._inner(setting)) if setting.models and is_on else ())]
        return found

    def _draw(self, settings: Iterable[Setting]) -> None:
        """Draws plain settings beside each other, then the parts among them below a heading each."""
        settings = list(settings)
        if any(not setting.models for setting in settings):
            with st.grid(2, gap=("small", "medium"), min_column_width=170):
                self._fields(setting for setting in settings if not setting.models)
        for setting in settings:
            if setting.models:
                self._part(setting)

    def _fields(self, settings: Iterable[Setting]) -> None:
        for setting in settings:
            with st.container(gap="xxsmall"):
                self._field(setting)

    def _part(self, setting: Setting) -> None:
        cards.html(f'<h4 class="ut-part">{markup.text(setting.label)}</h4>')
        if setting.optional and not self._switch(setting):
            return
        if setting.widget == "kinds":
            self._choose(setting)
            self._say_kind(setting)
        self._draw(self._inner(setting))
        if setting.widget == "part":
            self._refuse(setting.path)

    def _title(self, setting: Setting) -> str:
        return f"{setting.label}: {naming.word(self._kind(setting))}"

    def _choose(self, setting: Setting) -> None:
        """Draws the choice of kinds."""
        kinds = list(setting.models)
        chosen = self._kind(setting)
        lines = (f"**{naming.word(kind)}**: {markup.markdown(setting.sentence(kind))}" for kind in kinds)
        st.selectbox(
            setting.label, kinds, index=kinds.index(chosen) if chosen in kinds else 0,
            format_func=naming.word, key=self._key_of(setting.path), persist_state="session",
            help="\n\n".join((f"{setting.help}.", *lines)),
        )  # fmt: skip
        self._refuse(setting.path)
        self._refuse(f"{setting.path}.{chosen}")

    def _say_kind(self, setting: Setting) -> None:
        """Draws what the chosen kind does."""
        cards.html(f'<p class="ut-kind">{markup.text(setting.sentence(self._kind(setting)))}</p>')

    def _field(self, setting: Setting) -> None:
        """Draws one plain setting, and below it why its value is refused."""
        if not setting.optional or self._switch(setting):
            self._widget(setting)
        self._refuse(setting.path)

    def _switch(self, setting: Setting) -> bool:
        """Draws the switch of a setting that may be left out."""
        path = f"{setting.path}?"
        key = self._key_of(path)
        return st.toggle(f"Set {setting.label.lower()}", self._start[path], key=key, persist_state="session")

    def _widget(self, setting: Setting) -> None:
        start = self._start[setting.path]
        always: dict[str, Any] = {
            "key": self._key_of(setting.path),
            "help": markup.markdown(setting.help) or None,
            "persist_state": "session",
        }
        match setting.widget:
            case "switch":
                st.toggle(setting.label, start, **always)
            case "choice":
                place = setting.choices.index(start) if start in setting.choices else 0
                st.selectbox(setting.label, setting.choices, place, format_func=naming.word, **always)
            case "whole":
                st.number_input(setting.label, value=start, step=1, format="%d", **always)
            case "number":
                st.number_input(setting.label, value=start, step=setting.step, format="%g", **always)
            case "text":
                st.text_input(setting.label, start, **always)
            case _:
                written = "one a line" if setting.widget == "lines" else "name = value, one a line"
                st.text_area(setting.label, start, height=96, placeholder=written, **always)

    def _refuse(self, path: str) -> None:
        if path in self.errors:
            cards.html(f'<p class="ut-refused" role="alert">{markup.text(self.errors[path])}</p>')


def _shown(setting: Setting, value: Any) -> Any:
    """Returns a value as its widget shows it."""
    if setting.widget == "lines" and not isinstance(value, str):
        return "\n".join(str(item) for item in value or ())
    if setting.widget == "pairs" and isinstance(value, Mapping):
        return "\n".join(f"{name} = {fields.text(item)}" for name, item in value.items())
    if setting.widget == "number" and value is not None:
        return float(value)
    return value


def _parsed(setting: Setting, shown: Any) -> Any:
    """Returns what a widget shows as JSON holds it; a line that is no pair makes a list, which is refused."""
    if setting.widget == "lines":
        return [line.strip() for line in str(shown).splitlines() if line.strip()]
    if setting.widget == "pairs":
        lines = [line.strip() for line in _PAIRS.split(str(shown)) if line.strip()]
        parted = [line.partition("=") for line in lines]
        if not all(name.strip() and sign for name, sign, _ in parted):
            return lines
        return {name.strip(): value.strip() for name, _, value in parted}
    return shown
