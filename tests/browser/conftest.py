"""A real browser and a real server for the pages; both belong to one test session and end with it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser.watching import watched

VIEWPORT: ViewportSize = {"width": 1280, "height": 720}
_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine; without one the test is skipped, but fails where CI is set."""
    path = chromium()
    if path is None:
        reason = f"none of {', '.join(_NAMES)} is installed; the pages were not tried in a browser"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page; the test fails if the browser reported an error on it."""
    with watched(browser, viewport=VIEWPORT) as opened:
        yield opened


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    """Starts the app over a folder of runs, once and from another working directory; returns its address."""
    started: dict[Path, tuple[subprocess.Popen[bytes], str]] = {}

    def start(root: Path) -> str:
        if root not in started:
            started[root] = start_server(root, tmp_path_factory.mktemp("server"))
        return started[root][1]

    yield start
    for process, _ in started.values():
        process.terminate()
        process.wait(20)


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Where screenshots go: the folder in UNDERTOW_ARTIFACTS, else one of the test's own."""
    folder = Path(os.environ.get("UNDERTOW_ARTIFACTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def chromium() -> str | None:
    """The path of an installed Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def start_server(root: Path, elsewhere: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Starts the app over a folder of runs, working in another one; returns the process and its address."""
    port = _free_port()
    code = f"import pathlib; from app import server; server.serve(pathlib.Path({str(root)!r}), port={port})"
    with (elsewhere / "server.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", code], cwd=elsewhere, stdout=log, stderr=log)
    address = f"http://localhost:{port}"
    _wait_until_up(f"{address}/_stcore/health")
    return process, address


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_until_up(address: str, *, limit_seconds: float = 60) -> None:
    end = time.monotonic() + limit_seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
