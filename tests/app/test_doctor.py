"""What the doctor says of a machine that lacks something."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement

from app import cli, doctor, launch
from app.doctor import Check


class Usage(NamedTuple):
    """As shutil.disk_usage answers."""

    total: int
    used: int
    free: int


def test_package_that_meets_its_requirement_is_ok() -> None:
    assert doctor.package(Requirement("numpy>=1"), "problem", doctor.INSTALL).verdict == "ok"


def test_package_too_old_says_which_one_is_needed() -> None:
    check = doctor.package(Requirement("numpy>=999"), "problem", doctor.INSTALL)
    assert (check.verdict, check.remedy) == (
        "problem",
        "in Undertow's folder: pip install -e ., which brings numpy>=999",
    )


def test_package_missing__found_says_so() -> None:
    check = doctor.package(Requirement("no-such-package>=1"), "warning", "pip install x")
    assert (check.found, check.verdict) == ("missing", "warning")


def test_every_dependency_of_the_project_is_looked_at() -> None:
    names = {check.name for check in doctor.packages()}
    assert {"torch", "duckdb", "streamlit", "transformers"} <= names
    assert "pytest" not in names


@pytest.mark.parametrize(("free_gb", "verdict"), [(0.1, "problem"), (1.0, "warning"), (3.0, "ok")])
def test_disk_verdict_follows_the_free_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_gb: float, verdict: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, int(free_gb * 1e9)))
    check = doctor.disk("disk", tmp_path / "not" / "there", "UNDERTOW_RUNS")
    assert (check.verdict, bool(check.remedy)) == (verdict, verdict != "ok")


def test_writable_folder_is_left_as_it_was(tmp_path: Path) -> None:
    assert doctor.writable("runs", tmp_path / "runs", "--runs").verdict == "ok"
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    check = doctor.writable("runs", tmp_path, "--runs")
    assert check == Check(
        "runs",
        f"{tmp_path}: Permission denied",
        "problem",
        "allow writing there, or choose another folder with --runs",
    )


def test_cpu_flags_are_those_of_the_first_core(tmp_path: Path) -> None:
    listed = tmp_path / "cpuinfo"
    listed.write_text("processor\t: 0\nflags\t\t: fpu avx2\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert doctor.cpu_flags(listed) == {"fpu", "avx2"}


def test_cpu_flags__no_such_list__unknown(tmp_path: Path) -> None:
    assert doctor.cpu_flags(tmp_path / "cpuinfo") is None


def test_engine_is_asked_in_a_process_of_its_own() -> None:
    answer = launch.probe_engine()
    assert set(answer) == {"device", "threads", "cache"}


def test_engine_that_does_not_load__the_last_line_of_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_PROBE", "raise ImportError('libcudart.so.13 is not there')")
    assert launch.probe_engine() == {"error": "ImportError: libcudart.so.13 is not there"}


def test_doctor_command_names_the_problem_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "probe_engine", lambda: {"error": "no torch"})
    monkeypatch.setattr("sys.argv", ["undertow", "doctor", "--runs", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr().out
    assert ended.value.code == 1
    assert "no torch" in shown
    assert "1 with a problem" in shown


def test_doctor_command__all_is_well__exits_with_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        launch, "probe_engine", lambda: {"device": "cpu", "threads": "1", "cache": str(tmp_path)}
    )
    monkeypatch.setattr("sys.argv", ["undertow", "doctor", "--runs", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert "supervisor" in capsys.readouterr().out
