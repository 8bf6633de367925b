"""What a form must know of a settings model: each setting's widget, words, bounds and default.

It is read off the model's own fields, so a new option is in the form as soon as it is in the model. A type
that no widget can show is refused; a test turns that into a failure before anybody misses the option.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app import wording

Widget = Literal["whole", "number", "switch", "choice", "text", "lines", "pairs", "part", "kinds"]

_PLAIN: dict[Any, Widget] = {bool: "switch", int: "whole", float: "number", str: "text", Path: "text"}
_EMPTY: dict[Widget, Any] = {"text": "", "switch": False, "lines": [], "pairs": {}, "part": {}, "kinds": {}}
# Names that are signs of a formula; every other label is the name of the setting itself.
_LABELS = {
    "ema": "Decay of averaged weights",
    "k": "Neighbours k",
    "m": "Links a point",
    "ef": "Candidates, asking",
    "ef_construction": "Candidates, building",
    "side": "Image side",
    "beta1": "Beta 1",
    "beta2": "Beta 2",
    "maps": "Map",
    "root": "Folder",
}


@dataclass(frozen=True)
class Setting:
    """One setting as a form shows it.

    path: where pydantic says that an error is (strategy.joint.keep). address: what --set calls it
    (strategy.keep).
    """

    name: str
    path: str
    address: str
    widget: Widget
    description: str
    default: Any  # as JSON holds it
    bounds: Mapping[str, float] = field(default_factory=dict)  # of ge, gt, le, lt
    choices: tuple[Any, ...] = ()
    models: Mapping[str, type[BaseModel]] = field(default_factory=dict)  # by kind; of a part by ""
    optional: bool = False

    @property
    def label(self) -> str:
        """Returns the name in plain words."""
        return _LABELS.get(self.name) or self.name.replace("_", " ").capitalize()

    @property
    def help(self) -> str:
        """Returns what the setting does, its default and the values that it takes."""
        said = wording.capital(self.description).rstrip(".")
        ends = "; ".join(part for part in (self._default_said(), self.range) if part)
        return ". ".join(part for part in (said, ends) if part)

    @property
    def range(self) -> str:
        """Returns the values that a number may have: "0.01 to 1"; "" where all are allowed."""
        low, high = self.bounds.get("ge"), self.bounds.get("le")
        if low is not None and high is not None:
            return f"{_written(low)} to {_written(high)}"
        words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
        return ", ".join(f"{words[name]} {_written(bound)}" for name, bound in self.bounds.items())

    @property
    def step(self) -> float:
        """Returns what one press of + adds: for a number one digit below its usual size."""
        if self.widget == "whole":
            return 1
        usual = abs(self.default or 0)
        room = [abs(bound - usual) for bound in self.bounds.values() if bound != usual and abs(bound) <= 1]
        size = min([*([usual] if usual else []), *room], default=1.0)
        return float(10.0 ** math.floor(math.log10(size / 2)))

    def children(self, kind: str = "") -> tuple["Setting", ...]:
        """Returns the settings of a part, or of one kind of a choice of kinds."""
        path = f"{self.path}.{kind}" if kind else self.path
        below = settings(self.models[kind], path, self.address)
        return tuple(setting for setting in below if not kind or setting.name != "kind")

    def sentence(self, kind: str) -> str:
        """Returns what a kind does."""
        return sentence(self.models[kind])

    def _default_said(self) -> str:
        if self.widget in ("part", "kinds", "lines", "pairs") or self.default in (None, ""):
            return ""
        if self.widget == "switch":
            return "Default on" if self.default else "Default off"
        return f"Default {_written(self.default)}"


def settings(model: type[BaseModel], path: str = "", address: str = "") -> Iterator[Setting]:
    """Yields the settings of a model in their order; raises TypeError for a type that no widget can show."""
    for name, declared in model.model_fields.items():
        yield _setting(name, declared, path=_joined(path, name), address=_joined(address, name))


def reachable(found: Iterable[Setting]) -> Iterator[Setting]:
    """Yields these settings and those of their parts and of all kinds of them, the containers included."""
    for setting in found:
        yield setting
        for kind in setting.models:
            yield from reachable(setting.children(kind))


def sentence(model: type[BaseModel]) -> str:
    """Returns what a model does, from the first paragraph of its docstring."""
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())


def jsonable(value: Any) -> Any:
    """Returns a default as JSON holds it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [jsonable(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def text(value: Any) -> str:
    """Writes a value as a person types it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _setting(name: str, declared: FieldInfo, *, path: str, address: str) -> Setting:
    annotation, optional = _without_none(declared.annotation)
    widget, choices, models = _shape(annotation, path)
    default = declared.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        default = choices[0] if choices else _EMPTY.get(widget)
    return Setting(
        name=name,
        path=path,
        address=address,
        widget=widget,
        description=declared.description or "",
        default=jsonable(default),
        bounds=_bounds(declared),
        choices=choices,
        models=models,
        optional=optional,
    )


def _shape(annotation: Any, path: str) -> tuple[Widget, tuple[Any, ...], dict[str, type[BaseModel]]]:
    """Returns the widget of a type, its choices, and the models behind it."""
    if annotation in _PLAIN:
        return _PLAIN[annotation], (), {}
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation), {}
    if _is_model(annotation):
        return "part", (), {"": annotation}
    if _is_union(annotation) and all(_is_model(option) for option in get_args(annotation)):
        return "kinds", (), {kind: option for option in get_args(annotation) for kind in _kinds(option, path)}
    if get_origin(annotation) in (tuple, list) and _is_text(annotation):
        return "lines", (), {}
    if get_origin(annotation) is dict and all(_is_text(item) for item in get_args(annotation)):
        return "pairs", (), {}
    raise TypeError(f"{path} must be of a type that a form can show; got {annotation}")


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Returns the type without None, and whether None was allowed."""
    annotation = _bare(annotation)
    if not _is_union(annotation):
        return annotation, False
    rest = tuple(_bare(option) for option in get_args(annotation) if option is not NoneType)
    merged = rest[0]
    for option in rest[1:]:
        merged = merged | option
    return merged, len(rest) < len(get_args(annotation))


def _bare(annotation: Any) -> Any:
    """Returns a type without what Annotated says of it."""
    return _bare(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def _is_text(annotation: Any) -> bool:
    """Says whether a person can write such a value as text: a plain one, or several of them."""
    annotation = _bare(annotation)
    if annotation in _PLAIN or annotation is Ellipsis:
        return True
    several = _is_union(annotation) or get_origin(annotation) in (tuple, list)
    return several and all(_is_text(item) for item in get_args(annotation))


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _kinds(model: type[BaseModel], path: str) -> tuple[str, ...]:
    """Returns the kinds that a model of a union answers to."""
    if "kind" not in model.model_fields:
        raise TypeError(f"{path} must have models with a kind; {model.__name__} has none")
    return get_args(model.model_fields["kind"].annotation)


def _bounds(declared: FieldInfo) -> dict[str, float]:
    found = (
        (name, getattr(rule, name, None)) for rule in declared.metadata for name in ("ge", "gt", "le", "lt")
    )
    return {name: bound for name, bound in found if bound is not None}


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _written(value: Any) -> str:
    """Writes a number without an exponent where it is short, with separators from 10,000; text as it is."""
    if isinstance(value, str):
        return value
    if abs(value) >= 10_000 and value == int(value):
        return wording.count(value)
    return f"{value:g}"
