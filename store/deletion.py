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
    """Raises RunIsForeign instead of FileNotFoundError, and of the other failures where the run is gone."""
    told: tuple[type[Exception], ...] = (FileNotFoundError, *failures)
    try:
        yield
    except told as failure:
        if not (folder / MANIFEST).exists():
            raise RunIsForeign(f"run {folder.name} was deleted while it was worked on") from failure
        if not isinstance(failure, FileNotFoundError) or failure.errno is None:  # it is a sentence already
            raise
        raise RunIsForeign(
            f"a file of run {folder.name} is missing ({failure.filename or failure}); restore it from a copy "
            "or delete the run"
        ) from failure
