"""What tests share: one demo study, trained once by the command that a newcomer types."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.run import Run, find_runs

# One thread each: a second one collapses beside any other busy process on two cores.
os.environ["OMP_NUM_THREADS"] = "1"
# Started in the background, a process ignores Ctrl-C and so do its children; some tests send it to theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty cache of this session, so that no test passes by what an earlier one left."""
    folder = tmp_path_factory.mktemp("undertow-cache")
    os.environ["UNDERTOW_CACHE"] = str(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_power_cuts() -> Iterator[None]:
    """Tests kill processes and never the machine, so that nothing need reach the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture(scope="session")
def undertow() -> Path:
    """The installed command."""
    return Path(sys.executable).with_name("undertow")


@pytest.fixture(scope="session", autouse=True)
def demo(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shared_cache: Path,
    undertow: Path,
) -> Iterator[tuple[subprocess.Popen[bytes], Path] | None]:
    """The demo command on six real runs, trained beside the other tests; None where none needs it."""
    if not any("demo_root" in item.fixturenames for item in request.session.items):
        yield None
        return
    root = tmp_path_factory.mktemp("demo")
    environment = {**os.environ, "UNDERTOW_CACHE": str(shared_cache)}
    process = subprocess.Popen([undertow, "demo", "--no-serve", "--runs", root], env=environment)
    yield process, root
    process.terminate()
    process.wait(60)


@pytest.fixture(scope="session")
def demo_root(demo: tuple[subprocess.Popen[bytes], Path]) -> Path:
    """The folder of the finished demo study."""
    process, root = demo
    assert process.wait(600) == 0
    return root


@pytest.fixture(scope="session")
def demo_runs(demo_root: Path) -> list[Run]:
    """The runs of the finished demo study, newest first."""
    return find_runs(demo_root)
