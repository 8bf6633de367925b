"""A preset study: a question, the arms that answer it, and the runs that they become on a person's data.

Every arm is made by engine.config, so an arm that exists is valid; the study is named after a digest of its
settings without the seeds, so that further seeds join the study that is there.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.config import InvalidConfig, RunConfig, parse
from engine.selection.budget import BudgetSettings


@dataclass(frozen=True)
class Arm:
    """One of the things compared: its label and what it changes in the base, as for --set."""

    label: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """A study that is decided before it begins: what is asked, compared, measured, and after which source.

    pairs: (arm, reference) of each comparison; empty: every arm against the first; against_zero: every arm's
    own value against 0. fixed: changes that all arms share. defaults: changes of parts that the base leaves
    at kind none, so that a base with noise or a tail of its own keeps it. seeded: settings that take the
    run's seed, beside noise.seed, which takes it in every study. same_budget: all arms back-propagate equally
    many samples. beside: measures shown, not judged.
    """

    name: str
    title: str
    question: str
    arms: tuple[Arm, ...]
    citation: str
    measure: str = "test_accuracy"
    pairs: tuple[tuple[str, str], ...] = ()
    fixed: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    seeded: tuple[str, ...] = ()
    beside: tuple[str, ...] = ("backpropagated",)
    note: str = ""
    against_zero: bool = False
    same_budget: bool = True
    epochs: int = 20
    fewest_epochs: int = 2

    def comparisons(self) -> tuple[tuple[str, str], ...]:
        """Returns (arm, reference) of every comparison that the verdict is about; "" stands for 0."""
        if self.against_zero:
            return tuple((arm.label, "") for arm in self.arms)
        return self.pairs or tuple((arm.label, self.arms[0].label) for arm in self.arms[1:])


def default_base(source: str = "digits") -> RunConfig:
    """Returns what a study starts from on a built-in set; raises InvalidConfig for an unknown one."""
    return parse({}, [f"source.kind={source}"])


def runs(preset: Preset, base: RunConfig, seeds: Sequence[int]) -> list[RunConfig]:
    """Returns the study's runs, all arms of a seed before the next seed; raises InvalidConfig."""
    if base.epochs < preset.fewest_epochs:
        raise InvalidConfig(f"epochs must be at least {preset.fewest_epochs} here; got {base.epochs}")
    study = study_name(preset, base)
    made = [_of_seed(preset, arm, base, seed) for seed in seeds for arm in preset.arms]
    _check_thresholds(made)
    return [config.model_copy(update={"study": study}) for config in made]


def study_name(preset: Preset, base: RunConfig) -> str:
    """Returns what the study of these settings is called, the same whatever its seeds."""
    digest = content_key([_of_seed(preset, arm, base, 0) for arm in preset.arms])
    return f"{preset.name}-{base.source.kind}-{digest}"


def seeded(preset: Preset | None, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the settings of a run that take its seed, so that no draw is the same at every seed.

    Wrong labels among them: else n seeds would tell of one set of wrong labels (ours).
    """
    named = preset.seeded if preset else ()
    return (*named, "noise.seed") if "seed" in config["noise"] else named


def content_key(configs: Sequence[RunConfig]) -> str:
    """Returns eight hexadecimal digits of all settings of these runs."""
    text = json.dumps([config.model_dump(mode="json") for config in configs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _check_thresholds(made: Sequence[RunConfig]) -> None:
    """Raises InvalidConfig where arms with a share leave samples out by thresholds that others lack."""
    chosen = [config.strategy for config in made if isinstance(config.strategy, BudgetSettings)]
    found = {(getattr(one, "min_consistency", 0.0), getattr(one, "max_rarity", 1.0)) for one in chosen}
    for lowest, highest in found if len(found) > 1 else ():
        if (lowest, highest) != (0.0, 1.0):
            raise InvalidConfig(
                "strategy.min_consistency and strategy.max_rarity must be 0 and 1 in what this study starts "
                f"from, since arms without them would train on more samples; got {lowest:g} and {highest:g}"
            )


def _of_seed(preset: Preset, arm: Arm, base: RunConfig, seed: int) -> RunConfig:
    changes = [*_defaults(preset, base), *preset.fixed, *arm.changes]
    changes += [f"name={arm.label}, seed {seed}", f"seed={seed}", "study="]
    if base.precision == "auto":
        changes.append(
            "precision=float32"
        )  # what the probe chooses can differ by start, and the numbers with it
    made = parse(base.model_dump(mode="json"), changes)
    drawn = [f"{setting}={seed}" for setting in seeded(preset, made.model_dump(mode="json"))]
    made = parse(made.model_dump(mode="json"), drawn)
    return _with_budget(made, base, {change.partition("=")[0] for change in changes})


def _defaults(preset: Preset, base: RunConfig) -> list[str]:
    parts = [(change, getattr(base, change.partition(".")[0])) for change in preset.defaults]
    return [change for change, part in parts if part.kind == "none"]


def _with_budget(config: RunConfig, base: RunConfig, named: set[str]) -> RunConfig:
    """Returns the config with the base's share, schedule and warm-up, unless the arm names its own."""
    if not isinstance(config.strategy, BudgetSettings) or not isinstance(base.strategy, BudgetSettings):
        return config
    carried = {
        name: getattr(base.strategy, name)
        for name in BudgetSettings.model_fields
        if f"strategy.{name}" not in named
    }
    strategy = config.strategy.model_dump(mode="json") | carried
    return parse(config.model_dump(mode="json") | {"strategy": strategy})
