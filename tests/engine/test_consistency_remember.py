"""What is kept under a key: keys tell contents apart, files appear whole, and the same is computed once."""

import errno
import threading
from pathlib import Path

import numpy as np
import pytest

from engine.consistency import remember
from store.errors import DiskIsFull

VALUES = np.array([0.25, 0.5], np.float32)


def unwanted() -> np.ndarray:
    raise AssertionError("computed what is known")


def test_a_key_tells_contents_apart(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"weights")
    second.write_bytes(b"others!")
    zeros = np.zeros(4, np.uint8)
    parts: list[tuple[str | Path | np.ndarray, ...]] = [
        (zeros,),
        (zeros.reshape(2, 2),),
        (zeros.view(np.int8),),
        (zeros[:0],),
        ("ab", "c"),
        ("a", "bc"),
        (first,),
        (second,),
    ]
    assert len({remember.key(*part) for part in parts}) == len(parts)


def test_a_key_looks_at_what_is_in_a_file_and_not_at_its_name(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"weights")
    second.write_bytes(b"weights")
    assert remember.key(first) == remember.key(second)


def test_a_key_of_an_array_does_not_depend_on_its_memory_layout() -> None:
    grid = np.arange(6).reshape(2, 3)
    assert remember.key(grid) == remember.key(np.asfortranarray(grid))


def test_what_was_computed_is_read_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "values.npz"
    first, first_was_known = remember.array(path, lambda: VALUES, rows=2)
    second, second_was_known = remember.array(path, unwanted, rows=2)
    assert (first_was_known, second_was_known) == (False, True)
    assert first.tobytes() == second.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("kept_bytes", [0, 10, 100, -1])
def test_a_truncated_file_is_computed_anew(tmp_path: Path, kept_bytes: int) -> None:
    path = tmp_path / "values.npz"
    remember.array(path, lambda: VALUES, rows=2)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert remember.array(path, lambda: VALUES, rows=2)[1] is False
    assert remember.array(path, unwanted, rows=2)[1] is True


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "values.npz"
    remember.array(path, lambda: VALUES, rows=2)
    contents = bytearray(path.read_bytes())
    contents[contents.index(VALUES.tobytes())] ^= 1
    path.write_bytes(contents)
    assert remember.array(path, lambda: VALUES, rows=2)[1] is False


def test_a_file_of_another_length_is_computed_anew(tmp_path: Path) -> None:
    path = tmp_path / "values.npz"
    remember.array(path, lambda: VALUES, rows=2)
    assert len(remember.array(path, lambda: np.zeros(3), rows=3)[0]) == 3


def test_what_fails_leaves_neither_a_file_nor_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "values.npz"
    with pytest.raises(AssertionError, match="computed"):
        remember.array(path, unwanted, rows=2)
    assert not path.exists()
    assert remember.array(path, lambda: VALUES, rows=2)[1] is False


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("I/O error: No space left on device (os error 28)"),  # as safetensors says it
    ],
)
def test_a_full_disk_names_the_folder_the_size_and_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def full(path: Path, values: np.ndarray) -> None:
        path.write_bytes(values.tobytes()[:10])
        raise failure

    monkeypatch.setattr(remember, "_save", full)
    with pytest.raises(DiskIsFull) as caught:
        remember.array(tmp_path / "values.npz", lambda: np.zeros(50_000), rows=50_000)
    said = str(caught.value)
    assert said.startswith("the disk is full: values.npz needs 0.4 MB and ")
    assert f"MB are free in {tmp_path}, so nothing of it was written; " in said
    assert said.endswith("set UNDERTOW_CACHE to a folder on another disk, then resume the run")
    assert [path.name for path in tmp_path.iterdir()] == ["values.npz.lock"]


def test_another_failure_of_writing_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(remember, "_save", refuse)
    with pytest.raises(PermissionError):
        remember.array(tmp_path / "values.npz", lambda: VALUES, rows=2)


def test_of_two_that_ask_at_once_one_computes_and_the_other_waits(tmp_path: Path) -> None:
    path = tmp_path / "values.npz"
    computing, other_waits = threading.Event(), threading.Event()
    answers: list[tuple[np.ndarray, bool]] = []

    def compute() -> np.ndarray:
        computing.set()
        assert other_waits.wait(30)
        return VALUES

    first = threading.Thread(target=lambda: answers.append(remember.array(path, compute, rows=2)))
    first.start()
    assert computing.wait(30)
    values, known = remember.array(path, unwanted, rows=2, waiting=other_waits.set)
    first.join(30)
    assert known and values.tobytes() == VALUES.tobytes()
    assert answers[0][1] is False
