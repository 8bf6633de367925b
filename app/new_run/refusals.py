"""Why a model refuses values, each reason at the setting that it is about, and all of them at once.

A form shows a reason beside its field. pydantic knows the field of a single value, but of a rule between
several only the part that they belong to.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.new_run import fields
from engine.settings import reasons

Model = TypeVar("Model", bound=BaseModel)

_NAMES = re.compile(r"[a-z_][a-z0-9_]*")


def checked(model: type[Model], values: Mapping[str, Any]) -> tuple[Model | None, dict[str, str]]:
    """Returns the model of these values, or None and every reason by the path of its setting.

    Rules that span several parts are checked with the default in place of each refused part, so that they are
    said at the same time.
    """
    try:
        return model.model_validate(values), {}
    except ValidationError as refused:
        found = reasons(refused)
    failing = {path.split(".")[0] for path, _ in found}
    try:
        if "" not in failing:
            model.model_validate({name: value for name, value in values.items() if name not in failing})
    except ValidationError as refused:
        found += [(path, reason) for path, reason in reasons(refused) if not path]
    errors: dict[str, str] = {}
    for path, reason in found:
        place = _place(model, path, reason)
        errors[place] = "; ".join(filter(None, (errors.get(place), reason)))
    return None, errors


def _place(model: type[BaseModel], path: str, reason: str) -> str:
    """Returns the path of the setting that a reason is about.

    A rule of a whole part is said of the first of its settings that the sentence names.
    """
    everything = list(fields.reachable(fields.settings(model)))
    holders = {f"{setting.path}.{kind}".rstrip(".") for setting in everything for kind in setting.models}
    known = {setting.path for setting in everything} | holders
    parts = path.split(".") if path else []
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    path = next((prefix for prefix in prefixes if prefix in known), path)
    if path and path not in holders:
        return path
    named = (f"{path}.{name}".lstrip(".") for name in _NAMES.findall(reason))
    return next((place for place in named if place in known - holders or (not path and place in known)), path)
