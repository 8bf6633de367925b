"""What lies in a run folder and is read by nobody: harmless, named with what removes it.

Whoever looks for a lost gigabyte, or wonders whether a strange file is in the way, finds the answer here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from store import files, manifest, parts, status

_FILES = {
    "config.json", "run.json", "status.json", "manifest.json", "judgements.json", "samples.parquet",
    "classes.parquet", "predicted.parquet", "badges.json", "log.txt", "stop",
}  # fmt: skip
_FOLDERS = {"parts", "maps", "checkpoints"}
_LOCK = re.compile(r"\..+\.lock")
_DATABASE = re.compile(r"run(\.\d+)?\.duckdb")
_NUMBERED = {
    "parts": re.compile(rf"({'|'.join(parts.KINDS)})-\d{{5,}}\.parquet"),
    "maps": re.compile(r"epoch-\d{5,}\.parquet"),
    "checkpoints": re.compile(r"epoch-\d{5,}\.pt"),
}


def found(folder: Path, *, last_epoch: int) -> Iterator[tuple[str, str]]:
    """Yields names within the run and what each is; last_epoch: the last committed one. Read-only."""
    published = manifest.read_manifest(folder)
    yield from _strays(folder)
    for path in sorted(folder.iterdir()):
        name = path.name
        if _DATABASE.fullmatch(name) and name != published.database:
            yield name, "database of an earlier generation, kept for its readers; a fold removes it"
        elif not _is_known(name) and name != published.database:
            yield name, "no file of Undertow's; nothing reads it"
    yield from _folded_parts(folder, published.folded)
    if not status.observe(folder).is_alive:
        yield from _uncommitted(folder, last_epoch)
    for place, pattern in _NUMBERED.items():
        for path in sorted((folder / place).iterdir()) if (folder / place).is_dir() else ():
            if not pattern.fullmatch(path.name) and not path.name.startswith(files.SCRATCH):
                yield f"{place}/{path.name}", "no file of Undertow's; nothing reads it"


def _strays(folder: Path) -> Iterator[tuple[str, str]]:
    for place in ("", *sorted(_FOLDERS)):
        cleaner = "a resume removes it" if place else "a fold or a resume removes it"
        for path in sorted((folder / place).glob(f"{files.SCRATCH}*")):
            if files.is_stray(path):
                yield str(path.relative_to(folder)), f"half-written by a process that is gone; {cleaner}"


def _folded_parts(folder: Path, folded: int) -> Iterator[tuple[str, str]]:
    paths = [
        manifest.part_path(folder, kind, epoch)
        for kind in parts.KINDS
        for epoch in manifest.numbered(folder / "parts", kind)
        if epoch <= folded
    ]
    if paths:
        sentence = (
            "parts of epochs that are in the database, kept for those who read them; a fold removes them"
        )
        yield f"parts/ ({len(paths)} files)", sentence


def _uncommitted(folder: Path, last_epoch: int) -> Iterator[tuple[str, str]]:
    for kind in ("stats", "metrics"):
        for epoch in manifest.numbered(folder / "parts", kind):
            if epoch > last_epoch:
                name = manifest.part_name(kind, epoch)
                yield f"parts/{name}", "of an epoch that was never committed; a resume removes it"


def _is_known(name: str) -> bool:
    return name in _FILES | _FOLDERS or bool(_LOCK.fullmatch(name)) or name.startswith(files.SCRATCH)
