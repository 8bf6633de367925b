"""What makes a comparison of groups unfair: differences beside the settings that are meant to be compared.

Seconds of different machines, and accuracies on different data, are different questions; a person who does
not know of the difference reads the wrong answer off the chart.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app import naming
from app.ablations.groups import Group
from app.studies.members import Member

_SHOWN = 3  # values of a difference that are named

_Read = Callable[[Member], str]


def sentences(groups: Sequence[Group]) -> dict[str, str]:
    """Returns what differs between the runs beside their method, as what: sentence; empty for equal runs."""
    found = {}
    for what, read, consequence in _FACTS:
        told = {value: group.name for group in reversed(groups) for value in _values(group, read)}
        if len(told) > 1:
            found[what] = _sentence(what, told, consequence)
    if drawn := _drawn_apart(groups):
        found[_DRAWS] = _sentence(_DRAWS, drawn, "other labels are wrong in each")
    if packages := _packages(groups):
        found["versions"] = f"Different versions: {'; '.join(packages)}; results may differ for that alone."
    return found


def _sentence(what: str, told: Mapping[str, str], consequence: str) -> str:
    values = [f"{value} ({told[value]})" for value in sorted(told)]
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return f"Different {what}: {', '.join(values[:_SHOWN])}{more}; {consequence}."


def _drawn_apart(groups: Sequence[Group]) -> dict[str, str]:
    """Returns the seeds of the label noise, each with a group, where runs of one seed have several.

    In studies they follow from the run's seed: runs that are compared then have the same wrong labels.
    """
    by_seed: dict[int, dict[str, str]] = {}
    for group in reversed(groups):
        for member in group.members:
            if drawn := _config("noise", "seed")(member):
                by_seed.setdefault(member.seed, {})[drawn] = group.name
    return next((told for told in by_seed.values() if len(told) > 1), {})


def _values(group: Group, read: _Read) -> set[str]:
    """Returns what is known of the group's runs; what a run does not say is no difference."""
    return {value for value in map(read, group.members) if value}


def _config(*path: str) -> _Read:
    def read(member: Member) -> str:
        value: Any = member.config
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return "" if value is None else str(value)

    return read


def _about(key: str) -> _Read:
    return lambda member: str(member.about.get(key) or "")


def _data(member: Member) -> str:
    shape = [value for _, value in naming.shape_of_data(member.config)]
    return ", ".join([naming.source(member.config), *shape])


def _noise(member: Member) -> str:
    settings = member.config.get("noise")
    return naming.noise({"noise": settings}) if isinstance(settings, Mapping) else ""


def _commit(member: Member) -> str:
    git = member.about.get("git")
    if not isinstance(git, Mapping) or not git.get("commit"):
        return ""
    return f"{str(git['commit'])[:7]}{' with changes' if git.get('changed') else ''}"


def _packages(groups: Sequence[Group]) -> list[str]:
    """Returns the packages of which the runs have used different versions, each with those."""
    found: dict[str, set[str]] = {}
    for member in (member for group in groups for member in group.members):
        versions = member.about.get("versions")
        for name, version in versions.items() if isinstance(versions, Mapping) else ():
            found.setdefault(str(name), set()).add(str(version))
    return [f"{name} {', '.join(sorted(told))}" for name, told in found.items() if len(told) > 1]


def _processor(member: Member) -> str:
    features, cores = member.about.get("cpu"), member.about.get("cores")
    return f"{cores} cores, {' '.join(map(str, features))}" if isinstance(features, list) and cores else ""


_DRAWS = "seeds of the label noise"
_OTHER_TASK = "their accuracies answer different tasks"
_OTHER_CLOCK = "their seconds cannot be compared"
_FACTS: tuple[tuple[str, _Read, str], ...] = (
    ("data", _data, _OTHER_TASK),
    ("label noise", _noise, _OTHER_TASK),
    ("numbers of epochs", _config("epochs"), "more epochs cost more and usually reach more"),
    (
        "models",
        lambda member: naming.model(member.config),
        "their accuracies and costs differ for that alone",
    ),
    ("commits", _commit, "the engine may have changed between them"),
    ("devices", _about("device"), _OTHER_CLOCK),
    ("processors", _processor, _OTHER_CLOCK),
    ("threads", _about("threads"), _OTHER_CLOCK),
    ("precisions", _about("precision"), "small differences may come from rounding"),
)
