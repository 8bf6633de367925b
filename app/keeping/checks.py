"""Checking runs from a terminal: progress while files are read, a line for each problem, and the sums.

A problem and a leftover are told apart by the exit code too: what is merely left over harms nothing.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app import terminal, wording
from app.keeping import layout, sizes
from store.checking import findings
from store.checking.findings import Finding
from store.errors import RunIsForeign


@dataclass(frozen=True)
class Checked:
    """What a check found of one run."""

    folder: Path
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def said(self) -> tuple[Finding, ...]:
        """The findings that a person should see: problems, then leftovers."""
        by_weight = {findings.PROBLEM: 0, findings.LEFTOVER: 1}
        said = (finding for finding in self.findings if finding.verdict in by_weight)
        return tuple(sorted(said, key=lambda finding: by_weight[finding.verdict]))

    @property
    def is_good(self) -> bool:
        """True where nothing but leftovers is to be said."""
        return all(finding.verdict != findings.PROBLEM for finding in self.findings)

    @property
    def rows(self) -> int:
        """Rows of history that were verified: those of the parts and of the database."""
        return sum(finding.rows for finding in self.findings if findings.holds_history(finding.name))

    @property
    def bytes(self) -> int:
        """Bytes of the files that were verified."""
        return sum(finding.bytes for finding in self.findings)

    @property
    def files(self) -> int:
        """Files that were verified."""
        return sum(finding.verdict == findings.OK for finding in self.findings)


def check(folders: Sequence[Path]) -> list[Checked]:
    """Verifies the runs, one after the other, with progress where somebody looks."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    progress = Progress(*columns, console=terminal.out, disable=not terminal.out.is_terminal, transient=True)
    total = sum(sizes.total(folder) for folder in folders)
    with progress:
        task = progress.add_task("Checking", total=total)
        checked = []
        for folder in folders:
            progress.update(task, description=folder.name)
            checked.append(_check(folder, progress, task))
    return [one for one in checked if one.folder.is_dir()]  # the others were deleted meanwhile


def as_json(checked: Sequence[Checked]) -> list[dict[str, Any]]:
    """Returns what was found as JSON."""
    return [
        {
            "id": one.folder.name,
            "good": one.is_good,
            "files": one.files,
            "rows": one.rows,
            "bytes": one.bytes,
            "seconds": round(one.seconds, 3),
            "findings": [
                {"file": finding.name, "verdict": finding.verdict, "sentence": finding.sentence}
                for finding in one.said
            ],
        }
        for one in checked
    ]


def lines(checked: Sequence[Checked]) -> Iterator[str | Table]:
    """Yields what a terminal is told: of each run its sums and what is wrong with it, then all sums."""
    for one in checked:
        verdict = "good" if one.is_good else "not good"
        yield f"{one.folder.name}: {verdict}, {_sums([one])}"
        if one.said:
            rows = [(finding.verdict, finding.name, finding.sentence) for finding in one.said]
            yield layout.fitting(("Verdict", "File", "What"), rows, folded=("File", "What"))[0]
    if len(checked) > 1:
        bad = sum(not one.is_good for one in checked)
        words = f"{wording.plural(bad, 'run')} with a problem" if bad else "all good"
        yield f"{wording.plural(len(checked), 'run')}, {words}: {_sums(checked)}"


def _check(folder: Path, progress: Progress, task: Any) -> Checked:
    began, found = time.monotonic(), list[Finding]()
    try:
        for finding in findings.check(folder):
            found.append(finding)
            progress.advance(task, finding.bytes)
    except (FileNotFoundError, RunIsForeign):
        if folder.is_dir():
            raise
    return Checked(folder, tuple(found), time.monotonic() - began)


def _sums(checked: Sequence[Checked]) -> str:
    files, rows, size = (sum(getattr(one, name) for one in checked) for name in ("files", "rows", "bytes"))
    seconds = wording.duration(sum(one.seconds for one in checked))
    return (
        f"{wording.plural(files, 'file')}, {wording.plural(rows, 'row')} of history and {wording.size(size)} "
        f"verified in {seconds}"
    )
