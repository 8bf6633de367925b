"""How a command ends: its exit codes, and which failures are one sentence for the person.

All commands take them from here, so that a script can trust what a code means.
"""

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


class Refusal(ValueError):
    """A request that cannot be met; the message says what to do instead."""


def code_of(failure: Exception) -> int | None:
    """Returns the exit code of a failure that a person can mend; None where it is a fault of the program."""
    from app.launch import NoSupervisor
    from app.serving.access import AccessRefused
    from engine.config import InvalidConfig
    from store.errors import RunIsBusy, RunIsForeign, RunNotFound

    if isinstance(failure, (InvalidConfig, Refusal, AccessRefused)):
        return REFUSED
    if isinstance(failure, RuntimeError) and str(failure).endswith("Query interrupted"):
        return INTERRUPTED  # which is what DuckDB makes of Ctrl-C
    expected = (OSError, NoSupervisor, RunIsBusy, RunIsForeign, RunNotFound)
    return FAILED if isinstance(failure, expected) else None
