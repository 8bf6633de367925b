"""Which port the app gets: the one that was asked for or none, the usual one or the next that is free."""

import socket

USUAL = 8765
TRIED = 20
ADDRESS = "127.0.0.1"


def choose(asked: int | None, address: str = ADDRESS) -> int:
    """Returns a port of this machine on which nothing listens at an address.

    asked: that one; OSError where it is taken. None: the first free one from the usual port on.
    """
    candidates = range(USUAL, USUAL + TRIED) if asked is None else [asked]
    for port in candidates:
        if is_free(port, address):
            return port
    if asked is None:
        raise OSError(f"ports {USUAL} to {USUAL + TRIED - 1} are all taken; choose a free one with --port")
    raise OSError(f"port {asked} is taken; choose another one with --port, or leave it out")


def is_free(port: int, address: str = ADDRESS) -> bool:
    """Whether nothing listens on the port of this machine at an address. Read-only."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left counts as free
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
