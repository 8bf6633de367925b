"""New run: what the card promises, what the page launches, and what it starts from."""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas import DataFrame
from streamlit.testing.v1 import AppTest

from app import launch
from app.new_run import assignments, estimate, plan
from app.new_run.estimate import Past
from engine import config
from engine.config import RunConfig
from store.run import Run
from tests.pages import texts

JOINT = ("strategy.kind=joint", "policy.kind=sada", "noise.kind=symmetric")


def parsed(*given: str) -> RunConfig:
    return config.parse({}, given)


def past(*given: str, platform_name: str | None = None) -> Past:
    """A finished run here that took 3 s for 100 samples forward and 100 backward: 0.01 s a forward pass."""
    about = {"n": 100, "shape": [1, 16, 16], "cores": os.cpu_count()}
    about["platform"] = platform_name or platform.platform()
    metrics = DataFrame({"seconds": [3.0], "samples_forwarded": [100], "samples_backpropagated": [100]})
    return Past(parsed(*given).model_dump(mode="json"), about, metrics)


# ---- what it will cost


def test_samples_follow_from_share_warm_up_and_refreshes():
    found = estimate.estimate(parsed(*JOINT, "strategy.keep=0.5", "epochs=20"), [])
    assert found is not None
    kept = 1437 + 19 * 718
    assert found.backpropagated == (kept, kept)
    assert found.forwarded == (kept + 4 * 1437, kept + 4 * 1437)  # epochs 0, 5, 10 and 15
    assert found.seconds is None


def test_a_full_tail_and_the_step_probe_cost_what_they_add():
    given = ("strategy.full_tail=0.5", "strategy.warmup_epochs=0", "epochs=4", "density.refresh_every=1000")
    found = estimate.estimate(parsed(*JOINT, *given, "influence.probe=step"), [])
    assert found is not None
    kept = 2 * 718 + 2 * 1437
    assert (found.backpropagated[0], found.forwarded[0]) == (kept, 2 * kept + 1437)


def test_where_chance_decides_the_estimate_is_a_range():
    given = ("strategy.kind=infobatch", "strategy.drop_chance=0.5", "strategy.full_tail=0", "epochs=2")
    found = estimate.estimate(parsed(*given), [])
    assert found is not None
    assert found.backpropagated == (1437 + 718, 2 * 1437)


def test_a_smaller_training_set_is_counted():
    assert estimate.training_samples(parsed("subset.share=0.5", "validation=0.2"), []) == round(1437 * 0.4)
    assert (
        estimate.training_samples(parsed("source.kind=cifar10", "tail.kind=step", "tail.factor=10"), [])
        == 27500
    )
    assert estimate.training_samples(parsed("source.kind=image_folder", "source.root=x"), []) is None
    assert estimate.training_samples(parsed(), [past()]) == 100


def test_a_slow_first_epoch_does_not_rule_the_estimate():
    run = past()
    slow = run.metrics.assign(seconds=100 * run.metrics["seconds"])
    several = replace(run, metrics=pd.concat([slow, run.metrics, run.metrics]))
    one, other = (estimate.estimate(parsed(), [known]) for known in (run, several))
    assert one is not None and other is not None
    assert other.seconds == pytest.approx(one.seconds)


def test_seconds_are_said_only_where_the_same_net_ran_here_on_images_of_this_size():
    short = ("epochs=1", "density.refresh_every=1")
    found = estimate.estimate(parsed(*short), [past()])
    assert found is not None
    assert found.seconds == pytest.approx(0.01 * (200 + 2 * 100))
    cases = (
        (parsed(*short), past("model.kind=air_s")),
        (parsed(*short), past(platform_name="another machine")),
        (parsed(*short, "source.side=32"), past()),
    )
    for asked, unlike in cases:
        estimated = estimate.estimate(asked, [unlike])
        assert estimated is not None
        assert estimated.seconds is None


# ---- what will run


def test_seeds_and_twins_make_one_study():
    queued = plan.runs(parsed(*JOINT, "strategy.keep=0.3", "seed=4"), seeds=2, twin=True)
    assert [(run.seed, run.strategy.kind, run.strategy.keep) for run in queued] == [
        (4, "joint", 0.3),
        (4, "random_subset", 0.3),
        (5, "joint", 0.3),
        (5, "random_subset", 0.3),
    ]
    assert {run.study.replace("\N{NO-BREAK SPACE}", " ") for run in queued} == {"joint 30 % + SADA"}


def test_one_run_is_the_config_itself():
    assert plan.runs(parsed(*JOINT)) == [parsed(*JOINT)]


@pytest.mark.parametrize("kind", ["everything", "infobatch", "random_subset"])
def test_a_strategy_without_a_fixed_share_or_a_random_one_has_no_twin(kind: str):
    assert plan.random_twin(parsed(f"strategy.kind={kind}")) is None


def test_the_sentence_says_what_will_happen():
    said = plan.sentence(parsed(*JOINT, "epochs=2", "subset.share=0.5", "tail.kind=step"))
    assert said.replace("\N{NO-BREAK SPACE}", " ") == (
        "Trains ResNet-8 for 2 epochs on digits, 16 px, step tail, factor 10, 50 % of the data, 10 % flipped."
        " Joint 50 %: keeps the samples that are rare in feature space and agree with their label. "
        "SADA: augments steadily learned samples strongly and unsteady ones mildly."
    )


def test_differences_name_what_was_changed():
    before, after = (parsed(*given).model_dump() for given in (("name=a",), ("epochs=3", "name=b")))
    assert plan.differences(before, after) == [("epochs", "20", "3")]


def test_the_command_line_says_only_what_differs():
    given = parsed(*JOINT, "strategy.keep=0.3", "name=it's me")
    assert assignments.command(RunConfig, given.model_dump(mode="json")) == (
        """undertow train --set 'name=it'"'"'s me' --set noise.kind=symmetric --set strategy.kind=joint """
        "--set strategy.keep=0.3 --set policy.kind=sada"
    )


# ---- the page


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """What the page launches; nothing trains."""
    asked: list[RunConfig] = []

    def submit_all(root: Path, configs: list[RunConfig]) -> list[Run]:
        asked.extend(configs)
        return [Run.create(root, each.model_dump(mode="json")) for each in configs]

    monkeypatch.setattr(launch, "submit_all", submit_all)
    return asked


def key(path: str, clone: str = "") -> str:
    return f"new_run_{clone}_0:{path}"


def drawn(at: AppTest) -> str:
    return texts(at).replace("\N{NO-BREAK SPACE}", " ")


def test_the_page_launches_what_it_says(
    page: Callable[..., AppTest], tmp_path: Path, launched: list[RunConfig]
):
    at = page(tmp_path, "new-run")
    at.selectbox(key=key("strategy")).set_value("joint").run()
    at.selectbox(key=key("policy")).set_value("sada")
    at.number_input(key=key("epochs")).set_value(2)
    at.number_input(key=key("strategy.joint.keep")).set_value(0.25)
    at.checkbox(key="new_run_twin").check()
    at.slider(key="new_run_seeds").set_value(2).run()
    assert "Joint 25 %: keeps" in drawn(at)
    assert "1,796 a run, 62.5 % of full training" in drawn(at)  # 1,437 + 359 of 2,874
    assert "no estimate yet" in drawn(at)
    at.button(key="launch_0").click().run()
    assert at.title[0].value == "Runs"
    assert [run.strategy.kind for run in launched] == ["joint", "random_subset"] * 2
    assert {(run.epochs, run.policy.kind) for run in launched} == {(2, "sada")}


def test_a_second_click_on_the_same_button_launches_nothing(
    page: Callable[..., AppTest], tmp_path: Path, launched: list[RunConfig]
):
    at = page(tmp_path, "new-run")
    at.button(key="launch_0").click().run()
    assert len(launched) == 1
    assert at.session_state["new_run_launches"] == 1


def test_every_refusal_is_said_and_nothing_can_be_launched(page: Callable[..., AppTest], tmp_path: Path):
    at = page(tmp_path, "new-run")
    at.number_input(key=key("density.ef")).set_value(10)
    at.number_input(key=key("epochs")).set_value(0).run()
    assert at.button(key="launch_0").disabled
    said = drawn(at)
    assert said.count("must be at least 1; got 0") == 2  # beside the field, and in the card
    assert said.count("ef must be larger than k = 10") == 2
    assert "Density, candidates, asking" in said
    assert ":red-badge[1 refused]" in "".join(block.label for block in at.expander)


def test_the_page_starts_from_a_run_and_says_what_was_changed(page: Callable[..., AppTest], tmp_path: Path):
    run = Run.create(tmp_path, parsed(*JOINT, "strategy.keep=0.3", "name=first").model_dump(mode="json"))
    at = page(tmp_path, "new-run", clone=run.id)
    assert at.number_input(key=key("strategy.joint.keep", run.id)).value == 0.3
    assert "Nothing yet" in drawn(at)
    at.number_input(key=key("epochs", run.id)).set_value(7).run()
    assert "<dt>epochs</dt><dd><s>20</s> → 7</dd>" in drawn(at)
    assert {name: "".join(value) for name, value in at.query_params.items()}["clone"] == run.id


def test_clone_and_edit_leads_from_a_run_to_the_form(page: Callable[..., AppTest], tmp_path: Path):
    run = Run.create(tmp_path, parsed("epochs=3").model_dump(mode="json"))
    at = page(tmp_path)
    at.button(key=f"clone_{run.id}").click().run()
    assert at.title[0].value == "New run"
    assert at.number_input(key=key("epochs", run.id)).value == 3


def test_a_run_of_another_version_gives_what_is_still_known(page: Callable[..., AppTest], tmp_path: Path):
    old: dict[str, Any] = {**parsed("epochs=3").model_dump(mode="json"), "model": "resnet8", "momentum": 0.9}
    run = Run.create(tmp_path, old)
    at = page(tmp_path, "new-run", clone=run.id)
    assert "model, momentum" in at.warning[0].value
    assert at.number_input(key=key("epochs", run.id)).value == 3
    assert not at.button(key="launch_0").disabled


def test_a_link_to_a_run_that_is_gone_starts_from_the_defaults(page: Callable[..., AppTest], tmp_path: Path):
    at = page(tmp_path, "new-run", clone="20200101-000000-abcdef")
    assert "the form starts from the defaults instead" in at.error[0].value


def test_a_settings_file_is_a_start_or_a_sentence(page: Callable[..., AppTest], tmp_path: Path):
    at = page(tmp_path, "new-run")
    at.file_uploader(key="upload").set_value(("bad.json", b'{"epochs": 0}', "application/json")).run()
    assert at.error[0].value == "bad.json: epochs must be at least 1; got 0"
    good = json.dumps({"epochs": 9, "strategy": {"kind": "joint"}}).encode()
    at.file_uploader(key="upload").set_value(("good.json", good, "application/json")).run()
    assert not at.error
    assert at.number_input(key="new_run__1:epochs").value == 9
    assert at.selectbox(key="new_run__1:strategy").value == "joint"
    assert "good.json" in drawn(at)
    at.button(key="start_over").click().run()
    assert at.number_input(key="new_run__2:epochs").value == 20


def test_a_folder_that_is_not_there_is_refused_beside_its_field(page: Callable[..., AppTest], tmp_path: Path):
    at = page(tmp_path, "new-run")
    at.selectbox(key=key("source")).set_value("image_folder").run()
    folder = at.text_input(key=key("source.image_folder.root"))
    folder.set_value(str(tmp_path / "gone")).run()
    assert f"nothing of the kind is at {tmp_path / 'gone'}" in drawn(at)
    assert at.button(key="launch_0").disabled
    at.text_input(key=key("source.image_folder.root")).set_value(str(tmp_path)).run()
    assert not at.button(key="launch_0").disabled
