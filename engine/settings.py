"""The base of every settings model, and its errors in one sentence a person can act on.

A settings object that exists is valid and cannot be changed; the same object is form, JSON, command line and
engine input, so this module imports nothing that trains.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

# How pydantic names a broken rule → how we say it; {…} are the context of the error.
_RULES = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "must have a kind among {expected_tags}",
    "union_tag_not_found": "must have a kind",
    "model_attributes_type": "must be settings with a kind",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be pairs of a name and a value",
    "tuple_type": "must be a list of values",
    "string_type": "must be text",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
}


class Settings(BaseModel):
    """Frozen settings that refuse unknown keys and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def explain(error: ValidationError) -> str:
    """Returns one sentence for each broken rule: where, what it must be, what it got."""
    return "; ".join(_sentence(problem) for problem in error.errors(include_url=False))


def reasons(error: ValidationError) -> list[tuple[str, str]]:
    """Returns each broken rule as (where, what it must be and what it got); "" is the settings as a whole."""
    problems = error.errors(include_url=False)
    return [(".".join(str(part) for part in problem["loc"]), _reason(problem)) for problem in problems]


def assigned(settings: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Returns the settings with dotted assignments such as "strategy.keep=0.3" put in; values stay text.

    Kinds are put in first, since a new kind drops the settings of the one before it. Raises ValueError for
    text without "=".
    """
    result = dict(settings)
    pairs = [_parted(assignment) for assignment in assignments]
    for path, value in sorted(pairs, key=lambda pair: pair[0][-1] != "kind"):
        _assign(result, path, value)
    return result


def _parted(assignment: str) -> tuple[list[str], str]:
    path, sign, value = assignment.partition("=")
    if not sign or not path:
        raise ValueError(f"--set must look like key=value; got {assignment!r}")
    return path.split("."), value


def _assign(settings: dict[str, Any], path: list[str], value: str) -> None:
    if len(path) == 1:
        if path[0] == "kind" and settings.get("kind") != value:
            settings.clear()
        settings[path[0]] = value
        return
    inner = settings.get(path[0])
    settings[path[0]] = dict(inner) if isinstance(inner, Mapping) else {}
    _assign(settings[path[0]], path[1:], value)


def _sentence(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        return f"{where}: {_reason(problem)}" if where else _reason(problem)
    return f"{where or 'the settings'} {_reason(problem)}"


def _reason(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "is not a setting; remove it or correct its name"
    if problem["type"] == "missing" or (problem["type"] == "string_too_short" and not problem["input"]):
        return "must be given"
    if problem["type"] == "value_error":
        return str(problem["msg"]).removeprefix("Value error, ")
    rule = _RULES.get(problem["type"])
    text = rule.format(**problem.get("ctx", {})) if rule else problem["msg"]
    return f"{text}; got {problem['input']!r}"
