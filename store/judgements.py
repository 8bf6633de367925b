"""What a person says of labels: one verdict a sample, in a file of its own beside what the engine wrote.

Two tabs, or two people on one disk, judge at the same time: every change reads, changes and replaces the file
under a lock, so that neither loses the other's. A file that cannot be read is never overwritten.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd

from store import files
from store.errors import RunIsForeign
from store.run import Run

Verdict = Literal["noisy", "hard", "fine"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_FILE, _LOCK = "judgements.json", ".judgements.lock"
_FORMAT = 1


class Judgement(NamedTuple):
    """One verdict: the label is wrong (noisy), right but hard to see (hard), or right (fine)."""

    verdict: Verdict
    corrected: int | None = None  # the right class of a noisy label; None: nobody said
    when: str = ""  # UTC; filled in when it is written


def judgements(run: Run) -> dict[int, Judgement]:
    """Returns every verdict by sample id, in the order of the ids; empty before the first.

    Raises RunIsForeign where the file is damaged or another run's.
    """
    path = run.folder / _FILE
    content = files.read_json(path)
    if content is None:
        if path.exists():
            raise _foreign(run, "is damaged")
        return {}
    if content.get("format") != _FORMAT or content.get("run") != run.id:
        raise _foreign(run, "was not written for this run by this version")
    try:
        found = {int(sample_id): _judgement(entry) for sample_id, entry in content["judgements"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as failure:
        raise _foreign(run, "is damaged") from failure
    return dict(sorted(found.items()))


def table(run: Run) -> pd.DataFrame:
    """Returns sample_id, verdict, corrected_label (missing where nobody said) and judged_at, by id."""
    found = judgements(run)
    columns = {
        "sample_id": pd.Series(list(found), dtype="int64"),
        "verdict": pd.Series([one.verdict for one in found.values()], dtype="object"),
        "corrected_label": pd.Series([one.corrected for one in found.values()], dtype="Int64"),
        "judged_at": pd.Series([one.when for one in found.values()], dtype="object"),
    }
    return pd.DataFrame(columns)


def version(run: Run) -> str:
    """Returns a text that changes whenever a verdict does."""
    return f"{files.modified(run.folder / _FILE):x}"


def judge(run: Run, changes: Mapping[int, Judgement | None]) -> dict[int, Judgement | None]:
    """Writes verdicts, None takes one back, and returns what stood there before, which undoes it.

    Raises ValueError for a verdict that is none, RunIsForeign for a damaged file, OSError or DiskIsFull where
    nothing can be written.
    """
    for sample_id, judgement in changes.items():
        _check(sample_id, judgement)
    with files.locked(run.folder / _LOCK, wait=True):
        found = judgements(run)
        before = {sample_id: found.get(sample_id) for sample_id in changes}
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for sample_id, judgement in changes.items():
            found.pop(sample_id, None)
            if judgement is not None:
                found[sample_id] = judgement._replace(when=judgement.when or now)
        _write(run, found)
    return before


def clear(run: Run) -> dict[int, Judgement | None]:
    """Takes every verdict back and returns them, so that judge can bring them again."""
    with files.locked(run.folder / _LOCK, wait=True):
        before: dict[int, Judgement | None] = {**judgements(run)}
        _write(run, {})
    return before


def _write(run: Run, found: Mapping[int, Judgement]) -> None:
    entries = {str(sample_id): one._asdict() for sample_id, one in sorted(found.items())}
    files.write_json(run.folder / _FILE, {"format": _FORMAT, "run": run.id, "judgements": entries})


def _check(sample_id: int, judgement: Judgement | None) -> None:
    if judgement is None:
        return
    if judgement.verdict not in VERDICTS:
        raise ValueError(
            f"verdict of sample {sample_id} must be one of {', '.join(VERDICTS)}; got {judgement.verdict!r}"
        )
    if judgement.corrected is not None and (judgement.verdict != "noisy" or judgement.corrected < 0):
        raise ValueError(
            f"corrected class of sample {sample_id} must belong to the verdict noisy and be from 0; "
            f"got {judgement.corrected} with {judgement.verdict}"
        )


def _judgement(entry: Mapping[str, Any]) -> Judgement:
    corrected = entry["corrected"]
    found = Judgement(entry["verdict"], None if corrected is None else int(corrected), str(entry["when"]))
    _check(-1, found)
    return found


def _foreign(run: Run, wrong: str) -> RunIsForeign:
    return RunIsForeign(
        f"{_FILE} of run {run.id} {wrong}; restore it from a copy, or remove it to judge anew"
    )
