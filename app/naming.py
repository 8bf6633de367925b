"""What a run, its method and its settings are called on screen, read from its configuration.

Runs of other versions are shown too, so a configuration is read here as a mapping that may lack anything.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app import wording

Settings = Mapping[str, Any]

_STRATEGIES = {"everything": "all samples", "random_subset": "random", "joint": "joint"}
_POLICIES = {
    "none": "no strength",
    "random_strength": "random strength",
    "constant": "constant",
    "sada": "SADA",
}


def run_title(config: Settings) -> str:
    """Returns the run's own name, else its method."""
    return str(config.get("name") or "") or method(config)


def run_titles(configs: Mapping[str, Settings]) -> dict[str, str]:
    """Returns titles by run id that tell the runs apart: with seed, then id, where names are shared."""
    titles = {run_id: run_title(config) for run_id, config in configs.items()}
    for addition in ("seed", "id"):
        shared = {title for title, times in Counter(titles.values()).items() if times > 1}
        for run_id, title in titles.items():
            if title in shared:
                ending = f"seed {configs[run_id].get('seed')}" if addition == "seed" else run_id
                titles[run_id] = f"{title}, {ending}"
    return titles


def method(config: Settings) -> str:
    """Returns strategy and policy in words: "joint 50 % + SADA"."""
    return f"{strategy(config)} + {policy(config)}"


def methods(configs: Sequence[Settings]) -> list[str]:
    """Returns what each of these different methods is called; where names are shared, with what differs."""
    names = [method(config) for config in configs]
    for name in {name for name, times in Counter(names).items() if times > 1}:
        places = [place for place, known in enumerate(names) if known == name]
        alike = [_flat({key: configs[place][key] for key in _of_method(configs[place])}) for place in places]
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
    words = _STRATEGIES.get(kind, kind.replace("_", " "))
    return f"{words} {wording.setting_percent(chosen['keep'])}" if "keep" in chosen else words


def policy(config: Settings) -> str:
    """Returns how strengths are chosen: "SADA"."""
    chosen = config.get("policy", {})
    kind = str(chosen.get("kind", wording.UNKNOWN))
    words = _POLICIES.get(kind, kind.replace("_", " "))
    return f"{words} {chosen['value']}" if "value" in chosen else words


def noise(config: Settings) -> str:
    """Returns the label noise that was added: "10 % flipped"."""
    chosen = config.get("noise", {})
    share = chosen.get("share")
    return f"{wording.setting_percent(share)} flipped" if share is not None else "no noise"


def source(config: Settings) -> str:
    """Returns what is trained on: "digits, 16 px"."""
    chosen = config.get("source", {})
    words = str(chosen.get("kind", wording.UNKNOWN)).replace("_", " ")
    return f"{words}, {chosen['side']} px" if "side" in chosen else words


def chips(config: Settings) -> tuple[tuple[str, str], ...]:
    """Returns the settings that tell runs apart at a glance, as (name, value)."""
    return (
        ("seed", f"seed {config.get('seed', wording.UNKNOWN)}"),
        ("strategy", strategy(config)),
        ("policy", policy(config)),
        ("noise", noise(config)),
        ("data", source(config)),
        ("model", str(config.get("model", wording.UNKNOWN))),
    )


def method_key(config: Settings) -> str:
    """Returns a text that is equal for runs that differ in nothing but seed, name and study."""
    return json.dumps({key: config[key] for key in _of_method(config)}, sort_keys=True)


def exponents(config: Settings) -> tuple[float, float]:
    """Returns the exponents of rarity and consistency in the score; 1 and 1 where the strategy has none."""
    chosen = config.get("strategy", {})
    return float(chosen.get("rarity_exponent", 1)), float(chosen.get("consistency_exponent", 1))


def _of_method(config: Settings) -> list[str]:
    return [key for key in config if key not in ("seed", "name", "study")]


def _flat(settings: Settings, prefix: str = "") -> dict[str, str]:
    """Returns every setting as text by its path, such as strategy.keep."""
    flat: dict[str, str] = {}
    for key, value in settings.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{path}.")
        else:
            flat[path] = value if isinstance(value, str) else json.dumps(value)
    return flat
