"""The settings of consistency: valid when they exist, and free of what trains."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from engine.consistency import ENCODERS
from engine.consistency.settings import Adapters, ConsistencySettings, NoConsistency, Offline, OpenClip

ANY: TypeAdapter[Offline | OpenClip | NoConsistency] = TypeAdapter(ConsistencySettings)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_is_found_again_by_its_kind(encoder: Any) -> None:
    assert ANY.validate_python(encoder().model_dump()) == encoder()


def test_the_number_of_epochs_is_that_of_the_paper() -> None:
    assert Adapters().epochs == 15


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "offline", "model": "ViT-B-32"},
        {"kind": "clip"},
        {"kind": "open_clip", "pretrained": ""},
        {"kind": "offline", "adapters": {"folds": 1}},
        {"kind": "offline", "adapters": {"epochs": 0}},
        {"kind": "offline", "adapters": {"temperature": 0}},
        {"kind": "offline", "adapters": {"learning_rate": float("nan")}},
        {"kind": "offline", "adapters": {"width": 64}},
    ],
)
def test_settings_that_break_a_rule_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ANY.validate_python(broken)


def test_offering_the_choice_loads_nothing_that_trains() -> None:
    script = (
        "import sys; import engine.consistency.settings; "
        "sys.exit(bool({'torch', 'open_clip', 'timm', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
