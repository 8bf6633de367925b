"""The options that several commands share, each with its one line of help.

They stand apart from the commands so that the same option cannot mean two things.
"""

from pathlib import Path
from typing import Annotated

import typer

RunsOption = Annotated[
    Path | None,
    typer.Option("--runs", file_okay=False, help="Folder of the runs; else UNDERTOW_RUNS, else ./runs."),
]
PortOption = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Port of this machine; else the first free one from 8765."),
]
NoBrowserOption = Annotated[bool, typer.Option("--no-browser", help="Only say the address.")]
AddressOption = Annotated[str, typer.Option(help="IPv4 address to listen at; another needs --allow-remote.")]
RemoteOption = Annotated[
    bool,
    typer.Option("--allow-remote", help="Let others reach the app, by a token: UNDERTOW_TOKEN or a new one."),
]
HostOption = Annotated[
    list[str] | None, typer.Option("--host", help="With --allow-remote: a name that the app is reached by.")
]
