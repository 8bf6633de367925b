"""A config as the command line that makes it: only what differs from the defaults.

It is what a person copies from the form into a script, so what it says must lead to the same config again.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from app.new_run import fields
from app.new_run.fields import Setting


def command(model: type[BaseModel], values: Mapping[str, Any]) -> str:
    """Returns the command that trains these settings of the model, values as JSON holds them."""
    words = (f"--set {shlex.quote(assignment)}" for assignment in assignments(model, values))
    return " ".join(("undertow train", *words))


def assignments(model: type[BaseModel], values: Mapping[str, Any]) -> list[str]:
    """Returns what differs from the defaults, as dotted assignments such as "strategy.keep=0.3"."""
    return list(_differing(fields.settings(model), values, {}))


def _differing(
    settings: Iterable[Setting], values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[str]:
    for setting in settings:
        value, default = values.get(setting.name), defaults.get(setting.name, setting.default)
        if value == default:
            continue
        if value is None:
            yield f"{setting.address}=null"
        elif setting.widget == "kinds":
            yield from _kind(setting, value, default or {})
        elif setting.widget == "part":
            yield from _differing(setting.children(), value, default or {})
        elif setting.widget == "pairs":
            yield from (f"{setting.address}.{name}={fields.text(item)}" for name, item in value.items())
        elif setting.widget == "lines":
            yield f"{setting.address}={'; '.join(fields.text(item) for item in value)}"
        else:
            yield f"{setting.address}={fields.text(value)}"


def _kind(setting: Setting, value: Mapping[str, Any], default: Mapping[str, Any]) -> Iterator[str]:
    """A new kind begins from its own defaults."""
    if value["kind"] != default.get("kind"):
        yield f"{setting.address}.kind={value['kind']}"
        default = {}
    yield from _differing(setting.children(value["kind"]), value, default)
