"""What the form's settings become: one run or several, what they do in plain words, and where they differ.

Pure functions of configs, so that what is promised beside the launch button is tested without a browser.
"""

from collections.abc import Mapping
from typing import Any

from app import naming, wording
from app.new_run import fields
from engine.config import RunConfig
from engine.selection.budget import BudgetSettings
from engine.selection.random_subset import RandomSubset
from engine.settings import Settings

TWIN = "random twin"


def runs(config: RunConfig, *, seeds: int = 1, twin: bool = False) -> list[RunConfig]:
    """Returns the runs to queue: one a seed from the config's own upwards, each followed by its random twin.

    Several runs belong to one study, so that they are compared; without a name it is called after the method.
    """
    methods = [config, *filter(None, [random_twin(config) if twin else None])]
    if seeds * len(methods) == 1:
        return [config]
    study = config.study or naming.method(config.model_dump(mode="json"))[:80]
    return [
        method.model_copy(update={"seed": config.seed + place, "study": study})
        for place in range(seeds)
        for method in methods
    ]


def random_twin(config: RunConfig) -> RunConfig | None:
    """Returns the same run on a random share of equal size; None where the strategy keeps no fixed share."""
    chosen = config.strategy
    if not isinstance(chosen, BudgetSettings) or isinstance(chosen, RandomSubset):
        return None
    budget = {name: getattr(chosen, name) for name in BudgetSettings.model_fields}
    name = f"{config.name}, {TWIN}"[:80] if config.name else ""
    return config.model_copy(update={"strategy": RandomSubset(**budget), "name": name})


def sentence(config: RunConfig) -> str:
    """Returns what the run does, in plain words."""
    told = config.model_dump(mode="json")
    changed = [value for _, value in naming.shape_of_data(told)]
    if config.noise.kind != "none":
        changed.append(naming.noise(told))
    what = ", ".join((naming.source(told), *changed))
    return (
        f"Trains {naming.model(told)} for {wording.plural(config.epochs, 'epoch')} on {what}. "
        f"{_does(config.strategy, naming.strategy(told))} {_does(config.policy, naming.policy(told))}"
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Returns (address, before, after) of every setting that differs, the name of the run aside."""
    old, new = (naming.flat({**settings, "name": ""}) for settings in (before, after))
    return [
        (address, old.get(address, wording.UNKNOWN), new.get(address, wording.UNKNOWN))
        for address in dict.fromkeys((*old, *new))
        if old.get(address) != new.get(address)
    ]


def _does(part: Settings, name: str) -> str:
    """Returns what a strategy or policy does, after its name."""
    does = fields.sentence(type(part))
    return f"{wording.capital(name)}: {does[0].lower()}{does[1:]}"
