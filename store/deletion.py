"""A run that somebody deletes while it is worked on: the failure of a missing file becomes that sentence.

Nobody can be kept from removing a folder, so whoever writes for long tells this failure from all others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import RunIsForeign
from store.manifest import MANIFEST


@contextmanager
def deletion_said(folder: Path, *failures: type[Exception]) -> Iterator[None]:
    """Raises RunIsForeign instead of FileNotFoundError, or one of the failures, where the run is gone."""
    told: tuple[type[Exception], ...] = (FileNotFoundError, *failures)
    try:
        yield
    except told as failure:
        if (folder / MANIFEST).exists():
            raise
        raise RunIsForeign(f"run {folder.name} was deleted while it was worked on") from failure
