"""undertow study: lists, refuses, trains what is missing through the supervisor, and ends with a verdict.

Its runs are trained by a small script that writes through the store: the subject is not training.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import cli, launch
from app.studies import presets
from app.supervisor import Patience
from engine.config import InvalidConfig
from store.run import find_runs

WORKER = """
import sys
from pathlib import Path
import numpy as np
from store.run import Run
from store.schema import EPOCH_COLUMNS, METRIC_COLUMNS

run = Run.open(Path(sys.argv[1]))
config = run.config()
with run.claim():
    if config["name"] == "exact, seed 9":
        sys.exit(3)
    ids = np.arange(2)
    known = {"sample_id": ids, "label": ids, "true_label": ids, "consistency": np.ones(2)}
    run.write_samples(known, ["a", "b"])
    columns = {column.name: np.full(2, np.nan) for column in EPOCH_COLUMNS if column.name != "epoch"}
    metrics = {column.name: np.nan for column in METRIC_COLUMNS if column.name != "epoch"}
    reached = 0.9 if config["density"]["index"] == "hnsw" else 0.8
    run.write_epoch(
        0, {**columns, "sample_id": ids, "selected": np.ones(2, bool)}, {**metrics, "test_accuracy": reached}
    )
    run.write_status(state="done", epoch=0, epochs=1)
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Runs the command over a folder of its own, whose supervisor is quick and starts the script above."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    ensure = partial(
        launch.ensure_supervisor,
        worker=(sys.executable, str(script)),
        slots=2,
        patience=Patience(poll=0.02, idle=0.2, grace=1.0),
    )
    monkeypatch.setattr(launch, "ensure_supervisor", lambda root, **_: ensure(root))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.commands, ["study", *words, "--runs", str(tmp_path / "runs")])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output.replace("\N{NO-BREAK SPACE}", " ")

    return run


def test_study_trains_every_arm_and_says_what_that_shows(
    study: Callable[..., tuple[int, str]], tmp_path: Path
):
    words = ("hnsw", "--epochs", "2", "--seeds", "1", "--json", str(tmp_path / "found.json"))
    code, said = study(*words)
    assert code == 0
    assert "2 runs, study hnsw-digits-" in said
    assert "Too few seeds to tell (n = 1); queue 2 more seeds of each arm." in said
    found = json.loads((tmp_path / "found.json").read_text())
    assert [(arm["arm"], arm["seeds"]) for arm in found["arms"]] == [("HNSW", [0]), ("exact", [0])]
    assert [arm["mean"] for arm in found["reached"]] == pytest.approx([0.9, 0.8])
    assert found["base"] == {"epochs": "2"}
    again, _ = study(*words)
    assert again == 0
    assert len(find_runs(tmp_path / "runs")) == 2


def test_study_with_a_failed_run_says_which_and_ends_with_1(study: Callable[..., tuple[int, str]]):
    code, said = study("hnsw", "--epochs", "2", "--seeds", "1", "--set", "seed=9")
    assert code == 1
    assert "failed" in said
    assert "1 run ended early; resume them." in said


def test_study_in_the_background_only_queues(
    study: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **__: None)
    code, said = study("keep", "--background", "--data", "fashion_mnist", "--set", "batch_size=128")
    assert code == 0
    assert "undertow app --runs" in said
    configs = [run.config() for run in find_runs(tmp_path / "runs")]
    assert {(one["source"]["kind"], one["batch_size"]) for one in configs} == {("fashion_mnist", 128)}
    assert len(configs) == 21


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("wndow",), "the name of a study must be one of"),
        (("window", "--epochs", "5"), "epochs must be at least 30 here; got 5"),
        (("window", "--data", "imagenet"), "source must have a kind among"),
        (("window", "--data", "missing.json"), "missing.json is not there"),
        (("window", "--set", "source.kind=image_folder", "--set", "source.root=nowhere"), "must be a folder"),
    ],
)
def test_study_refuses_what_it_cannot_do(study: Callable[..., tuple[int, str]], words: tuple, says: str):
    with pytest.raises(InvalidConfig, match=says):
        study(*words)


def test_study_without_a_name_lists_the_presets(undertow: Path):
    done = subprocess.run([undertow, "study"], capture_output=True, text=True, check=True)
    assert [preset.name for preset in presets.PRESETS if preset.name not in done.stdout] == []
    assert done.stderr == ""
