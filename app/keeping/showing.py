"""One run in a terminal: what it is, what it does, what it has recorded, and what all that takes on the disk.

A run that cannot be read is shown too, with the reason and as much as its files still say.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from app import wording
from app.keeping import layout, listing, settings
from app.keeping.listing import Listed
from app.keeping.sizes import Size, by_kind
from app.runs import failing
from app.runs.failing import Failure
from store import manifest
from store import status as statuses
from store.errors import RunIsForeign
from store.manifest import Manifest
from store.run import Run
from store.status import Status

_FAILED = ("failed", "lost")


@dataclass(frozen=True)
class Shown:
    """What is known of a run; published: None where the manifest cannot be read."""

    listed: Listed
    status: Status
    published: Manifest | None
    parts: tuple[int, ...]  # epochs that only parts hold
    maps: tuple[int, ...]
    sizes: dict[str, Size]
    checkpoints: tuple[str, ...]
    thumbnails: tuple[int, ...] | None  # their shape
    about: dict[str, Any]
    failure: Failure | None


def read(folder: Path) -> Shown:
    """Returns what is known of a run, readable or not. Read-only."""
    run, status = Run(folder), statuses.observe(folder)
    published, newer = None, tuple[int, ...]()
    with suppress(RunIsForeign):
        published = manifest.read_manifest(folder)
        newer = manifest.committed(folder).newer
    log = run.log_tail(failing.LINES_READ) if status.state in _FAILED else ""
    return Shown(
        listed=listing.row(folder),
        status=status,
        published=published,
        parts=newer,
        maps=tuple(run.map_epochs()),
        sizes=by_kind(folder),
        checkpoints=tuple(sorted(path.name for path in run.checkpoints.glob("epoch-*.pt"))),
        thumbnails=_thumbnails(run),
        about=run.about(),
        failure=failing.found(log),
    )


def as_json(shown: Shown) -> dict[str, Any]:
    """Returns all of it as JSON; what is unknown is null."""
    one, published, failure = shown.listed, shown.published, shown.failure
    rows = None if one.epochs_done is None or one.samples is None else one.epochs_done * one.samples
    return {
        **listing.as_json([one])[0],
        "message": shown.status.message or None,
        "phase": shown.status.phase or None,
        "rows": rows,
        "folded_epochs": None if published is None else published.folded + 1,
        "hot_epochs": None if published is None else len(shown.parts),
        "generation": None if published is None else published.generation,
        "database": None if published is None else published.database,
        "map_epochs": list(shown.maps),
        "checkpoints": list(shown.checkpoints),
        "thumbnails": None if shown.thumbnails is None else list(shown.thumbnails),
        "sizes": {kind: {"files": size.files, "bytes": size.bytes} for kind, size in shown.sizes.items()},
        "settings": settings.changed(one.config),
        "versions": shown.about.get("versions", {}),
        "device": shown.about.get("device"),
        "failure": None if failure is None else {"exception": failure.exception, "place": failure.place,
                                                 "function": failure.function, "code": failure.code},
    }  # fmt: skip


def lines(shown: Shown) -> Iterator[str | Table]:
    """Yields what a terminal is told."""
    one = shown.listed
    yield layout.pairs([("Run", one.folder.name), *_doing(shown), *_kept(shown), *_made(shown)])
    if one.problem:
        yield f"\nIt cannot be read: {one.problem}"
    if not one.config:
        yield "\nIts settings cannot be read."
        return
    changed = settings.changed(one.config)
    yield "\nSettings that are not the defaults:" if changed else "\nAll settings are the defaults."
    if changed:
        yield layout.pairs((f"  {name}", value) for name, value in changed.items())


def _doing(shown: Shown) -> Iterator[tuple[str, str]]:
    one, failure = shown.listed, shown.failure
    yield "Name", str(one.config.get("name") or one.method)
    if one.study:
        yield "Study", one.study
    yield (
        "State",
        ", ".join(str(said) for said in (one.state, shown.status.phase, shown.status.message) if said),
    )
    if failure is not None:
        yield "Failed with", failure.exception
        yield "Failed at", ", in ".join(filter(None, (failure.place, failure.function))) or wording.UNKNOWN
        if failure.code:
            yield "", failure.code
    yield "Test accuracy", wording.percent(one.test_accuracy)


def _kept(shown: Shown) -> Iterator[tuple[str, str]]:
    one, sizes = shown.listed, shown.sizes
    yield "Epochs", f"{wording.count(one.epochs_done)} of {wording.count(one.epochs_planned)}{_where(shown)}"
    if one.epochs_done is not None and one.samples is not None:
        rows = wording.count(one.epochs_done * one.samples)
        yield "Rows", f"{rows}: {wording.plural(one.samples, 'sample')} in each epoch"
    named = shown.published.database if shown.published else None
    unnamed = "none yet" if shown.published else _size(sizes["database"])
    yield "Database", f"{named}, {wording.size(sizes['database'].bytes)}" if named else unnamed
    yield "Parts", _size(sizes["parts"])
    epochs = ", ".join(map(str, shown.maps))
    yield "Maps", f"{_size(sizes['maps'])}, of epochs {epochs}" if shown.maps else "none"
    yield "Checkpoints", f"{_size(sizes['checkpoints'])}" if shown.checkpoints else "none"
    yield "Thumbnails", " x ".join(map(str, shown.thumbnails)) if shown.thumbnails else "none"
    yield "On disk", wording.size(one.bytes)


def _made(shown: Shown) -> Iterator[tuple[str, str]]:
    one, about = shown.listed, shown.about
    if one.created is not None:
        yield "Made", f"{one.created:%Y-%m-%d %H:%M:%S} UTC, {listing.age(one.seconds_old)} ago"
    if about.get("device"):
        yield "Device", str(about["device"])
    if isinstance(about.get("versions"), dict):
        yield "Versions", ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    yield "Folder", str(one.folder)


def _where(shown: Shown) -> str:
    if shown.published is None or not shown.listed.epochs_done:
        return ""
    folded, hot = shown.published.folded + 1, len(shown.parts)
    return f", {wording.count(folded)} folded and {wording.count(hot)} in parts"


def _size(size: Size) -> str:
    return f"{wording.plural(size.files, 'file')}, {wording.size(size.bytes)}" if size.files else "none"


def _thumbnails(run: Run) -> tuple[int, ...] | None:
    try:
        images = run.thumbnails()
    except (OSError, TypeError, ValueError):
        return None
    return None if images is None else images.shape
