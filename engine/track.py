"""Tracker: a person's own training loop logged as a run that every page of the app shows.

The loop, the model and the data stay the person's. What the tracker is told of each batch goes through the
same arithmetic as in the engine's own loop, so that a column means the same in both.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn

from engine import recorder
from engine.config import AnyPolicy, AnyStrategy, check_rarity
from engine.density import DensitySettings
from engine.influence import InfluenceSettings
from engine.maps import MapSettings
from engine.observed import Observations
from engine.own.epoch import UNKNOWN, Found, Learner, completed, finished
from engine.own.pictures import pictures, write_pictures
from engine.own.run import OwnRun, described, note_training
from engine.own.samples import Numbered, own_samples
from engine.own.visits import Visits
from engine.recorder import Epoch
from engine.selection import Selection
from engine.stopwatch import Stopwatch
from store.run import Run

__all__ = ["Numbered", "Tracker"]


@dataclass(eq=False)
class Tracker:
    """Logs a person's own training as a run in the folder root, from its making to its close.

    Made before the first epoch; add after each batch, end_epoch after each pass. The run is done after the
    last of its epochs, else by close, at the end of a with block, or when the program ends; what an exception
    ends has failed. A sample's id is its row in labels. Raises ValueError naming what does not fit.
    """

    root: str | Path  # the folder of all runs
    _: KW_ONLY
    labels: Any  # (N,) whole numbers from 0, what is trained on
    images: Any = None  # shown as thumbnails, see engine/own/pictures.py; None: pages show numbers only
    class_names: Sequence[str] | None = None
    true_labels: Any = None  # (N,), below 0 or NaN where nobody knows
    consistency: Any = None  # (N,) agreement of image and label, 0 to 1, NaN unknown
    features_of: nn.Module | None = None  # whose outputs are the features, see watch
    name: str = ""
    study: str = ""
    seed: int = 0  # of the policy's and the strategy's draws; runs of a study are paired by it
    epochs: int | None = None  # planned; None: as many as come before the close
    hyperparameters: Mapping[str, object] = field(default_factory=dict)  # shown with the run
    policy: AnyPolicy | None = None  # chooses strengths
    strategy: AnyStrategy | None = None  # chooses selection
    influence: InfluenceSettings = field(default_factory=InfluenceSettings)
    density: DensitySettings = field(default_factory=DensitySettings)
    maps: MapSettings = field(default_factory=MapSettings)

    def __post_init__(self) -> None:
        if self.influence.probe != "visit":
            raise ValueError(f"influence.probe of a tracker must be visit; got {self.influence.probe}")
        if self.strategy is not None and self.epochs is None:
            raise ValueError("a tracker with a strategy must know its epochs; give epochs=")
        check_rarity(self.strategy, self.density)
        self._own = own_samples(self.labels, self.class_names, self.true_labels, self.consistency)
        shown = None if self.images is None else pictures(self.images, len(self._own.labels))
        self._learner = Learner(self._own, influence=self.influence, density=self.density, maps=self.maps)
        self._labels = torch.from_numpy(self._own.labels)
        self._epoch, self._steps, self._steps_before, self._seconds_record = 0, 0, 0, UNKNOWN
        self._visits: Visits | None = None
        self._caught: Tensor | None = None
        self._choose()
        self._begun = OwnRun(Path(self.root), self._config(), epochs=self.epochs)
        self.run.write_samples(self._own.columns(), self._own.class_names)
        key = None if shown is None else write_pictures(self.run, shown)
        self.run.write_about(described(self._own, key))
        if self.features_of is not None:
            self.watch(self.features_of)
        self._watch = Stopwatch()

    @property
    def run(self) -> Run:
        """The run in the store."""
        return self._begun.run

    @property
    def should_stop(self) -> bool:
        """Whether somebody asked the run to stop, in the app; when to break off is the loop's."""
        return self.run.stop_requested()

    @property
    def strengths(self) -> ndarray:
        """(N,) float32: what the policy chose for the epoch in work. Raises ValueError without a policy."""
        if self._strengths is None:
            raise ValueError("a tracker without a policy has no strengths; give one, such as policy=Sada()")
        return self._strengths

    @property
    def selection(self) -> Selection:
        """What the strategy chose for the epoch in work. Raises ValueError without a strategy."""
        if self._selection is None:
            raise ValueError("a tracker without a strategy has no selection; give one: strategy=Joint()")
        return self._selection

    def watch(self, module: nn.Module) -> None:
        """Takes what this part of the net puts out, (B, D, …), as the features of the batch added next.

        Dimensions after the second are averaged.
        """

        def catch(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            self._caught = output.detach()

        self._begun.when_ended(module.register_forward_hook(catch).remove)

    def add(
        self,
        ids: Any,
        logits: Tensor,
        features: Tensor | None = None,
        losses: Tensor | None = None,
        **used: Any,
    ) -> None:
        """Notes one batch that the loop trains on; of a sample that comes twice in an epoch, the last counts.

        ids (B,), logits (B, K), features (B, D); losses (B,) in nats, by default plain cross-entropy with the
        labels; used: strengths (B,) 0 to 1 and weights (B,), by default those that policy and strategy chose.
        Tensors may be on any device; none is changed or waited for. Raises ValueError for what does not fit.
        """
        self._check_open()
        caught, self._caught = self._caught, None
        if features is None and caught is not None:
            features = caught if caught.ndim < 3 else caught.flatten(2).mean(2)
        if self._visits is None:
            self._visits = self._no_visits(logits, width=0 if features is None else features.shape[-1])
        self._visits.add(ids, logits, features=features, losses=losses, used=used)
        self._steps += 1
        expected = self._steps_before or -(-len(self._labels) // len(ids))
        self._begun.progress.step(self._epoch, min(self._steps, expected), expected)

    def end_epoch(
        self,
        test_accuracy: float | Tensor | None = None,
        *,
        test_loss: float | Tensor | None = None,
        learning_rate: float | None = None,
    ) -> None:
        """Computes what the epoch taught of every sample and writes it; pages show it from then on.

        A sample that was not added has no measured values in this epoch and counts as not kept.
        """
        self._check_open()
        visits = self._visits
        if visits is None:
            raise ValueError(f"epoch {self._epoch} must have a batch; call add before end_epoch")
        # The loop's whole time since the last epoch, since nobody says which part of it was training.
        self._watch.seconds["train"] = self._watch.total
        done = self._done(*visits.collect())
        given = {"test_accuracy": test_accuracy, "test_loss": test_loss, "learning_rate": learning_rate}
        measured = {name: float(value) for name, value in given.items() if value is not None}
        passes = {"samples_forwarded": visits.rows, "samples_backpropagated": visits.rows}
        self._write(done, {**measured, **passes})
        self._epoch, self._visits = self._epoch + 1, None
        self._steps, self._steps_before = 0, self._steps
        self._choose()
        self._watch = Stopwatch()
        if self._epoch == self.epochs:
            self.close()

    def close(self) -> None:
        """Says that the training is over and folds the run into one database; then does nothing more."""
        self._begun.end("done")

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif isinstance(error, KeyboardInterrupt):
            self._begun.end("stopped", f"interrupted after {self._epoch} whole epochs")
        else:
            self._begun.end("failed", str(error) or type(error).__name__)

    def _config(self) -> dict[str, Any]:
        names = ("name", "study", "seed", "epochs", "hyperparameters")
        parts = ("policy", "strategy", "influence", "density", "maps")
        config = {"tracked": True, "source": {"kind": "own_data"}}
        config |= {name: getattr(self, name) for name in names}
        config |= {name: part.model_dump() for name in parts if (part := getattr(self, name)) is not None}
        own: dict[str, Any] = json.loads(json.dumps(config, default=str))
        return own

    def _check_open(self) -> None:
        if not self._begun.is_open:
            raise ValueError(f"run {self.run.id} is closed; make a new tracker to log more")

    def _choose(self) -> None:
        """Asks strategy and policy about the epoch that begins, in the engine's order of draws."""
        rng, known = np.random.default_rng((self.seed, self._epoch)), self._learner.known
        self._selection = self._strengths = None
        if self.strategy is not None and self._epoch < (self.epochs or 0):
            self._selection = self.strategy.select(known, self._epoch, epochs=self.epochs or 0, rng=rng)
        if self.policy is not None:
            self._strengths = self.policy.strength(known, self._epoch, rng=rng)

    def _no_visits(self, logits: Tensor, *, width: int) -> Visits:
        """Returns the empty buffers of an epoch, once its first batch shows where and how it trains."""
        device = logits.device
        self._labels = self._labels.to(device)
        note_training(self.run, logits, self.density if width else None)
        before = self._learner.known.features.shape[1]
        if before and width != before:
            raise ValueError(f"features must be {before} wide, as in the epochs before; got {width}")
        classes = len(self._own.class_names)
        return Visits(self._labels, classes=classes, width=width, settings=self.influence)

    def _done(self, seen: Observations, used: Mapping[str, ndarray]) -> Epoch:
        """Learns from the epoch and returns all that is recorded of it."""
        progress, watch, learner = self._begun.progress, self._watch, self._learner
        learner.learn(seen, self._epoch)
        progress.phase("finding neighbours")
        with watch("neighbours"):
            neighbours = learner.locate(self.strategy, device=str(self._labels.device))
        progress.phase("drawing the map")
        with watch("map"):
            drawn = learner.draw_map(self._epoch, neighbours, is_last=self._epoch + 1 == self.epochs)
        chosen = completed(used, seen.ids, strengths=self._strengths, selection=self._selection)
        found = Found(seen, learner.known, neighbours, drawn)
        return finished(self._epoch, found, chosen, watch)

    def _write(self, done: Epoch, measured: dict[str, float]) -> None:
        watch = Stopwatch()
        metrics = recorder.metrics(done, seconds_record=self._seconds_record)
        recorder.record(done, self.run, metrics | measured)
        self._begun.recorded(done.epoch)
        self._seconds_record = watch.total
