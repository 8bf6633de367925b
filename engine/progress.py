"""What the run is doing right now, said once a second by a thread that never stops the training.

Progress goes to a small file that is replaced whole, so that showing it touches no database.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

Report = Callable[[str, float], None]  # the phase, such as "loading images", and the share done, 0 to 1

HEARTBEAT_SECONDS = 1.0

log = logging.getLogger(__name__)


def silent(phase: str, share: float) -> None:
    """A Report to nobody."""


class Stopped(Exception):
    """Somebody asked the run to stop; what is on disk is that of the last whole epoch."""


class Progress:
    """Holds the current phase and step, writes them every second, and raises Stopped when asked to stop.

    Within the steps of an epoch the heartbeat is that of the last step, so that a loop which hangs is seen
    to; elsewhere it is the thread's own, for some phases have nothing to tell for minutes.

    agree: for several processes that train one net, whether any of them was asked to; they can only stop
    together, which is at a step.
    """

    def __init__(
        self,
        write: Callable[..., Any],
        should_stop: Callable[[], bool],
        *,
        agree: Callable[[bool], bool] | None = None,
    ) -> None:
        self._write, self._should_stop, self._agree = write, should_stop, agree
        self._fields: dict[str, Any] = {}
        self._moved: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def phase(self, phase: str, share: float = 0.0) -> None:
        """Notes a phase such as "measuring consistency" and how much of it is done, 0 to 1."""
        self._fields, self._moved = {"phase": phase, "share": share}, {}
        if self._agree is None and self._should_stop():
            raise Stopped

    def note(self, phase: str) -> None:
        """Notes a phase that nobody can stop any more."""
        self._fields, self._moved = {"phase": phase, "share": None}, {}

    def step(self, epoch: int, step: int, steps: int) -> None:
        """Notes that so many steps of an epoch are done."""
        self._fields = {
            "phase": "training",
            "epoch": epoch,
            "step": step,
            "steps": steps,
            "share": step / steps,
        }
        # The first step may compile, and after the last one the epoch is worked up.
        self._moved = {"heartbeat": time.time()} if 0 < step < steps - 1 else {}
        if self._should_stop() if self._agree is None else self._agree(self._should_stop()):
            raise Stopped

    def end(self) -> None:
        """Ends the thread; what is written after this is not overwritten by it."""
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            try:
                self._write(**self._fields, **self._moved)
            except OSError as error:  # a full disk ends the run when an epoch is written, with a sentence
                log.warning("could not say what the run is doing; %s", error)
