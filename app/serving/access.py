"""Who may reach the app: this machine alone, or with --allow-remote whoever brings a token.

The app starts and deletes runs, so to listen anywhere else is a decision that a person takes in words, and
never without a secret. The names under which it answers are listed, so that no foreign name can lead to it.
"""

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

LOOPBACK = "127.0.0.1"
TOKEN_VARIABLE = "UNDERTOW_TOKEN"
SHORTEST_TOKEN = 16  # characters

_EVERYWHERE = "0.0.0.0"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class AccessRefused(ValueError):
    """The app may not listen so; the message says how it may."""


@dataclass(frozen=True)
class Access:
    """Where the app listens, the names it answers to, the first one in its links, and what it demands."""

    address: str = LOOPBACK
    hosts: tuple[str, ...] = ("localhost", LOOPBACK)
    token: str | None = field(default=None, repr=False)

    def url(self, port: int, page: str = "", **parameters: object) -> str:
        """Returns the address of a page, with the token where one is demanded."""
        query = urlencode(parameters | ({"token": self.token} if self.token else {}))
        return (
            f"http://{self.hosts[0]}:{port}"
            + (f"/{page}" if page or query else "")
            + (f"?{query}" if query else "")
        )


LOCAL = Access()


def access(
    address: str = LOOPBACK,
    hosts: Sequence[str] = (),
    *,
    allow_remote: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Access:
    """Returns who may reach the app that listens at an IPv4 address; AccessRefused where that is not safe.

    hosts: further names that people reach it by. The token is that of the environment, else a new one.
    """
    if not allow_remote:
        return _local(address, hosts)
    names = [_host(name) for name in hosts]
    try:
        ipaddress.IPv4Address(address)
    except ValueError as failure:
        raise AccessRefused(
            f"--address must be an IPv4 address of this machine; got {address!r}"
        ) from failure
    if address == _EVERYWHERE and not names:
        raise AccessRefused(
            f"--address {address} listens everywhere; say with --host under which names people reach it"
        )
    own = [] if address == _EVERYWHERE else [address]
    return Access(address, tuple(dict.fromkeys([*names, *own, *LOCAL.hosts])), _token(environment))


def _local(address: str, hosts: Sequence[str]) -> Access:
    if address in LOCAL.hosts and not hosts:
        return LOCAL
    got = f"--host {hosts[0]}" if hosts else address
    raise AccessRefused(
        f"--address must be {LOOPBACK} without --allow-remote, which demands a token of everybody; got {got}"
        "; from another machine use that or a tunnel: ssh -L 8765:localhost:8765 HOST"
    )


def _host(name: str) -> str:
    lower = name.lower()
    if not _HOST.fullmatch(lower):
        raise AccessRefused(f"--host must be a name or an IPv4 address without a port; got {name!r}")
    return lower


def _token(environment: Mapping[str, str]) -> str:
    given = environment.get(TOKEN_VARIABLE)
    if given is None:
        return secrets.token_urlsafe(24)
    if len(given) < SHORTEST_TOKEN:
        raise AccessRefused(
            f"{TOKEN_VARIABLE} must have at least {SHORTEST_TOKEN} characters; got {len(given)}; leave it "
            "out to have one made"
        )
    return given
