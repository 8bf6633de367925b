"""Whether a run is to the byte what was written: every file against its seal, every table against its rows.

A disk that rots or a file that was copied wrongly is thus named before somebody trusts a number. It only
reads, asks for no lock, and trusts nothing that it has not read; who trains meanwhile is not disturbed.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from store import files, manifest, maps, parts, predictions, samples, tables
from store.checking import database, leftovers
from store.errors import RunIsForeign
from store.manifest import Manifest
from store.schema import SIGNALS

OK, LEFTOVER, PROBLEM = "ok", "leftover", "problem"
Verdict = Literal["ok", "leftover", "problem"]

_DOCUMENTS = ("config.json", "run.json", "status.json", "judgements.json")
_ATTEMPTS = 10
_CLASSES, _SAMPLES = "classes", "samples"


@dataclass(frozen=True)
class Finding:
    """One file and what is to be said of it; rows, bytes: what of it was verified."""

    name: str  # of the file within the run
    verdict: Verdict = "ok"
    sentence: str = ""  # what is wrong or left over, and what to do
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class _Due:
    """What a Parquet file of the run must be; rows: None = any."""

    schema: pa.Schema
    note: dict[str, str]
    rows: int | None
    remedy: str


def check(folder: Path) -> Iterator[Finding]:
    """Yields a finding for every file of a run, each as soon as the file was read.

    Reads every file once, in bounded memory. To be asked in a process that holds none of the run's databases
    open: reading a database drops DuckDB's lock on it.
    """
    yield from _documents(folder)
    try:
        published = manifest.read_manifest(folder)
    except RunIsForeign as failure:
        yield Finding(manifest.MANIFEST, "problem", str(failure))
        return
    yield Finding(manifest.MANIFEST)
    newer = [epoch for epoch in manifest.numbered(folder / "parts") if epoch > published.folded]
    has_epochs = bool(newer) or published.folded >= 0
    fixed = list(_fixed(folder, is_due=has_epochs))
    yield from fixed
    whole = {
        finding.name.removesuffix(".parquet"): finding.rows for finding in fixed if finding.verdict == OK
    }
    yield from _parts(folder, published, newer, whole)
    yield from _database(folder, tuple(whole))
    yield from _maps(folder)
    yield from _prediction(folder)
    yield from _checkpoints(folder)
    for name, sentence in leftovers.found(folder, last_epoch=max([published.folded, *newer])):
        yield Finding(name, "leftover", sentence)


def holds_history(name: str) -> bool:
    """Says whether a file has rows of history: a database, or the part that commits an epoch."""
    return name.startswith("parts/epoch-") or name.endswith(".duckdb")


def _documents(folder: Path) -> Iterator[Finding]:
    for name in _DOCUMENTS:
        path = folder / name
        is_there = path.exists()
        if is_there and files.read_json(path) is None:
            yield Finding(name, "problem", "is damaged: no JSON object; restore it from a copy")
        elif not is_there and name == "config.json":
            yield Finding(name, "problem", "is missing; restore it from a copy")
        elif is_there:
            yield Finding(name, bytes=path.stat().st_size)


def _fixed(folder: Path, *, is_due: bool) -> Iterator[Finding]:
    """Samples and classes, which the parts refer to."""
    for table in (_CLASSES, _SAMPLES):
        path = folder / f"{table}.parquet"
        if path.exists() or is_due:
            due = _Due(
                tables.arrow_schema(table),
                samples.note(folder, table),
                None,
                "restore it from a copy or delete the run",
            )
            yield _parquet(folder, path, due)


def _parts(
    folder: Path, published: Manifest, newer: list[int], whole: Mapping[str, int]
) -> Iterator[Finding]:
    """The parts that no database has; whole: the rows of samples and classes where these are as written."""
    rows = {
        "stats": len(SIGNALS) * (whole[_CLASSES] + 1) if _CLASSES in whole else None,
        "metrics": 1,
        "epoch": whole.get(_SAMPLES),
    }
    for epoch in range(published.folded + 1, max(newer, default=published.folded) + 1):
        for kind, table in parts.KINDS.items():
            remedy = f"restore it from a copy, or delete the parts from epoch {epoch} on and resume the run"
            due = _Due(tables.arrow_schema(table), parts.note(folder, kind, epoch), rows[kind], remedy)
            found = _parquet(folder, manifest.part_path(folder, kind, epoch), due)
            if found.verdict == "ok" or not _is_gone(folder, epoch):
                yield found


def _database(folder: Path, whole: Sequence[str]) -> Iterator[Finding]:
    """The database that holds now; looked for again where a fold superseded it meanwhile."""
    for _ in range(_ATTEMPTS):
        published = manifest.read_manifest(folder)
        if published.database is None:
            return
        found = _of_database(folder, published, whole)
        if found.verdict == "ok" or manifest.read_manifest(folder) == published:
            yield found
            return


def _of_database(folder: Path, published: Manifest, whole: Sequence[str]) -> Finding:
    name = str(published.database)
    path = folder / name
    remedy = "restore it from a copy or delete the run"
    try:
        size = path.stat().st_size
        if size != published.bytes:
            return Finding(
                name, "problem", f"has {size} bytes where {published.bytes} were written; {remedy}"
            )
        if files.sha256(path) != published.sha256:
            return Finding(name, "problem", f"has changed since it was written; {remedy}")
    except OSError as failure:
        return Finding(name, "problem", f"{_unreadable(failure)}; {remedy}")
    wrong = database.wrong(folder, published, compared=whole)
    if wrong:
        return Finding(name, "problem", f"{wrong}; {remedy}")
    return Finding(name, rows=published.rows, bytes=size)


def _maps(folder: Path) -> Iterator[Finding]:
    for epoch in manifest.numbered(folder / "maps"):
        due = _Due(maps.SCHEMA, maps.note(folder, epoch), None, "delete it; the other maps stay")
        yield _parquet(folder, manifest.map_path(folder, epoch), due)


def _prediction(folder: Path) -> Iterator[Finding]:
    path = folder / predictions.NAME
    if path.exists():
        yield _parquet(
            folder, path, _Due(predictions.SCHEMA, {}, None, "restore it from a copy or delete it")
        )


def _checkpoints(folder: Path) -> Iterator[Finding]:
    """Checkpoints are archives that carry a checksum of each of their pieces."""
    for path in sorted((folder / "checkpoints").glob("epoch-*.pt")):
        name = f"checkpoints/{path.name}"
        try:
            with zipfile.ZipFile(path) as archive:
                broken = archive.testzip()
            size = path.stat().st_size
        except FileNotFoundError:
            continue  # the engine keeps the last two
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
            broken, size = path.name, 0
        if broken is None:
            yield Finding(name, bytes=size)
        else:
            yield Finding(name, "problem", "is damaged; delete it: a resume then takes the one before")


def _parquet(folder: Path, path: Path, due: _Due) -> Finding:
    name = str(path.relative_to(folder))
    try:
        wrong, rows = _wrong_parquet(path, due)
        size = path.stat().st_size
    except OSError as failure:
        wrong, rows, size = _unreadable(failure), 0, 0
    if wrong:
        return Finding(name, "problem", f"{wrong}; {due.remedy}")
    return Finding(name, rows=rows, bytes=size)


def _wrong_parquet(path: Path, due: _Due) -> tuple[str, int]:
    """Returns what is wrong with a file, "" where nothing is, and its rows."""
    try:
        _, rows, note = tables.parquet_facts(path)
        schema = pq.read_schema(path)
    except (pa.ArrowException, ValueError):
        return "is no whole Parquet file", 0
    if tables.SEAL not in note:
        return "was not written by Undertow", rows
    if not tables.is_sealed(path):
        return "has changed since it was written", rows
    if not due.note.items() <= note.items():
        told = f"{note.get('undertow.part')} of run {note.get('undertow.run')}"
        return (
            f"is another file: {told}" if "undertow.run" in note else "does not say of which run it is",
            rows,
        )
    if [(field.name, field.type) for field in schema] != [(field.name, field.type) for field in due.schema]:
        return "has other columns than the schema", rows
    if due.rows is not None and rows != due.rows:
        return f"has {rows} rows where {due.rows} are due", rows
    return "", rows


def _unreadable(failure: OSError) -> str:
    if isinstance(failure, FileNotFoundError):
        return "is missing"
    return f"cannot be read ({failure.strerror or failure})"


def _is_gone(folder: Path, epoch: int) -> bool:
    """True where a fold has taken the epoch in meanwhile, or a resume has dropped it."""
    try:
        now = manifest.committed(folder)
    except RunIsForeign:
        return False
    return now.manifest.folded >= epoch or now.last_epoch < epoch
