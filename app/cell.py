"""The process that answers one query of the console: started bare, killed when its time is over.

It gets the question and nothing else: no variables of this process, among them the token of a remote app.
"""

import os
import subprocess
import sys
from pathlib import Path

# Seconds beyond a query's own, in which the process starts and sends.
GRACE = 5.0

_COMMAND = (sys.executable, "-m", "store.sql.sandbox")
# What Python itself may need to find its libraries.
_NEEDED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
_CODE = Path(__file__).resolve().parent.parent


def answer(question: bytes, seconds: float) -> bytes:
    """Returns what the process says to a question; of one that overran, that it did; empty if it died."""
    needed = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    try:
        ended = subprocess.run(
            _COMMAND,
            cwd=_CODE,
            env=needed,
            input=question,
            capture_output=True,
            timeout=seconds + GRACE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return b'{"kind": "time", "message": ""}\n'
    return ended.stdout if ended.returncode == 0 else b""
