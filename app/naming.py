"""What a run, its method and its settings are called on screen, read from its configuration.

Runs of other versions are shown too, so a configuration is read here as a mapping that may lack anything.
"""

import json
from collections import Counter
from collections.abc import Mapping
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
    return f"{words} {wording.number(chosen['strength'])}" if "strength" in chosen else words


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
    kept = {key: value for key, value in config.items() if key not in ("seed", "name", "study")}
    return json.dumps(kept, sort_keys=True)


def exponents(config: Settings) -> tuple[float, float]:
    """Returns the exponents of rarity and consistency in the score; 1 and 1 where the strategy has none."""
    chosen = config.get("strategy", {})
    return float(chosen.get("rarity_exponent", 1)), float(chosen.get("consistency_exponent", 1))
