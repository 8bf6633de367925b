"""What of a run is committed: the folded epochs, and the parts that came after them.

The manifest names the one database that readers may open and the last epoch in it; a part counts from the
moment its file has its name. Both only ever change by a rename, so that a reader sees one state or the next.
"""

import re
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from store import files
from store.errors import RunIsForeign
from store.schema import SCHEMA_VERSION

MANIFEST = "manifest.json"
FOLD_LOCK = ".fold.lock"  # held by whoever publishes a manifest

_PART = re.compile(r"([a-z]+)-(\d{5,})\.parquet")
_ATTEMPTS = 100


@dataclass(frozen=True)
class Manifest:
    """The published state of a run: folded is the last epoch in the database, -1 where there is none.

    rows: of its history; bytes, sha256: of its file, by which a check tells whether it is as it was written.
    """

    schema: int = SCHEMA_VERSION
    generation: int = 0
    database: str | None = None
    folded: int = -1
    rows: int = 0
    bytes: int = 0
    sha256: str = ""

    @property
    def is_possible(self) -> bool:
        """True where it counts in whole numbers and names a database just where epochs are folded."""
        counts = (self.generation, self.folded, self.rows, self.bytes)
        names = isinstance(self.database, str | None) and isinstance(self.sha256, str)
        if not names or not all(isinstance(count, int) for count in counts):
            return False
        return (self.database is not None) == (self.folded >= 0) == bool(self.sha256)


@dataclass(frozen=True)
class Committed:
    """The manifest and the epochs whose parts follow it without a gap, at one moment."""

    manifest: Manifest
    newer: tuple[int, ...]

    @property
    def last_epoch(self) -> int:
        """The last committed epoch, -1 where there is none."""
        return self.newer[-1] if self.newer else self.manifest.folded


def part_name(kind: str, epoch: int) -> str:
    """Returns the name of a part; kind: epoch (history), metrics or stats."""
    return f"{kind}-{epoch:05d}.parquet"


def part_path(folder: Path, kind: str, epoch: int) -> Path:
    """Returns the part of one epoch in a run folder."""
    return folder / "parts" / part_name(kind, epoch)


def map_path(folder: Path, epoch: int) -> Path:
    """Returns the map of one epoch in a run folder."""
    return folder / "maps" / f"epoch-{epoch:05d}.parquet"


def numbered(folder: Path, kind: str = "epoch") -> list[int]:
    """Returns the epochs that have a file <kind>-<epoch>.parquet in the folder, in order."""
    names: list[str] = []
    with suppress(FileNotFoundError, NotADirectoryError):
        names = [path.name for path in folder.iterdir()]
    matches = map(_PART.fullmatch, names)
    return sorted(int(match[2]) for match in matches if match and match[1] == kind)


def read_manifest(folder: Path) -> Manifest:
    """Returns the manifest; RunIsForeign where the folder is no run or a run of another schema version."""
    content = files.read_json(folder / MANIFEST)
    if content is None:
        raise RunIsForeign(
            f"{folder} is no run: {MANIFEST} is missing or damaged; restore it or delete the folder"
        )
    version = content.get("schema")
    if version != SCHEMA_VERSION:
        raise RunIsForeign(
            f"run {folder.name} was written with schema version {version} and this Undertow reads version "
            f"{SCHEMA_VERSION}; open it with the Undertow that wrote it, or train it again"
        )
    if content.keys() <= {field.name for field in fields(Manifest)}:
        manifest = Manifest(**content)
        if manifest.is_possible:
            return manifest
    raise RunIsForeign(f"{MANIFEST} of run {folder.name} is damaged; restore it or delete the run")


def publish(folder: Path, manifest: Manifest) -> None:
    """Makes the manifest the one that readers see; it appears whole."""
    files.write_json(folder / MANIFEST, asdict(manifest))


def committed(folder: Path) -> Committed:
    """Returns what is committed now; RunIsForeign where a part between two others is missing."""
    for _ in range(_ATTEMPTS):
        manifest = read_manifest(folder)
        newer = [epoch for epoch in numbered(folder / "parts") if epoch > manifest.folded]
        whole = [epoch for place, epoch in enumerate(newer, manifest.folded + 1) if epoch == place]
        missing = _missing_part(folder, newer, whole, manifest.folded)
        if read_manifest(folder) != manifest:
            continue
        if missing:
            raise RunIsForeign(
                f"parts/{missing.name} of run {folder.name} is missing though later ones are there; restore "
                "it from a copy, or delete the later parts and resume the run"
            )
        return Committed(manifest, tuple(whole))
    raise RunIsForeign(f"{MANIFEST} of run {folder.name} changes without end; stop what writes to the folder")


def _missing_part(folder: Path, newer: list[int], whole: list[int], folded: int) -> Path | None:
    """Returns the part that tears a gap, None where the listing was merely taken while parts came or went."""
    if len(whole) == len(newer):
        return None
    missing = part_path(folder, "epoch", folded + 1 + len(whole))
    later = part_path(folder, "epoch", newer[-1])
    return missing if later.exists() and not missing.exists() else None
