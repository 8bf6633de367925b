"""What a run works with and never changes while it trains."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from numpy import ndarray

from engine.batches import Images
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.distributed import ALONE, World
from engine.precision import Precision
from engine.progress import Progress
from store.folding.beside import Folding


class Recorder(Protocol):
    """Where epochs, maps and checkpoints go: a run of the store."""

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        ...

    def write_epoch(self, epoch: int, columns: dict[str, ndarray], metrics: dict[str, float]) -> object:
        """Commits one epoch."""
        ...

    def write_map(self, epoch: int, *, sample_ids: ndarray, positions: ndarray, neighbours: ndarray) -> None:
        """Writes the map of an epoch."""
        ...


@dataclass(frozen=True)
class Task:
    """Settings, data and machine of a run, and where its results go."""

    config: RunConfig
    dataset: Dataset
    images: Images
    device: torch.device
    precision: Precision
    recorder: Recorder
    progress: Progress
    world: World = ALONE
    folding: Folding | None = None  # None = nothing is folded while the run trains
