"""Which file is to blame where a question fails: looked for byte by byte, and only then.

A part is compared with its seal when it is first shown; a database, which may have gigabytes, is not.
DuckDB's own checksums find what changed in it, in a failure that names no file and may take DuckDB with it.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from store import files, sources
from store.errors import RunIsForeign

# Failures that no file is to blame for: looking at every byte of a run would find nothing.
_OF_THE_QUESTION = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
# After these the connection answers nothing any more, whatever is asked.
DEADLY = (duckdb.FatalException, duckdb.InternalException)


def explain(folders: Sequence[Path], failure: duckdb.Error) -> None:
    """Raises RunIsForeign naming the file of these runs that is to blame; nothing where none is."""
    for folder in folders:
        try:
            state = sources.state(folder)
            sources.check(folder, state)
            if not isinstance(failure, _OF_THE_QUESTION):
                _check_database(folder, state)
        except FileNotFoundError as gone:
            raise vanishing(folder) from gone


def vanishing(folder: Path) -> RunIsForeign:
    """Returns the failure of a run whose files go away whenever they are looked at."""
    return RunIsForeign(f"the files of run {folder.name} vanish while they are read; was it deleted?")


def _check_database(folder: Path, state: sources.State) -> None:
    database = sources.database(folder, state)
    if database and files.sha256(database) != state.committed.manifest.sha256:
        raise sources.foreign(database)
