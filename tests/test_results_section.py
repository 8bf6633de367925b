"""The README's results follow from the files of studies, and these from the values of their seeds."""

import copy
import json
import math
import re
import shlex
from itertools import pairwise
from statistics import mean, stdev
from typing import Any

import pytest

from app.studies import presets, results_file
from app.studies.verdicts import SEEDS_FOR_A_VERDICT
from engine.config import RunConfig, parse
from tests import results, results_picture

TEXT = results.README.read_text(encoding="utf-8")
FILES = sorted(results.STUDIES.glob("*.json"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)

# Joint selection loses 10 points against full data at every seed and is a wash against a random share.
JOINT, RANDOM, FULL = [0.60, 0.62, 0.61], [0.61, 0.615, 0.599], [0.70, 0.721, 0.712]


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def arm(label: str, reached: list[float], samples: int) -> dict[str, Any]:
    seconds = {name: [30.0, 31.0, 35.0] for name in ("seconds", "seconds_training", "seconds_consistency")}
    values = {"test_accuracy": reached, "backpropagated": [samples] * 3, "kept_noise": [0.1, None, 0.2]}
    return {"arm": label, "changes": [], "seeds": [0, 1, 2], "values": values, **seconds}


def asked_by(command: str) -> RunConfig:
    """What the arms of a study change, from its command, as the command itself reads it."""
    words = shlex.split(command)
    settings = {"source": {"kind": words[words.index("--data") + 1]}}
    changes = [value for word, value in pairwise(words) if word == "--set"]
    return parse(settings, [*changes, f"epochs={words[words.index('--epochs') + 1]}"])


@pytest.fixture
def content() -> dict[str, Any]:
    """A results file of one study with three arms, as the command writes it."""
    preset = presets.preset("noisy-labels")
    asked = {name: getattr(preset, name) for name in ("question", "citation", "note", "measure")}
    machine = {"processor": "Some CPU", "cores": 2, "threads": 1, "torch": "2.14.1", "precision": "float32"}
    made: dict[str, Any] = {
        "format": results_file.FORMAT, "study": "noisy-labels-0", "preset": preset.name, **asked,
        "base": {"source.kind": "cifar10", "noise.kind": "symmetric", "noise.share": "0.4"},
        "defaults": list(preset.defaults), "fixed": list(preset.fixed), "date": "2026-11-22",
        "samples": [10_000], "test_samples": [2_000], "machines": [machine],
        "commits": [{"commit": "0123456789ab", "changed": False}],
        "arms": [
            arm("joint", JOINT, 60_000), arm("random (RS2)", RANDOM, 60_000), arm("full data", FULL, 120_000),
        ],
        "comparisons": [{"arm": "joint", "reference": other} for other in ("random (RS2)", "full data")],
    }  # fmt: skip
    return json.loads(json.dumps(made | results_file.summary(results_file.outcome(made))))


def test_an_arm_that_was_trained_under_another_default_says_so(content):
    assert "Trained before" not in results.section([content])
    content["arms"][0]["changes"] = ["strategy.kind=joint", "strategy.draw=gumbel"]
    said = "Trained before a default was changed: joint with strategy.draw=gumbel.\n"
    assert said in results.section([content])


def test_the_section_is_what_the_files_say():
    assert results.with_section(TEXT, results.section(results.contents())) == TEXT, (
        "run python tests/results.py"
    )


@every_file
def test_a_file_states_what_its_values_by_seed_say_and_nothing_else(path):
    written = results.checked(json.loads(path.read_text(encoding="utf-8")))
    preset = presets.preset(written["preset"])
    pairs = [(one["arm"], one["reference"] or "") for one in written["comparisons"]]
    assert pairs == list(preset.comparisons())
    assert [one["arm"] for one in written["arms"]] == [one.label for one in preset.arms]
    assert min(len(one["seeds"]) for one in written["arms"]) >= SEEDS_FOR_A_VERDICT
    assert written["base_key"] == results_file.base_key(written["base"])
    assert written["machines"] and written["commits"]


@every_file
def test_a_file_is_small_and_names_no_folder_of_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 20_000
    assert not re.findall(r'"[^"]*(?:^|["=: ])(?:/|~/)[^"]*"', text)


def test_every_cell_is_computed_from_the_values_by_seed(content: dict[str, Any]):
    rows = [
        [plain(cell.strip()) for cell in line.split("|")[1:-1]]
        for line in results.table(content).splitlines()
    ]
    heads, joint, full = rows[0], rows[2], rows[4]
    assert heads[:3] == ["arm", "n", "Test accuracy"]
    assert joint[:3] == ["joint", "3", f"{100 * mean(JOINT):.1f} ± {100 * stdev(JOINT):.1f} %"]
    assert joint[3] == f"15.0 ± {100 * stdev([0.1, 0.2]):.1f} % (n = 2)"  # the second seed recorded none
    assert joint[4:6] == ["60,000", f"{mean([30, 31, 35]):.0f} ({mean([30, 31, 35]):.0f})"]
    apart = [one - other for one, other in zip(JOINT, FULL, strict=True)]
    half = 4.303 * stdev(apart) / math.sqrt(3)
    low, high = (f"−{abs(100 * (mean(apart) + sign * half)):.1f} pts" for sign in (-1, 1))
    assert full[6].startswith(
        f"joint against this: −{100 * abs(mean(apart)):.1f} pts ({low} to {high}, n = 3, p = "
    )
    assert [rows[3][7], full[7]] == ["cannot be told apart", "joint is worse than this"]


def test_what_is_absent_and_what_is_lost_is_said_plainly(content: dict[str, Any]):
    section = plain(results.section([content]))
    assert "**Reversed or lost:** joint is worse than full data." in section
    assert "joint cannot be told apart from random (RS2) (+0.2 pts)" in section
    content["comparisons"] = content["comparisons"][:1]
    content |= results_file.summary(results_file.outcome(content))
    assert "**No effect was found:** none of these can be told apart." in results.section([content])


@pytest.mark.parametrize("place", range(3))
def test_one_value_of_one_seed_that_was_changed_is_refused(content: dict[str, Any], place: int):
    results.checked(content)
    changed = copy.deepcopy(content)
    changed["arms"][place]["values"]["test_accuracy"][1] += 0.001
    assert results.table(changed) != results.table(content)
    with pytest.raises(ValueError, match="must follow from its values by seed"):
        results.checked(changed)


def test_arms_of_equal_cost_do_not_hide_each_other_in_the_picture(content: dict[str, Any]):
    frame = results_picture.points(content)
    assert frame["y"].tolist() == pytest.approx([mean(JOINT), mean(RANDOM), mean(FULL)])
    assert (frame["y_high"] - frame["y"]).tolist() == pytest.approx(
        [4.303 * stdev(reached) / math.sqrt(3) for reached in (JOINT, RANDOM, FULL)]
    )
    assert frame["front"].tolist() == [True, False, True]
    step = results_picture.ASIDE * 120_000
    moved = results_picture.side_by_side(frame["x"].to_numpy(float))
    assert moved.tolist() == [60_000 - step / 2, 60_000 + step / 2, 120_000]


def test_the_command_asks_the_same_again(content: dict[str, Any]):
    assert results.command(content) == (
        "undertow study noisy-labels --data cifar10 --epochs 20 --seeds 3 --set noise.kind=symmetric "
        "--set noise.share=0.4"
    )
    assert results_file.settings(asked_by(results.command(content))) == content["base"]


@every_file
def test_the_command_of_a_file_asks_what_its_base_says(path):
    written = json.loads(path.read_text(encoding="utf-8"))
    assert results_file.settings(asked_by(results.command(written))) == written["base"]


def test_each_study_says_on_what_it_was_asked(content: dict[str, Any]):
    assert plain(results.asked_on(content)) == "cifar10, 10,000 samples, resnet8, 20 epochs, noise.share=0.4"
    content["base"] = {"source.kind": "cifar10"}
    assert plain(results.asked_on(content)).endswith("noise.share=0.2")
    content["base"] |= {"influence.window": "5"}
    assert plain(results.asked_on(content)).endswith("noise.share=0.2"), "none of the arms goes by it"
    content["fixed"].append("policy.kind=sada")
    assert plain(results.asked_on(content)).endswith("noise.share=0.2, influence.window=5")
    content["arms"][0]["changes"].append("influence.window=2")
    own = "noise.share=0.2, joint with influence.window=2"
    assert plain(results.asked_on(content)).endswith(own), "an arm has its own"
