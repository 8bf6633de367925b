"""How DuckDB works where the store opens it: on so many threads, in so much memory, without the network.

In one place, for a connection that may fetch what it lacks would do so in the midst of a question, and one
without a limit takes most of the machine. What a person asks has its own, narrower rules.
"""

from pathlib import Path

Settings = dict[str, str | bool | int | float | list[str]]


def settings(*, threads: int, memory: str, spill: Path | None = None) -> Settings:
    """Returns the settings of a connection; memory: at most, such as "1GB".

    spill: the folder for what does not fit, made when it is needed; None = DuckDB's choice.
    """
    chosen: Settings = {
        "threads": threads,
        "memory_limit": memory,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return chosen if spill is None else chosen | {"temp_directory": str(spill)}
