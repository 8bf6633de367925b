"""The README tells the truth: its tables follow from the code, its commands exist, its files are there."""

import re
import subprocess
from typing import get_args

import pytest

from app.views import SECTIONS
from engine.config import DATASETS, MODELS, NOISES, OPTIMIZERS, POLICIES, STRATEGIES, TAILS, RunConfig
from store.derived import ALL_TABLES
from tests import readme

TEXT = readme.README.read_text(encoding="utf-8")


def test_the_generated_parts_are_up_to_date():
    assert readme.with_generated_parts(TEXT) == TEXT, "run python tests/readme.py"


def test_every_column_is_named():
    for table, columns in ALL_TABLES.items():
        missing = [column.name for column in columns if f"`{column.name}`" not in TEXT]
        assert not missing, f"{table}: {missing}"


@pytest.mark.parametrize(
    "kind",
    [*STRATEGIES, *POLICIES, *DATASETS, *TAILS, *NOISES, *MODELS, *OPTIMIZERS],
    ids=lambda kind: kind.__name__,
)
def test_every_kind_is_named(kind):
    assert not [name for name in get_args(kind.model_fields["kind"].annotation) if f"`{name}`" not in TEXT]


def test_every_page_is_named():
    for view in (view for views in SECTIONS.values() for view in views):
        assert f"**{view.TITLE}**" in TEXT, view.TITLE


def test_every_command_is_named_and_every_named_command_exists(undertow):
    shown = subprocess.run([undertow, "--help"], capture_output=True, text=True, check=True).stdout
    commands = set(re.findall(r"^│ ([a-z]+)  ", shown, flags=re.MULTILINE))
    assert commands
    assert commands == set(re.findall(r"undertow ([a-z]+)\b", TEXT.replace("undertow is", "")))


def test_every_linked_file_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert not [link for link in links if not (readme.README.parent / link).exists()]


def test_every_setting_that_is_assigned_exists():
    known = set(RunConfig.model_fields)
    assert set(re.findall(r"--set ([a-z_]+)", TEXT)) <= known
