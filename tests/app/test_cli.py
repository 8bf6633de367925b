"""The command line: what it refuses and how, and runs trained by the real engine from start to exit code."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from app import cli, demo, launch, progress
from app.serving import ports
from engine.config import RunConfig, parse
from store.run import Run, find_runs
from store.status import Status

# A run that is over soon: no encoder, no map, one epoch.
SHORT = ("--set", "consistency.kind=none", "--set", "maps.every=0", "--set", "epochs=1")


class Ended(NamedTuple):
    """How a command ended and what it wrote."""

    code: object
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def command(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Runs undertow with these words on an empty folder of runs."""
    monkeypatch.setenv("UNDERTOW_RUNS", str(root))

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["undertow", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Ended(ended.value.code, *capsys.readouterr())

    yield run
    for left in find_runs(root):
        launch.kill(left)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((ports.ADDRESS, 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "epochs=0"], "epochs must be at least 1; got '0'\n"),
        (["--set", "epoch=3"], "epoch is not a setting; remove it or correct its name\n"),
        (["--set", "epochs"], "--set must look like key=value; got 'epochs'\n"),
        (["no.json"], "no.json is not there; give the path of a JSON file with settings\n"),
    ],
)
def test_invalid_settings_are_one_sentence_and_exit_code_2_and_nothing_is_written(
    command: Command, root: Path, words: list[str], sentence: str
) -> None:
    assert command("train", *words) == Ended(2, "", sentence)
    assert not root.exists()


def test_show_prints_all_settings_that_would_be_used_and_trains_nothing(
    command: Command, root: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"epochs": 7}')
    ended = command("train", str(file), "--set", "strategy.kind=joint", "--show")
    expected = parse({"epochs": 7, "strategy": {"kind": "joint"}})
    assert (ended.code, RunConfig.model_validate(json.loads(ended.out))) == (0, expected)
    assert not root.exists()


def test_train__done__exit_code_0(command: Command, root: Path) -> None:
    ended = command("train", *SHORT)
    assert (ended.code, ended.err) == (0, "")
    assert [(run.status().state, run.epochs()) for run in find_runs(root)] == [("done", [0])]


def test_train__failed__exit_code_1_and_the_sentence_of_the_engine(command: Command, root: Path) -> None:
    ended = command(
        "train", "--set", "consistency.kind=open_clip", "--set", "consistency.model=local-dir:no-such-folder"
    )
    (run,) = find_runs(root)
    assert (ended.code, run.status().state) == (1, "failed")
    assert ended.err == f"run {run.id} failed: {run.status().message}\n"


def test_train__a_path_that_leads_nowhere_is_refused_before_a_run_is_queued(
    command: Command, root: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    ended = command("train", "--set", "source.kind=image_folder", "--set", f"source.root={nowhere}")
    assert ended.code == 2
    assert ended.err == (f"source.image_folder.root must be a folder; nothing of the kind is at {nowhere}\n")
    assert not list(find_runs(root))


def test_train__ctrl_c__stops_with_a_checkpoint_and_exit_code_130(root: Path) -> None:
    words = ["train", "--runs", str(root), *SHORT, "--set", "epochs=1000"]
    script = [sys.executable, "-m", "app.cli", *words]
    with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        wait_for(lambda: any(run.last_epoch() >= 0 for run in find_runs(root)), command)
        command.send_signal(signal.SIGINT)
        output, error = command.communicate(timeout=60)
    (run,) = find_runs(root)
    assert (command.returncode, run.status().state) == (130, "stopped")
    assert "Ctrl-C again kills the run" in output
    assert error.startswith(f"run {run.id} stopped after ")


def wait_for(holds: Callable[[], bool], command: "subprocess.Popen[str]") -> None:
    """Waits until the condition holds; fails where the command ends before it."""
    while not holds():
        with pytest.raises(subprocess.TimeoutExpired):
            command.wait(timeout=0.05)


def test_background_queues_the_run_and_says_how_to_watch_it(
    command: Command, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **__: None)
    ended = command("train", "--background")
    (run,) = find_runs(root)
    assert (ended.code, run.status().state) == (0, "queued")
    assert ended.out == (f"Run {run.id} is queued in {root}.\nWatch it with: undertow app --runs {root}\n")


@pytest.mark.parametrize("name", ["app", "demo"])
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--address", "0.0.0.0"], "--address must be 127.0.0.1 without --allow-remote"),
        (["--host", "gpu3"], "--address must be 127.0.0.1 without --allow-remote"),
        (["--allow-remote", "--address", "0.0.0.0"], "--address 0.0.0.0 listens everywhere; say with --host"),
        (["--allow-remote", "--address", "::"], "--address must be an IPv4 address of this machine; got"),
        (["--allow-remote", "--host", "a b"], "--host must be a name or an IPv4 address without a port"),
    ],
)
def test_an_address_that_others_reach_is_refused_without_what_makes_it_safe(
    command: Command, root: Path, name: str, words: list[str], sentence: str
) -> None:
    ended = command(name, *words)
    assert (ended.code, ended.err[: len(sentence)]) == (2, sentence)
    assert not root.exists()


def test_a_short_token_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_TOKEN", "fifteen letters")
    ended = command("app", "--allow-remote")
    assert (ended.code, ended.err) == (
        2,
        "UNDERTOW_TOKEN must have at least 16 characters; got 15; leave it out to have one made\n",
    )


@pytest.mark.parametrize("name", ["app", "demo"])
def test_taken_port_that_was_asked_for_is_refused_before_anything_is_queued(
    command: Command, root: Path, taken_port: int, name: str
) -> None:
    ended = command(name, "--port", str(taken_port))
    assert ended.code == 1
    assert ended.err == f"port {taken_port} is taken; choose another one with --port, or leave it out\n"
    assert not root.exists()


def test_taken_usual_port_gives_the_next_free_one(monkeypatch: pytest.MonkeyPatch, taken_port: int) -> None:
    monkeypatch.setattr(ports, "USUAL", taken_port)
    assert taken_port < ports.choose(None) < taken_port + ports.TRIED


def test_demo_without_the_app_compares_the_methods_and_exits_with_0_when_all_are_done(
    command: Command, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **__: None)
    for run in demo.prepare(root, fresh=False):
        run.write_status(state="done")
    ended = command("demo", "--no-serve")
    assert ended.code == 0
    assert ended.out.startswith("Undertow demo: two methods, three seeds each")
    assert "full data, seed 2: done" in ended.out


def test_demo__a_run_failed__exit_code_1_and_its_sentence(
    command: Command, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **__: None)
    runs = demo.prepare(root, fresh=False)
    for run in runs:
        run.write_status(state="done")
    monkeypatch.setattr(launch, "resume", lambda _: None)
    runs[3].write_status(state="failed", message="the disk is full")
    ended = command("demo", "--no-serve")
    assert (ended.code, ended.err) == (1, f"run {runs[3].id} failed: the disk is full\n")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status(state="queued"), "waiting for a free slot"),
        (
            Status(state="running", phase="embedding images", share=0.25),
            "embedding images 25\N{NO-BREAK SPACE}%",
        ),
        (Status(state="running", phase="training", epoch=3, epochs=20), "3 of 20 epochs, training"),
        (
            Status(state="stopping", phase="training", epoch=3, epochs=20),
            "3 of 20 epochs, stopping, training",
        ),
        (Status(state="done"), "done"),
        (Status(state="failed", message="the disk is full"), "failed: the disk is full"),
        (Status(state="stopped", message="stopped after 3 whole epochs"), "stopped after 3 whole epochs"),
    ],
)
def test_progress_says_what_a_run_does(status: Status, words: str) -> None:
    assert progress.doing(status) == words


def test_watching_ends_when_the_run_is_deleted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(root, {"name": "gone"})
    monkeypatch.setattr(launch, "ensure_supervisor", lambda _: launch.delete(run))
    progress.watch([run])
    assert not run.folder.exists()


def test_first_line_waits_for_nothing_heavy() -> None:
    script = "import app.cli, sys; sys.stdout.write(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert {"torch", "streamlit", "pandas", "duckdb", "numpy"} & set(loaded.split()) == set()
