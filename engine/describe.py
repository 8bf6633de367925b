"""What is written about a run once, before it trains: where it came from and what it trains on."""

import os
import platform
import subprocess
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from engine.consistency.measure import Measured
from engine.datasets import Dataset
from engine.datasets.blocks import blocks
from engine.density import DensitySettings, chosen_index
from engine.precision import Precision
from store.questions import suspicion
from store.run import Run

PACKAGES = (
    "undertow", "torch", "torchvision", "numpy", "numba", "hnswlib", "umap-learn", "open_clip_torch", "duckdb"
)  # fmt: skip
# The processor features that decide how fast, and in which rounding, small nets train.
FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")


def describe(dataset: Dataset, measured: Measured, chosen: Precision, device: torch.device) -> dict[str, Any]:
    """Returns all that decides the numbers beside the configuration, as JSON can hold it."""
    noisy = None if dataset.true_labels is None else dataset.true_labels != dataset.labels
    return {
        "schema": 1,
        "n": len(dataset.labels),
        "test_n": len(dataset.test_labels),
        "class_names": list(dataset.class_names),
        "dataset_key": content_key(dataset.images),
        "shape": list(dataset.images.shape[1:]),
        "flipped": None if noisy is None else int(noisy.sum()),
        "encoder": measured.encoder,
        "encoder_cached": measured.cached,
        "consistency_seconds": measured.seconds,
        "consistency_auroc": None if noisy is None else detection(measured.values, noisy),
        "precision": chosen.name,
        "precision_reason": chosen.reason,
        "layout": chosen.layout,
        **machine(device, Path(__file__).parent),
    }


def machine(device: torch.device, code: Path) -> dict[str, Any]:
    """Returns what the run is trained by: versions, the state of the code's folder, processor and device."""
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "git": git_state(code),
        "platform": platform.platform(),
        "processor": processor(Path("/proc/cpuinfo")),
        "cpu": cpu_features(Path("/proc/cpuinfo")),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }


def describe_index(settings: DensitySettings, device: torch.device) -> dict[str, str]:
    """Returns which index finds the neighbours, and why."""
    index, reason = chosen_index(settings, str(device))
    return {"index": index, "index_reason": reason}


def write_thumbnails(run: Run, dataset: Dataset) -> None:
    """Writes the training images where every run on the same data finds them."""
    run.write_thumbnails(content_key(dataset.images), dataset.images.transpose(0, 2, 3, 1))


def content_key(images: ndarray) -> str:
    """Returns a name for the content of images: the same pixels, the same name."""
    digest = sha256(repr((images.shape, images.dtype.str)).encode())
    for rows in blocks(images):
        digest.update(images[rows].tobytes())
    return digest.hexdigest()[:16]


def detection(consistency: ndarray, noisy: ndarray) -> float | None:
    """AUROC of low consistency (N,) as a sign of a wrong label (N,).

    None where it is unknown or all agree.
    """
    known = ~np.isnan(consistency)
    found = suspicion.auroc(-consistency[known], noisy[known])
    return None if np.isnan(found) else found


def git_state(folder: Path) -> dict[str, Any] | None:
    """Returns the commit and whether files differ from it; None outside a checkout."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def processor(description: Path) -> str:
    """Returns the processor's name where the system says it, else its kind."""
    lines = description.read_text(errors="replace").splitlines() if description.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def cpu_features(description: Path) -> list[str]:
    """Returns which of the features that matter the processor has; empty where it does not say."""
    if not description.exists():
        return []
    words = set(description.read_text(errors="replace").split())
    return [feature for feature in FEATURES if feature in words]


def _versions() -> dict[str, str]:
    installed = {distribution.name: distribution.version for distribution in metadata.distributions()}
    return {package: installed[package] for package in PACKAGES if package in installed}


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
