"""Stop and resume: what a run needs to go on as if it had never stopped.

All randomness of an epoch follows from the run's seed and the epoch's number, so weights, optimizer and
signals are the whole state. A checkpoint appears whole, and the last two are kept.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from engine.averaged import Averaged
from engine.density import Neighbours
from engine.models.classifier import Classifier
from engine.signals import Signals
from store import files

KEPT = 2


@dataclass
class State:
    """Where a run stands between two epochs."""

    model: Classifier
    optimizer: torch.optim.Optimizer
    signals: Signals
    averaged: Averaged | None = None  # its weights are tested in place of those in training
    epoch: int = 0  # the next one to train
    map_positions: ndarray | None = None  # (M, 2) the last map, from which the next one starts
    precision: tuple[str, ...] = ()  # fields of Precision, so that a resumed run computes as before
    # Not kept in a checkpoint:
    located: tuple[ndarray, Neighbours] | None = None  # features, and the neighbours found among them
    seconds_record: float = float("nan")  # what writing the last epoch took


def save(state: State, folder: Path) -> None:
    """Writes the state as one file named after the next epoch, drops all but the last two; or DiskIsFull."""
    content = io.BytesIO()
    torch.save(_contents(state), content)
    files.write_whole(folder / f"epoch-{state.epoch:05d}.pt", [content.getbuffer()])
    for old in _checkpoints(folder)[:-KEPT]:
        old.unlink()


def restore(state: State, folder: Path, *, recorded: int) -> bool:
    """Puts the newest readable checkpoint into the state; False where there is none.

    recorded: how many epochs the run has on record. What is ahead of them is removed: a run that went on from
    there would miss epochs.
    """
    for path in reversed(_checkpoints(folder)):
        if _next_epoch(path) > recorded:
            path.unlink()
            continue
        try:
            contents = torch.load(path, weights_only=True)
        except (RuntimeError, EOFError, OSError, ValueError):
            continue  # a torn file: the one before it is whole
        _put_in(state, contents)
        return True
    return False


def _contents(state: State) -> dict[str, Any]:
    arrays = {
        name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in state.signals.arrays().items()
    }
    return {
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "averaged": None if state.averaged is None else state.averaged.state_dict(),
        "signals": arrays,
        "epoch": state.epoch,
        "map_positions": None if state.map_positions is None else torch.from_numpy(state.map_positions),
        "precision": state.precision,
    }


def _put_in(state: State, contents: dict[str, Any]) -> None:
    state.model.load_state_dict(contents["model"])
    state.optimizer.load_state_dict(contents["optimizer"])
    if state.averaged is not None:
        state.averaged.load_state_dict(contents["averaged"])
    state.signals = Signals(**{name: tensor.numpy() for name, tensor in contents["signals"].items()})
    positions = contents["map_positions"]
    state.epoch = contents["epoch"]
    state.map_positions = None if positions is None else positions.numpy()
    state.precision = contents["precision"]


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("epoch-*.pt"))


def _next_epoch(path: Path) -> int:
    return int(path.stem.removeprefix("epoch-"))
