"""A real server under attack, started as a person starts it and asked byte by byte: for tests of refusals."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from store.run import Run
from tests.synthetic import make_run

EVIL = "evil.example"
SECRET = "nobody may read this"
TOKEN = "a token of many letters"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
# One address of each kind that the server has: the app, its own bytes, Streamlit's files, state and uploads.
ADDRESSES = (
    "/",
    "/map",
    "/api/map/{run}/ids",
    "/api/sprite/{run}.webp?ids=1",
    "/api/none",
    "/app/static/inter-latin-wght-normal.woff2",
    "/static/index.html",
    "/media/0.png",
    "/component/epoch_map/index.html",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/upload_file/a/b",
)


class Answered(NamedTuple):
    """An answer: status 0 where the server closed the connection without one."""

    status: int
    head: str
    body: bytes


@dataclass(frozen=True)
class Server:
    """A server that runs, and a run that it shows."""

    process: "subprocess.Popen[bytes]"
    address: str
    port: int
    run: Run

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    def send(self, sent: bytes, *, seconds: float = 10) -> bytes:
        """Sends bytes and returns all that comes back until the server closes or falls silent."""
        with socket.create_connection((self.address, self.port), timeout=seconds) as connection:
            received = b""
            try:
                connection.sendall(sent)
                while chunk := connection.recv(65536):
                    received += chunk
                    if received.startswith(b"HTTP/1.1 101"):
                        break
            except (TimeoutError, ConnectionError):
                pass
            return received

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answered:
        """Sends one request with the server's own host, unless another is given."""
        named = {"Host": self.host, "Connection": "close"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        lines = [f"{method} {path.format(run=self.run.id)} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in named.items()]
        return parted(self.send("\r\n".join([*lines, "", ""]).encode("latin-1")))

    def knock(self, path: str = "/_stcore/stream", **headers: str) -> int:
        """Asks for a socket and returns the status: 101 where it is opened."""
        return self.ask(path, **(HANDSHAKE | headers)).status


def parted(received: bytes) -> Answered:
    head, _, body = received.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    return Answered(int(text.split()[1]) if text else 0, text, body)


@contextmanager
def attacked(folder: Path, address: str, *words: str) -> Iterator[Server]:
    """A server at an address, over one run in a folder that holds a secret beside and above the run."""
    run = make_run(folder / "runs", samples=20, epochs=1)
    for secret in (folder / "secret.txt", folder / "runs" / "secret.txt"):
        secret.write_text(SECRET)
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "app", "--runs", str(folder / "runs"), "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--address", address, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1", "UNDERTOW_TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_until_up(process, address, port)
        yield Server(process, address, port, run)
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_up(process: "subprocess.Popen[bytes]", address: str, port: int, *, limit: float = 60) -> None:
    end = time.monotonic() + limit
    while True:
        try:
            socket.create_connection((address, port), timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server did not start"
