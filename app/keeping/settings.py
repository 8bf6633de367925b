"""The settings of a run that a person chose: those that are not the defaults.

A run holds every setting; the few that were said are what tells it from another.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from app import naming
from engine.config import InvalidConfig, RunConfig, parse


def changed(config: Mapping[str, Any]) -> dict[str, str]:
    """Returns the settings that are not their defaults, as text by their address, such as strategy.keep.

    A kind is named where it is not the default one, and its settings where they are not that kind's defaults.
    Of a configuration that this version cannot read, and of a person's own loop, every setting is returned.
    """
    if naming.is_tracked(config):
        return naming.flat(config)
    try:
        settled = parse(dict(config))
    except InvalidConfig:
        return naming.flat(config)
    return naming.flat(_changed(settled, RunConfig()))


def _changed(settled: BaseModel, usual: BaseModel) -> dict[str, Any]:
    found: dict[str, Any] = {}
    written = settled.model_dump(mode="json")
    for name, field in type(settled).model_fields.items():
        value, default = getattr(settled, name), getattr(usual, name, None)
        if isinstance(value, BaseModel):
            found |= {name: inner} if (inner := _inner(value, default)) else {}
        elif value != (
            default if type(settled) is type(usual) else field.get_default(call_default_factory=True)
        ):
            found[name] = written[name]
    return found


def _inner(value: BaseModel, default: object) -> dict[str, Any]:
    """What differs: from the usual part where it is of that kind, else from its own kind's defaults."""
    if isinstance(default, BaseModel) and type(value) is type(default):
        return _changed(value, default)
    kind = {"kind": value.model_dump(mode="json")["kind"]} if "kind" in type(value).model_fields else {}
    written, fields = value.model_dump(mode="json"), type(value).model_fields
    own = {
        name: written[name]
        for name, field in fields.items()
        if getattr(value, name) != field.get_default(call_default_factory=True)
    }
    return kind | own
