"""Where a run failed: the exception and the line of code, read from the end of its log.

A log goes on when a run is resumed. Only what the last attempt wrote counts, or a run that was killed would
show the exception of the attempt before.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from store.run import Run

LINES_READ = 400  # a traceback with what its causes said

_ATTEMPT = re.compile(r"^resumed at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$")
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$')
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?:: .*)?$")


@dataclass(frozen=True)
class Failure:
    """An exception of a log with the innermost line of code that it names."""

    exception: str  # as Python wrote it, such as "ValueError: keep must be ..."
    file: str
    line: int
    function: str
    code: str  # the line itself, empty where Python had no source

    @property
    def place(self) -> str:
        """The last folder, file and line, such as "engine/train.py:120"; empty where it names none."""
        if not self.file:
            return ""
        return f"{'/'.join(Path(self.file).parts[-2:])}:{self.line}"


def mark_attempt(run: Run) -> None:
    """Notes in the log that what follows is of another attempt."""
    with (run.folder / "log.txt").open("a", encoding="utf-8") as log:
        log.write(f"resumed at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")


def found(log: str) -> Failure | None:
    """Returns the last exception of the last attempt in the log; None where there is no traceback."""
    lines = _last_attempt(log)
    starts = [place for place, line in enumerate(lines) if line.strip() == _TRACEBACK]
    if not starts:
        return None
    traceback = lines[starts[-1] + 1 :]
    frames = [
        (place, match) for place, line in enumerate(traceback) if (match := _FRAME.match(line)) is not None
    ]
    raised = [(place, line) for place, line in enumerate(traceback) if _EXCEPTION.match(line)]
    if not raised:
        return None
    return _failure(traceback, frames, raised[0])


def _failure(
    traceback: list[str], frames: list[tuple[int, re.Match[str]]], raised: tuple[int, str]
) -> Failure:
    end, exception = raised
    inner = [(place, match) for place, match in frames if place < end]
    if not inner:
        return Failure(exception, "", 0, "", "")
    place, frame = inner[-1]
    code = traceback[place + 1].strip() if place + 1 < end else ""
    return Failure(exception, frame["file"], int(frame["line"]), frame["function"], code)


def _last_attempt(log: str) -> list[str]:
    lines = log.splitlines()
    marks = [place for place, line in enumerate(lines) if _ATTEMPT.match(line)]
    return lines[marks[-1] + 1 :] if marks else lines
