"""The run that a person's own process logs into: made, kept alive and ended without the supervisor.

It is marked as tracked: pressing stop leaves a request and never sends a signal, for the process may be a
notebook.
"""

import atexit
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from engine.density import DensitySettings
from engine.describe import describe_index, detection, machine
from engine.own.samples import OwnSamples
from engine.progress import Progress
from store.folding.beside import Folding
from store.run import Run
from store.status import FOLDING


def described(own: OwnSamples, thumbnails: str | None) -> dict[str, Any]:
    """Returns what is known of the run before it trains; thumbnails: the key of its images."""
    noisy = None if np.isnan(own.true_labels).any() else own.true_labels != own.labels
    return {
        "schema": 1,
        "n": len(own.labels),
        "class_names": list(own.class_names),
        "dataset_key": thumbnails,
        "flipped": None if noisy is None else int(noisy.sum()),
        "encoder": None if np.isnan(own.consistency).all() else "given by the training program",
        "consistency_auroc": None if noisy is None else detection(own.consistency, noisy),
    }


def note_training(run: Run, logits: Tensor, density: DensitySettings | None) -> None:
    """Adds what the first batch shows: device, number format, and with its first features the index.

    density: None where the batch has no features.
    """
    about = run.about()
    if "device" not in about:
        dtype = str(logits.dtype).removeprefix("torch.")
        about |= {"precision": dtype, "precision_reason": "the logits of the first batch"}
        about |= machine(logits.device, Path.cwd())
    if density is not None and "index" not in about:
        about |= describe_index(density, logits.device)
    if about != run.about():
        run.write_about(about)


class OwnRun:
    """A running run and its heartbeat; whoever leaves it open has it ended with the program."""

    def __init__(self, root: Path, config: Mapping[str, Any], *, epochs: int | None) -> None:
        self.epochs = epochs
        self.is_open = True
        self._process = os.getpid()
        self._error_before = getattr(sys, "last_value", None)
        fields = {"state": "running", "pid": self._process, "phase": "starting", "is_tracked": True}
        self.run = Run.create(root, config, **fields, epochs=epochs or 0)
        self._folding = Folding(self.run.folder)
        self._while_open = ExitStack()
        self._while_open.enter_context(self.run.claim())
        self.progress = Progress(self.run.write_status, lambda: False)
        atexit.register(self._end_with_the_program)

    def when_ended(self, callback: Callable[[], object]) -> None:
        """Calls back once the run has ended, however it did."""
        self._while_open.callback(callback)

    def recorded(self, epoch: int) -> None:
        """Says that an epoch is written, so that a long run can be folded while it goes on."""
        self._folding.after_epoch(epoch)

    def end(self, state: str, message: str = "") -> None:
        """Writes how the run ended, done, stopped or failed, and folds it unless it failed.

        Does nothing the second time, or in a forked process. Done is stopped where that was asked.
        """
        if not self.is_open or os.getpid() != self._process:
            return
        self.is_open = False
        atexit.unregister(self._end_with_the_program)
        recorded = self.run.last_epoch() + 1
        if state == "done" and self.run.stop_requested():
            state, message = "stopped", f"stopped after {recorded} whole epochs"
        with self._while_open:
            try:
                self._work_up(is_folded=state != "failed")
            except Exception as error:
                words = f"{recorded} epochs are recorded, but not folded into one database; {error}"
                self._say("failed", words)
                raise
            self.run.clear_stop()
            self._say(state, message)

    def _work_up(self, *, is_folded: bool) -> None:
        """Folds what is recorded, if it is to be, while the heartbeat goes on: that may take minutes."""
        try:
            if is_folded:
                self.progress.note(FOLDING)
                self._folding.finish()
        finally:
            self.progress.end()

    def _say(self, state: str, message: str) -> None:
        last = self.run.last_epoch()
        epochs = last + 1 if state == "done" or not self.epochs else self.epochs
        rest = {"phase": "", "share": None, "step": 0, "steps": 0}
        self.run.write_status(state=state, message=message, epoch=last, epochs=epochs, **rest)

    def _end_with_the_program(self) -> None:
        error = getattr(sys, "last_value", None)  # what ended the program, if an exception did
        if isinstance(error, BaseException) and error is not self._error_before:
            self.end("failed", str(error) or type(error).__name__)
        else:
            self.end("done")
