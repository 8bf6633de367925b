"""A study's results as one small file: all that a reader needs to doubt a number, and none of our paths.

The values of every seed are in it, so that means, intervals and verdicts can be computed again from the file
alone, by the code that the page uses.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app import naming
from app.studies import design, measures, telling, verdicts
from app.studies.design import Preset
from app.studies.measures import MEASURES
from app.studies.members import Member
from app.studies.results import Outcome, Reached
from engine.config import RunConfig, parse
from store.questions import signatures

FORMAT = 1
ALWAYS = ("test_accuracy", "backpropagated")  # beside the measures of the preset
# Reduced to the last name: what begins at the root, at home or here, at the start or behind "local-dir:".
_FOLDERS = re.compile(r"(^|:)(?:/|~|\.{1,2}/)(?:.*/)?")
_OF_THE_RUN = ("name", "study", "seed", "noise.seed")  # each run has its own
_MACHINE = ("processor", "cores", "threads", "device", "platform", "precision")
_VERSIONS = ("python", "torch", "undertow")


def content(preset: Preset, base: RunConfig, found: Outcome) -> dict[str, Any]:
    """Returns the study as plain numbers and texts; None is unknown. Reads the runs that are done."""
    arms = [arm for arm in found.arms if _done(arm)]
    members = [member for arm in arms for member in _done(arm)]
    summaries = summary(found)
    return {
        "format": FORMAT,
        "study": design.study_name(preset, base),
        "preset": preset.name,
        "question": preset.question,
        "citation": preset.citation,
        "note": preset.note,
        "measure": preset.measure,
        "base": settings(base),
        "base_key": base_key(settings(base)),
        "defaults": list(preset.defaults),
        "fixed": list(preset.fixed),
        **_circumstances(members),
        **_classes(preset, members),
        "arms": [
            {"arm": arm.label, "changes": _changes(preset, arm.label), **_values(preset, arm)} for arm in arms
        ],
        **summaries,
    }


def text(written: Mapping[str, Any]) -> str:
    """Returns the file's text: JSON with a line a list of numbers, so that it can be read and compared."""
    spread = json.dumps(written, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s*\n\s*", " ", found[0]), spread) + "\n"


def outcome(written: Mapping[str, Any]) -> Outcome:
    """Returns what a file shows, computed anew from its values by seed alone."""
    arms = []
    for arm in written["arms"]:
        values = zip(arm["seeds"], arm["values"][written["measure"]], strict=True)
        known = {seed: value for seed, value in values if value is not None}
        beside = {name: _mean(values) for name, values in arm["values"].items() if name != written["measure"]}
        arms.append(Reached(arm["arm"], (), known, beside))
    labels = {arm.label: arm.values for arm in arms}
    pairs = [(one["arm"], one["reference"] or "") for one in written["comparisons"]]
    return Outcome(MEASURES[written["measure"]], tuple(arms), verdicts.compare(labels, pairs))


def summary(found: Outcome) -> dict[str, Any]:
    """Returns what follows from the values by seed: of each arm, of each comparison, and in words."""
    return {
        "reached": [_reached(arm) for arm in found.arms if arm.values],
        "comparisons": [_comparison(found, one) for one in found.compared],
        "verdict": telling.verdict(found),
        "answer": telling.answer(found),
    }


def settings(base: RunConfig) -> dict[str, str]:
    """Returns, by address, what differs from the defaults, as --set takes it; paths as file names."""
    plain = RunConfig()
    changed = base.model_dump(mode="json", exclude_defaults=True)
    kinds = {
        f"{part}.kind": inner.kind
        for part in RunConfig.model_fields
        if hasattr(inner := getattr(base, part), "kind") and inner.kind != getattr(plain, part).kind
    }
    found = kinds | naming.flat(changed)
    return {name: _FOLDERS.sub(r"\1", text) for name, text in found.items() if name not in _OF_THE_RUN}


def base_key(told: Mapping[str, str]) -> str:
    """Returns a digest of all settings of such a base, wherever its files lie."""
    return design.content_key([parse({}, [f"{name}={value}" for name, value in told.items()])])


def _changes(preset: Preset, label: str) -> list[str]:
    return next(list(arm.changes) for arm in preset.arms if arm.label == label)


def _done(arm: Reached) -> list[Member]:
    return [member for member in arm.members if member.status.state == "done"]


def _values(preset: Preset, arm: Reached) -> dict[str, Any]:
    """Returns lists with one entry a seed: every measure, and the seconds that the run took."""
    done = _done(arm)
    names = dict.fromkeys((preset.measure, *preset.beside, *ALWAYS))
    values = {name: [_known(measures.value(member.run, name)) for member in done] for name in names}
    strengths = {"strength": [_strengths(member) for member in done]} if _shows_classes(preset) else {}
    return {
        "seeds": [member.seed for member in done],
        "values": values,
        "seconds_training": [_rounded(member.metrics["seconds_train"].sum()) for member in done],
        "seconds": [_rounded(member.metrics[["seconds", "seconds_record"]].sum().sum()) for member in done],
        "seconds_consistency": [_rounded(member.about.get("consistency_seconds")) for member in done],
        **strengths,
    }


def _circumstances(members: Sequence[Member]) -> dict[str, Any]:
    """Returns when, on how many samples, from which commits and by which machines, each told once."""
    days = sorted(member.run.id[:8] for member in members)
    machines = [_machine(member.about) for member in members]
    commits = [member.about.get("git") for member in members]
    return {
        "date": f"{days[-1][:4]}-{days[-1][4:6]}-{days[-1][6:]}" if days else None,
        "samples": _once([member.about.get("n") for member in members]),
        "test_samples": _once([member.about.get("test_n") for member in members]),
        "commits": _once(commits),
        "machines": _once(machines),
    }


def _machine(about: Mapping[str, Any]) -> dict[str, Any]:
    versions = about.get("versions") or {}
    return {name: about.get(name) for name in _MACHINE} | {name: versions.get(name) for name in _VERSIONS}


def _once(found: Sequence[Any]) -> list[Any]:
    return [one for place, one in enumerate(found) if one is not None and one not in found[:place]]


def _shows_classes(preset: Preset) -> bool:
    return preset.measure == "rare_strength"


def _classes(preset: Preset, members: Sequence[Member]) -> dict[str, Any]:
    """Returns the classes and their sizes where the study is about them."""
    if not _shows_classes(preset) or not members:
        return {}
    frame = signatures.classes(members[0].run)
    return {"classes": {"names": frame["name"].tolist(), "sizes": [int(size) for size in frame["size"]]}}


def _strengths(member: Member) -> list[float | None]:
    """Returns the mean strength of the visits to each class, by label."""
    return [_known(round(float(value), 4)) for value in signatures.classes(member.run)["strength"]]


def _reached(arm: Reached) -> dict[str, Any]:
    values = list(arm.values.values())
    return {
        "arm": arm.label,
        "n": len(values),
        "mean": _known(_mean(values)),
        "sd": _known(float(np.std(values, ddof=1)) if len(values) > 1 else math.nan),
        "half_interval": _known(verdicts.half_interval(values)),
    }


def _comparison(found: Outcome, one: verdicts.Compared) -> dict[str, Any]:
    mean, half, pairs = one.difference
    return {
        "arm": one.arm,
        "reference": one.reference or None,
        "n": pairs,
        "difference": _known(mean),
        "half_interval": _known(half),
        "p_holm": _known(one.p),
        "shows": verdicts.shows(one, better=found.measure.better),
    }


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _rounded(seconds: object) -> float | None:
    return None if seconds is None else _known(round(float(str(seconds)), 1))
