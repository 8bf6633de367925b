"""Folders that are named as runs are and cannot be opened: with what is wrong, so that nobody misses a run.

They are left out wherever runs are asked questions; only the list of all runs names them.
"""

from pathlib import Path

from store.errors import RunIsForeign
from store.run import Run, run_folders


def find_damaged(root: Path) -> list[tuple[Run, str]]:
    """Returns the runs whose manifest is missing, damaged or of another version, each with its sentence.

    Newest first. Read-only; a run that another tab deletes meanwhile is left out.
    """
    damaged = []
    for folder in run_folders(root):
        try:
            Run.open(folder)
        except RunIsForeign as error:
            if folder.exists():
                damaged.append((Run(folder), str(error)))
    return damaged
