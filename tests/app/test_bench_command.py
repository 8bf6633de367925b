"""undertow bench: a process of its own measures, and its words and its exit code are the command's."""

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import cli, launch


def test_an_unknown_line_is_refused_with_the_known_ones(undertow: Path):
    done = subprocess.run([undertow, "bench", "speed"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    known = "overhead, selection, augment, density, consistency, store, map, loader, scale, store-1.28M"
    assert done.stderr == f"the name of a line must be one of {known}; got speed\n"


def test_bench_hands_its_words_on_and_ends_as_the_process_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    asked: list[list[str]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "bench", lambda words: asked.append(list(words)) or 1)
    words = ["bench", "augment", "density", "--quick", "--json", "found.json", "--data", "images"]
    assert CliRunner().invoke(cli.commands, words).exit_code == 1
    paths = ["--json", str(tmp_path / "found.json"), "--data", str(tmp_path / "images")]
    assert asked == [["augment", "density", "--quick", *paths]]
    assert CliRunner().invoke(cli.commands, ["bench", "--list"]).exit_code == 1
    assert asked[1:] == [["--list"]]


def test_ctrl_c_waits_until_the_process_has_cleaned_up_after_itself(monkeypatch: pytest.MonkeyPatch):
    waits = iter([KeyboardInterrupt(), KeyboardInterrupt(), 130])

    class Process:
        def __init__(self, *_: object, **__: object) -> None: ...

        def wait(self) -> int:
            found = next(waits)
            if isinstance(found, KeyboardInterrupt):
                raise found
            return found

    monkeypatch.setattr(launch.subprocess, "Popen", Process)
    assert launch.bench(["store-1.28M"]) == 130
