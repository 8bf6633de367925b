"""Files and folders that settings name: made absolute before a run, and said to be missing in time.

A run trains in a process of its own that stands in another folder, where a relative path that is right for
the person would lead somewhere else.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAMED = {"source": ("root", "train", "test"), "noise": ("path",)}
_MUST_BE = {
    ("image_folder", "root"): "a folder",
    ("image_parquet", "train"): "a file, a folder or a pattern that matches a file",
    ("image_parquet", "test"): "a file, a folder or a pattern that matches a file",
    ("given", "path"): "a file",
}


def absolute(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings whose relative paths are taken from where we stand, so that they hold everywhere."""
    found = dict(settings)
    for part, names in _NAMED.items():
        inner = dict(found.get(part) or {})
        given = {name: str(inner[name]) for name in names if inner.get(name)}
        found[part] = inner | {name: str(_path(place)) for name, place in given.items()}
    return found


def missing(settings: Mapping[str, Any]) -> dict[str, str]:
    """Returns what is wrong with each path that is given and that only a person can mend, by its setting.

    Folders that a download fills are left out. The keys are those of a form: source.image_folder.root.
    """
    found = {}
    for part, names in _NAMED.items():
        inner = settings.get(part) or {}
        kind = str(inner.get("kind"))
        for name in names:
            place, rule = str(inner.get(name) or ""), _MUST_BE.get((kind, name))
            if rule and place and not _fits(_path(place), rule):
                found[f"{part}.{kind}.{name}"] = f"must be {rule}; nothing of the kind is at {_path(place)}"
    return found


def _path(place: str) -> Path:
    return Path(place.strip()).expanduser().absolute()


def _fits(path: Path, rule: str) -> bool:
    if rule == "a folder":
        return path.is_dir()
    if rule == "a file":
        return path.is_file()
    matching = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
    return path.exists() or any(True for _ in matching)
