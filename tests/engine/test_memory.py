"""Memory that is freed is asked for again without a new page from the system."""

import json
import subprocess
import sys

import pytest

from engine import memory

BLOCKS = """
import json, resource, sys
from engine import memory
is_kept = sys.argv[1] == "kept" and memory.keep_freed()
for _ in range(20):
    b"x" * (40 << 20)
print(json.dumps([is_kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt]))
"""


def page_faults(how: str) -> tuple[bool, int]:
    command = [sys.executable, "-c", BLOCKS, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    is_kept, count = json.loads(done.stdout)
    return is_kept, count


def test_freed_blocks_are_used_again_without_new_pages() -> None:
    is_kept, kept = page_faults("kept")
    if not is_kept:
        pytest.skip("needs glibc's allocator")
    assert page_faults("given back")[1] - kept > 10 * (40 << 20) // 4096


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    assert not memory.keep_freed()
