"""Queueing a study so that it can be started again: what is there is kept, only what is missing is queued.

Two runs are the same where all their settings are; so a second start, more seeds, and a start after a crash
are one thing.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app import launch
from app.new_run import places
from engine.config import RunConfig
from store import files
from store.errors import RunIsForeign
from store.run import Run, find_runs

RESUMABLE = ("stopped", "failed", "lost")
_LOCK = "studies.lock"


def queue(root: Path, configs: Sequence[RunConfig]) -> list[Run]:
    """Queues those of the runs that are not there, resumes those that ended early; returns all, in order.

    Only runs of the studies that the configs name count as there.
    """
    root.mkdir(parents=True, exist_ok=True)
    with files.locked(root / _LOCK, wait=True):  # two starts at once would queue everything twice
        studies = {config.study for config in configs}
        found = {_key(config): run for run, config in reversed(_runs_of(root, studies))}
        keys = [_key(places.absolute(config.model_dump(mode="json"))) for config in configs]
        missing = {key: config for key, config in zip(keys, configs, strict=True) if key not in found}
        for run in (found[key] for key in keys if key in found):
            if run.status().state in RESUMABLE:
                launch.resume(run)
        queued = launch.submit_all(root, list(missing.values())) if missing else []
        found |= dict(zip(missing, queued, strict=True))
    return [found[key] for key in keys]


def missing(root: Path, configs: Sequence[RunConfig]) -> list[RunConfig]:
    """Returns those of the runs that a start would queue or resume; only reads."""
    found = {_key(config): run for run, config in _runs_of(root, {config.study for config in configs})}
    runs = [found.get(_key(places.absolute(config.model_dump(mode="json")))) for config in configs]
    return [
        config
        for config, run in zip(configs, runs, strict=True)
        if run is None or run.status().state in RESUMABLE
    ]


def runs_of(root: Path, study: str) -> list[Run]:
    """Returns the runs of a study, newest first."""
    return [run for run, _ in _runs_of(root, {study})]


def stop(runs: Sequence[Run]) -> None:
    """Stops every run that is not over, those that wait first, so that none begins in between."""
    for run in sorted(runs, key=lambda run: run.status().state != "queued"):
        launch.stop(run)


def resume(runs: Sequence[Run]) -> None:
    """Queues every run that ended early again."""
    for run in runs:
        if run.status().state in RESUMABLE and not run.status().is_tracked:
            launch.resume(run)


def _runs_of(root: Path, studies: set[str]) -> list[tuple[Run, dict[str, Any]]]:
    found = []
    for run in find_runs(root):
        try:
            config = run.config()
        except RunIsForeign:  # a damaged run is in nobody's way
            continue
        if config.get("study") in studies:
            found.append((run, config))
    return found


def _key(config: object) -> str:
    return json.dumps(config, sort_keys=True)
