"""Parts that were cut, changed, replaced or are no files: named with a remedy, never read as if whole."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from store import manifest, parts
from store.reader import ask
from store.run import Run, RunIsForeign
from store.schema import TABLES
from tests import faults

TRIES = 50
NAMED = r"parts/(stats|metrics|epoch)-0000\d\.parquet of run .*; restore it from a copy, or delete the parts"


def cut(content: bytes, rng: random.Random) -> bytes:
    """The file up to a random place."""
    return content[: rng.randrange(len(content))]


def flipped(content: bytes, rng: random.Random) -> bytes:
    """The file with one bit turned."""
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def answers(run: Run) -> list[object]:
    return [ask(run, f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES]


@pytest.mark.parametrize("damage", [cut, flipped])
def test_a_damaged_part_is_named_never_answered_from_and_never_folded(make_run, damage):
    run, rng, seen = make_run(3), random.Random(7), []
    for number in range(TRIES):
        path = manifest.part_path(run.folder, rng.choice(list(parts.KINDS)), rng.randrange(3))
        whole = path.read_bytes()
        path.write_bytes(damage(whole, rng))
        with pytest.raises(RunIsForeign, match=NAMED):
            run.fold()
        with pytest.raises(RunIsForeign, match=NAMED) as failure:
            answers(run)
        seen.append(str(failure.value))
        path.write_bytes(whole)
        if number % 10 == 9:
            answers(run)
    run.fold()
    faults.assert_has(run, range(3))
    faults.tell(f"{damage.__name__}: {TRIES} parts, {TRIES} refused by the fold, {len(seen)} by a question")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def link_to_another_epoch(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name(path.name.replace("00001", "00002")))


def of_a_later_schema(path: Path) -> None:
    table = pq.read_table(path)
    notes = {**(pq.read_metadata(path).metadata or {}), b"undertow.schema": b"99"}
    pq.write_table(table.replace_schema_metadata(notes), path)


def unreadable(path: Path) -> None:
    path.write_bytes(b"PAR1" + b"\0" * 40 + b"PAR1")


DAMAGES = [folder, link_to_nowhere, link_to_itself, link_to_another_epoch, of_a_later_schema, unreadable]


@pytest.mark.parametrize("kind", ["epoch", "metrics", "stats"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_no_part_of_the_run_is_named(make_run, kind, damage: Callable[[Path], None]):
    run = make_run(3)
    damage(manifest.part_path(run.folder, kind, 1))
    for question in (lambda: answers(run), run.fold):
        with pytest.raises(RunIsForeign, match=rf"parts/{kind}-00001\.parquet of run {run.id} .*; |vanish"):
            question()


@pytest.mark.parametrize("kind", ["metrics", "stats"])
def test_a_missing_part_beside_the_one_that_commits_is_named(make_run, kind):
    run = make_run(3)
    manifest.part_path(run.folder, kind, 1).unlink()
    for question in (lambda: answers(run), run.fold):
        with pytest.raises(
            RunIsForeign, match=rf"parts/{kind}-00001\.parquet of run {run.id} .*missing|vanish"
        ):
            question()


def test_going_back_removes_what_is_no_part(make_run, rows):
    run = make_run(3)
    shutil.copytree(run.folder / "maps", run.folder / "parts" / manifest.part_name("stats", 3))
    folder(manifest.part_path(run.folder, "epoch", 2))
    run.rewind(1)
    rows.add(run, 2)
    faults.assert_has(run, range(4))
