"""Paths in settings: relative ones are the person's, not the worker's, and missing ones are said at once."""

from pathlib import Path

import pytest

from app import launch
from app.new_run import places
from engine.config import parse

FOLDER = {"source": {"kind": "image_folder", "root": "pictures"}}


def test_a_relative_path_is_taken_from_where_the_person_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "ensure_supervisor", lambda *_, **_named: None)
    run = launch.submit(tmp_path / "runs", parse(FOLDER))
    assert run.config()["source"]["root"] == str(tmp_path / "pictures")


def test_what_names_no_file_stays_as_it_is():
    settings = parse({}).model_dump(mode="json")
    assert places.absolute(settings) == settings
    assert places.missing(settings) == {}


def test_a_missing_folder_is_said_at_its_setting_and_an_existing_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (reason,) = places.missing(FOLDER).values()
    assert reason == f"must be a folder; nothing of the kind is at {tmp_path / 'pictures'}"
    (tmp_path / "pictures").mkdir()
    assert places.missing(FOLDER) == {}


@pytest.mark.parametrize("train", ["here.parquet", "*.parquet", "."])
def test_parquet_may_be_a_file_a_pattern_or_a_folder(
    train: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.parquet").touch()
    settings = {"source": {"kind": "image_parquet", "train": train, "test": "gone.parquet"}}
    assert list(places.missing(settings)) == ["source.image_parquet.test"]


def test_a_file_of_labels_must_be_there(tmp_path: Path):
    settings = {"noise": {"kind": "given", "path": str(tmp_path / "labels.csv")}}
    assert list(places.missing(settings)) == ["noise.given.path"]
    (tmp_path / "labels.csv").touch()
    assert places.missing(settings) == {}
