"""The further seeds that a study needs for a verdict, made from the runs that are there.

No preset is needed for it: a run's own settings with another seed are the same arm.
"""

import re
from collections.abc import Mapping
from typing import Any

from app.studies import design, presets
from app.studies.design import Preset
from app.studies.results import Outcome
from app.studies.verdicts import SEEDS_FOR_A_VERDICT
from engine.config import InvalidConfig, RunConfig, parse

_SEED_IN_NAME = re.compile(r"\bseed \d+$")


def lacking(study: str, found: Outcome) -> list[RunConfig]:
    """Returns the runs that make at least three seeds common to all arms, seed by seed; few as can be.

    None where an arm cannot be trained again: a program of a person's own did, or another version.
    """
    there = [{member.seed for member in arm.members} for arm in found.arms]
    wanted = set().union(*there)
    while wanted and len(wanted) < SEEDS_FOR_A_VERDICT:
        wanted.add(max(wanted) + 1)
    chosen = sorted(wanted, key=lambda seed: (-sum(seed in seeds for seeds in there), seed))
    preset = presets.preset_of(study)
    try:
        return [
            _of_seed(arm.members[-1].config, seed, preset)
            for seed in sorted(chosen[:SEEDS_FOR_A_VERDICT])
            for arm, seeds in zip(found.arms, there, strict=True)
            if seed not in seeds
        ]
    except InvalidConfig:
        return []


def _of_seed(config: Mapping[str, Any], seed: int, preset: Preset | None) -> RunConfig:
    name = _SEED_IN_NAME.sub(f"seed {seed}", str(config.get("name") or ""))
    seeded = design.seeded(preset, config) if preset else ()  # others keep what their runs have in common
    changes = [f"seed={seed}", f"name={name}", *(f"{setting}={seed}" for setting in seeded)]
    return parse(config, changes)
