"""What a run, its method and its settings are called on screen, read from its configuration.

Runs of other versions are shown too, so a configuration is read here as a mapping that may lack anything.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from app import wording
from engine.config import InvalidConfig, parse
from store.questions import decision

Settings = Mapping[str, Any]

_STRATEGIES = {"everything": "all samples", "random_subset": "random"}
_POLICIES = {"none": "no strength"}
_NOISES = {"asymmetric": "to look-alikes", "given": "labels from a file"}
_DRAWS = ("noise.seed", "consistency.adapters.seed")
# Kinds and choices whose spelling is not the plain words of their name.
_SPELLED = {
    "adamw": "AdamW",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "fashion_mnist": "Fashion-MNIST",
    "hnsw": "HNSW",
    "infobatch": "InfoBatch",
    "kl": "KL",
    "kl_abs": "KL, absolute",
    "open_clip": "OpenCLIP",
    "resnet8": "ResNet-8",
    "resnet8_wide": "ResNet-8, wide",
    "sada": "SADA",
    "sgd": "SGD",
}

_TOLD = 5  # settings of a person's own loop beside its name


def word(name: object) -> str:
    """Returns what a kind or a choice is called: "random subset", "CIFAR-10"."""
    return _SPELLED.get(str(name)) or str(name).replace("_", " ")


def run_title(config: Settings) -> str:
    """Returns the run's own name, else its method."""
    return str(config.get("name") or "") or method(config)


def run_titles(configs: Mapping[str, Settings]) -> dict[str, str]:
    """Returns titles by run id that tell the runs apart: with seed, then id, where names are shared."""
    titles = {run_id: run_title(config) for run_id, config in configs.items()}
    for addition in ("seed", "id"):
        shared = {title for title, times in Counter(titles.values()).items() if times > 1}
        for run_id, title in titles.items():
            ending = f"seed {configs[run_id].get('seed')}" if addition == "seed" else run_id
            if title in shared and not title.endswith(ending):
                titles[run_id] = f"{title}, {ending}"
    return titles


def is_tracked(config: Settings) -> bool:
    """Says whether a program of the person's own trained the run, and Undertow only logged it."""
    return bool(config.get("tracked"))


def method(config: Settings) -> str:
    """Returns strategy and policy in words: "joint 50 % + SADA"."""
    if is_tracked(config):
        return " + ".join(["own loop", *(words for _, words in _chosen_by_own_loop(config))])
    return f"{strategy(config)} + {policy(config)}"


def methods(configs: Sequence[Settings]) -> list[str]:
    """Returns what each of these different methods is called; where names are shared, with what differs."""
    names = [method(config) for config in configs]
    for name in {name for name, times in Counter(names).items() if times > 1}:
        places = [place for place, known in enumerate(names) if known == name]
        alike = [flat(of_method(configs[place])) for place in places]
        keys = sorted({key for settings in alike for key in settings})
        telling = [key for key in keys if len({settings.get(key) for settings in alike}) > 1]
        for place, settings in zip(places, alike, strict=True):
            told = (f"{key} {settings.get(key, wording.UNKNOWN)}" for key in telling)
            names[place] = ", ".join((name, *told))
    return names


def strategy(config: Settings) -> str:
    """Returns how samples are chosen: "joint 50 %"."""
    chosen = config.get("strategy", {})
    kind = str(chosen.get("kind", wording.UNKNOWN))
    words = _STRATEGIES.get(kind) or word(kind)
    if "keep" in chosen:
        words = f"{words} {wording.setting_percent(chosen['keep'])}"
    if "drop_chance" in chosen:
        words = f"{words}, drops {wording.setting_percent(chosen['drop_chance'])}"
    if chosen.get("draw", "top") != "top":
        words = f"{words}, {chosen['draw'].capitalize()} draw"
    if chosen.get("schedule", "constant") != "constant":
        words = f"{words}, {chosen['schedule']} schedule"
    return words


def policy(config: Settings) -> str:
    """Returns how strengths are chosen: "SADA"."""
    chosen = config.get("policy", {})
    kind = str(chosen.get("kind", wording.UNKNOWN))
    words = _POLICIES.get(kind) or word(kind)
    return f"{words} {chosen['value']}" if "value" in chosen else words


def noise(config: Settings) -> str:
    """Returns the label noise that was added: "10 % flipped"."""
    chosen = config.get("noise", {})
    added = _NOISES.get(str(chosen.get("kind")), "")
    share = chosen.get("share")
    if share is None:
        return added or "no noise"
    return " ".join(filter(None, (wording.setting_percent(share), "flipped", added)))


def source(config: Settings) -> str:
    """Returns what is trained on: "digits, 16 px"; of a person's own data the name of its folder or file."""
    chosen = config.get("source", {})
    place = str(chosen.get("train") or chosen.get("root") or "").rstrip("/").rpartition("/")[2]
    named = chosen.get("name") or (place if str(chosen.get("kind")).startswith("image_") else "")
    words = str(named or word(chosen.get("kind", wording.UNKNOWN)))
    return f"{words}, {chosen['side']} px" if chosen.get("side") else words


def model(config: Settings) -> str:
    """Returns which net is trained: "ResNet-8"; runs of earlier versions hold its name alone."""
    chosen = config.get("model", wording.UNKNOWN)
    if not isinstance(chosen, Mapping):
        return word(chosen)
    return str(chosen.get("name") or word(chosen.get("kind", wording.UNKNOWN)))


def shape_of_data(config: Settings) -> tuple[tuple[str, str], ...]:
    """Returns how the training set differs from its source, as (name, value); nothing where it does not."""
    tail, share = config.get("tail", {}), config.get("subset", {}).get("share", 1)
    found = []
    if tail.get("kind", "none") != "none":
        found.append(("long tail", f"{word(tail['kind'])} tail, factor {tail.get('factor', 1):g}"))
    if share < 1:
        found.append(("subset", f"{wording.setting_percent(share)} of the data"))
    if held_out := config.get("validation"):
        found.append(("validation", f"{wording.setting_percent(held_out)} held out"))
    return tuple(found)


def chips(config: Settings) -> tuple[tuple[str, str], ...]:
    """Returns the settings that tell runs apart at a glance, as (name, value)."""
    if is_tracked(config):
        told = list(flat(config.get("hyperparameters", {})).items())[:_TOLD]
        own = (("trained by", "own loop"), *_chosen_by_own_loop(config))
        return (*own, *((name, f"{name} {value}") for name, value in told))
    return (
        ("seed", f"seed {config.get('seed', wording.UNKNOWN)}"),
        ("strategy", strategy(config)),
        ("policy", policy(config)),
        ("noise", noise(config)),
        ("data", source(config)),
        *shape_of_data(config),
        ("model", model(config)),
    )


def method_key(config: Settings, *, draws: bool = True) -> str:
    """Returns a text that is equal for runs that differ in nothing but seed, name and study.

    A setting that a run left out, or that did not exist when it was written, counts as its default.
    draws: whether the seeds of what is drawn before training, such as wrong labels, must be equal too.
    """
    return _method_key(json.dumps(config, default=str), draws)


def of_method(config: Settings) -> dict[str, Any]:
    """Returns all settings but seed, name and study, those that were left out with their defaults."""
    found: dict[str, Any] = json.loads(_complete(json.dumps(config, default=str)))
    return {key: value for key, value in found.items() if key not in ("seed", "name", "study")}


@lru_cache(maxsize=4096)
def _method_key(written: str, draws: bool) -> str:
    settings = of_method(json.loads(written))
    for address in () if draws else _DRAWS:
        settings = _without(settings, address)
    return json.dumps(settings, sort_keys=True)


def _without(settings: Settings, address: str) -> dict[str, Any]:
    part, _, inner = address.partition(".")
    if not inner:
        return {name: value for name, value in settings.items() if name != part}
    value = settings.get(part)
    return {**settings, part: _without(value, inner)} if isinstance(value, Mapping) else dict(settings)


@lru_cache(maxsize=4096)
def _complete(written: str) -> str:
    settings = json.loads(written)
    with suppress(InvalidConfig):  # of another version, or of a person's own loop: as it is written
        settings = parse(settings).model_dump(mode="json")
    return json.dumps(settings)


def exponents(config: Settings) -> tuple[float, float]:
    """Returns the exponents of rarity and consistency in the score; 0 where the strategy ignores one."""
    return decision.exponents(config.get("strategy", {}))


def flat(settings: Settings, prefix: str = "") -> dict[str, str]:
    """Returns every setting as text by its address, such as strategy.keep."""
    found: dict[str, str] = {}
    for key, value in settings.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{path}.")
        else:
            found[path] = value if isinstance(value, str) else json.dumps(value)
    return found


def _chosen_by_own_loop(config: Settings) -> list[tuple[str, str]]:
    """Returns the strategy and the policy that a person's own loop asked, as (name, value)."""
    asked = {"strategy": strategy, "policy": policy}
    return [(name, words(config)) for name, words in asked.items() if config.get(name)]
