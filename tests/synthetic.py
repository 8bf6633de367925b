"""Realistic runs without training: planted wrong labels, learning curves, maps and thumbnails.

The selection, the window and the strengths are the engine's own, fed with invented losses, so that the
numbers of a synthetic run hang together as those of a real one do; nothing here needs torch.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy import ndarray
from scipy.spatial import cKDTree

from engine import config, scaling, signals
from engine.config import RunConfig
from engine.selection import Selection
from engine.signals import Signals
from store.run import Run
from store.schema import METRIC_COLUMNS
from tests.invented import CLASSES, SIDE, World, draw_digits, make_world

NEIGHBOURS = 10
JOINT = ("strategy.kind=joint", "policy.kind=sada", "noise.kind=symmetric")
RANDOM_HALF = ("strategy.kind=random_subset", "policy.kind=random_strength", "noise.kind=symmetric")


def make_run(
    root: Path,
    *,
    samples: int = 60,
    epochs: int = 20,
    settings: Sequence[str] = JOINT,
    state: str = "done",
) -> Run:
    """Creates a run with so many recorded epochs, in any state that can be written.

    settings: assignments such as "strategy.keep=0.3"; without noise.kind the true labels are unknown. A run
    that is not done was meant to be twice as long. "queued" records nothing, and neither does epochs=0
    beyond its samples.
    """
    planned = epochs if state == "done" else max(2 * epochs, 2)
    settled = config.parse({}, [f"epochs={max(planned, 1)}", "maps.samples=1000", *settings])
    run = Run.create(root, settled.model_dump(mode="json"))
    if state == "queued":
        return run
    world = make_world(samples, noise=getattr(settled.noise, "share", 0.0))
    _write_fixed(run, world, settled)
    _write_epochs(run, world, settled, epochs)
    _write_state(run, state, epochs=epochs, planned=planned)
    return run


def make_damaged_run(root: Path) -> Run:
    """Creates a stopped run of three epochs that has lost the part of the middle one."""
    run = make_run(root, samples=20, epochs=3, state="stopped")
    (run.folder / "parts" / "epoch-00001.parquet").unlink()
    return run


def make_study(
    root: Path, *, samples: int = 60, epochs: int = 6, seeds: int = 3, name: str = "demo"
) -> list[Run]:
    """Creates a finished study: joint selection with SADA against a random half, with so many seeds each."""
    return [
        make_run(root, samples=samples, epochs=epochs, settings=(*method, f"study={name}", f"seed={seed}"))
        for method in (JOINT, RANDOM_HALF)
        for seed in range(seeds)
    ]


def _write_fixed(run: Run, world: World, settled: RunConfig) -> None:
    count = len(world.labels)
    is_noise_known = settled.noise.kind != "none"
    key = f"synthetic-{count}-{int(100 * world.flipped.mean())}"
    true_labels = world.true_labels if is_noise_known else np.full(count, -1)
    columns = {
        "sample_id": np.arange(count),
        "label": world.labels,
        "true_label": true_labels,
        "consistency": world.consistency,
    }
    run.write_samples(columns, CLASSES)
    run.write_thumbnails(key, draw_digits(world.true_labels))
    run.write_about(
        {
            "schema": 1, "n": count, "class_names": list(CLASSES), "dataset_key": key,
            "shape": [1, SIDE, SIDE], "encoder": "offline (EfficientNet-Lite0 and MiniLM)",
            "encoder_cached": True, "precision": "bfloat16",
            "precision_reason": "1.9 times as fast as float32 in a probe at the start",
            "versions": {"python": "3.11.7", "torch": "2.14.1", "undertow": "0.1.0"}, "git": None,
            "cpu": ["synthetic"], "threads": 1, "device": "cpu",
            "flipped": int(world.flipped.sum()) if is_noise_known else None,
            "consistency_auroc": 0.91 if is_noise_known else None, "notes": [],
        }
    )  # fmt: skip


def _write_epochs(run: Run, world: World, settled: RunConfig, epochs: int) -> None:
    rng = np.random.default_rng(settled.seed)
    count = len(world.labels)
    known = signals.unknown(world.consistency, width=2, classes=len(CLASSES), settings=settled.influence)
    practice = np.zeros(count)  # how often each sample was trained on
    for epoch in range(epochs):
        selection = settled.strategy.select(known, epoch, epochs=settled.epochs, rng=rng)
        strength = settled.policy.strength(known, epoch, rng=rng)
        practice[selection.ids] += 1
        margins = _margins(world, practice, epoch, rng)
        known, positions = _learned(known, selection, margins, world=world, settled=settled, epoch=epoch)
        probed = epoch % settled.density.refresh_every == 0
        columns = _columns(known, selection, margins, world=world, strength=strength, probed=probed, rng=rng)
        run.write_epoch(epoch, columns, _metrics(columns, epoch, settled))
        if settled.maps.every and epoch % settled.maps.every == 0:
            run.write_map(
                epoch, sample_ids=np.arange(count), positions=positions, neighbours=_nearest(positions)[1]
            )


def _margins(world: World, practice: ndarray, epoch: int, rng: np.random.Generator) -> ndarray:
    """Easy labels are learned at once, wrong ones are only memorised after many visits."""
    gain = np.log1p(practice + 0.5 * epoch)
    learned = (7 - 6 * world.difficulty) * gain / 2 - 1
    memorised = -3 + 1.1 * gain
    return np.where(world.flipped, memorised, learned) + rng.normal(0, 0.5 + world.difficulty)


def _learned(
    known: Signals, selection: Selection, margins: ndarray, *, world: World, settled: RunConfig, epoch: int
) -> tuple[Signals, ndarray]:
    ids = selection.ids
    confidence = (1 / (1 + np.exp(-margins))).astype(np.float32)
    losses = -np.log(np.maximum(confidence, 1e-6))
    changes = np.abs(losses - known.loss)[ids]
    known = signals.influenced(known, ids, changes, settings=settled.influence)
    known = signals.visited(known, ids, losses=losses[ids], entropies=1 - confidence[ids])
    angle = world.true_labels * 2 * np.pi / len(CLASSES)
    spread = 0.5 / (1 + 0.15 * epoch)
    positions = 4 * np.stack([np.cos(angle), np.sin(angle)], 1) + spread * world.place
    distance = _nearest(positions)[0].mean(1).astype(np.float32)
    rarity = scaling.scaled(distance, "percentile")
    score = settled.strategy.score(rarity, world.consistency)
    return replace(known, neighbour_distance=distance, rarity=rarity, score=score), positions.astype(
        np.float32
    )


def _nearest(positions: ndarray) -> tuple[ndarray, ndarray]:
    """(N, K) distances to the nearest others, ascending, and the ids they belong to; K at most NEIGHBOURS."""
    count = len(positions)
    nearest = min(NEIGHBOURS, count - 1)
    distances, ids = cKDTree(positions).query(positions, k=range(1, nearest + 2))
    others = ids != np.arange(count)[:, None]
    others[others.all(axis=1), -1] = False  # it has as many twins: one of them makes room
    return distances[others].reshape(count, nearest), ids[others].reshape(count, nearest)


def _columns(
    known: Signals,
    selection: Selection,
    margins: ndarray,
    *,
    world: World,
    strength: ndarray,
    probed: bool,
    rng: np.random.Generator,
) -> dict[str, ndarray]:
    count = len(margins)
    kept = np.zeros(count, bool)
    kept[selection.ids] = True

    def where_kept(values: ndarray) -> ndarray:
        return np.where(kept, values, np.nan)

    confusion = np.where(world.flipped, world.true_labels, (world.labels + 5) % len(CLASSES))
    return {
        "sample_id": np.arange(count),
        "selected": kept,
        "strength": strength,
        "weight": where_kept(np.ones(count)),
        "operation": where_kept(rng.integers(0, 14, count)),
        "loss": where_kept(known.loss),
        "confidence": where_kept(1 / (1 + np.exp(-margins))),
        "margin": where_kept(margins),
        "prediction": where_kept(np.where(margins > 0, world.labels, confusion)),
        "correct": where_kept(margins > 0),
        "clean_loss": np.where(probed, np.log1p(np.exp(-margins - 1)), np.nan),
        "clean_correct": np.where(probed, margins > -1, np.nan),
        "influence": where_kept(known.influence),
        "variance": known.variance,
        "neighbour_distance": known.neighbour_distance,
        "density": known.density,
        "rarity": known.rarity,
        "score": known.score,
        "feature_age": np.zeros(count),
        "feature_clean": np.full(count, probed),
    }


def _metrics(columns: dict[str, ndarray], epoch: int, settled: RunConfig) -> dict[str, float]:
    kept = int(columns["selected"].sum())
    rng = np.random.default_rng(1000 * settled.seed + epoch)
    gain = 0.02 if settled.strategy.kind == "joint" else 0.0
    accuracy = 0.95 + gain - 0.75 * np.exp(-(epoch + 1) / 3) + rng.normal(0, 0.004)
    has_map = bool(settled.maps.every) and epoch % settled.maps.every == 0
    split = {
        "train": 0.0011 * kept,
        "features": 0.08,
        "index": 0.05,
        "query": 0.02,
        "check": 0.01,
        "test": 0.05,
        "record": 0.03,
    }
    split["map"] = 0.35 if has_map else 0.0
    measured = {
        "kept": kept,
        "kept_share": kept / len(columns["selected"]),
        "learning_rate": settled.optimizer.learning_rate * (1 - epoch / settled.epochs),
        "mean_loss": float(np.nanmean(columns["loss"])),
        "train_accuracy": float(np.nanmean(columns["correct"])),
        "test_loss": float(1 - 0.8 * accuracy),
        "test_accuracy": float(accuracy),
        "validation_loss": np.nan,
        "validation_accuracy": np.nan,
        "samples_probed": 0,
        "seconds_probe": 0.0,
        "samples_forwarded": kept
        + (len(columns["selected"]) if epoch % settled.density.refresh_every == 0 else 0),
        "samples_backpropagated": kept,
        "seconds": sum(split.values()),
        **{f"seconds_{name}": seconds for name, seconds in split.items()},
        "recall": 0.985 + 0.01 * float(rng.random()),
        "jaccard": 0.995 if settled.strategy.kind == "joint" else np.nan,
        "exact_seconds": 0.4,
        "clean_agreement": 0.45 if epoch >= settled.density.refresh_every else np.nan,
        "feature_age": 0.0,
        "map_trust": 0.95 if has_map else np.nan,
        "map_movement": 0.1 / (epoch + 1) if has_map else np.nan,
    }
    return {column.name: measured[column.name] for column in METRIC_COLUMNS if column.name != "epoch"}


def _write_state(run: Run, state: str, *, epochs: int, planned: int) -> None:
    alive = {"pid": os.getpid(), "phase": "training", "share": 0.43, "step": 6, "steps": 14}
    ended = {"pid": None, "phase": "", "share": None}
    message = "ran out of memory; lower batch_size" if state == "failed" else ""
    (run.folder / "log.txt").write_text(
        "epoch 0 done\n"
        + ("Traceback (most recent call last):\nMemoryError: batch of 64\n" if message else "")
    )
    run.write_status(
        state=state,
        epoch=epochs if state == "running" else epochs - 1,
        epochs=planned,
        message=message,
        **(alive if state in ("running", "stopping") else ended),
    )
