"""The diagnostics of a finished run, kept beside it, so that nobody waits for them twice.

They are a cache: what they were computed from, and with which rules, is written with them, and anything else
is computed anew.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path

from engine.diagnostics.badge import Badge
from store import files
from store.run import Run

FILE = "badges.json"


def remembered(run: Run, compute: Callable[[Run], list[Badge]]) -> list[Badge]:
    """Returns the badges of the run as it is now, from its file where that is of the same data and rules.

    A run that is over keeps what was computed; one that still trains, or lies where nothing may be written,
    does not.
    """
    version = {"data": run.data_version(), "rules": rules()}
    kept = _read(run, version)
    if kept is not None:
        return kept
    badges = compute(run)
    if run.status().is_over and run.data_version() == version["data"]:
        with suppress(OSError):
            content = {**version, "badges": [asdict(badge) for badge in badges]}
            files.write_json(run.folder / FILE, content, durable=False)
    return badges


@cache
def rules() -> str:
    """Returns what changes whenever the code of a diagnostic does."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


def _read(run: Run, version: dict[str, str]) -> list[Badge] | None:
    content = files.read_json(run.folder / FILE) or {}
    if {name: content.get(name) for name in version} != version:
        return None
    try:
        return [Badge(**{**badge, "ids": tuple(badge["ids"])}) for badge in content["badges"]]
    except (KeyError, TypeError):
        return None
