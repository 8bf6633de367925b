"""An encoder that keeps what it embedded: towers are loaded only for images and texts that are new.

Embeddings depend on no label, so runs with other seeds or other label noise share them.
"""

from functools import cached_property
from pathlib import Path

import torch
from numpy import ndarray

from engine.consistency import Encoder, packaged, remember, towers
from engine.consistency.settings import Offline, OpenClip
from engine.progress import Report

LOADING = "loading the encoder"  # phases that are reported
WAITING = "waiting for another run that measures the same"

_VERSION = "1"  # of how images are prepared; a new one embeds anew


class KeptEncoder:
    """An Encoder for the settings, with all its answers in a folder."""

    def __init__(
        self, settings: Offline | OpenClip, cache: Path, report: Report, device: str = "cpu"
    ) -> None:
        self._settings, self._cache, self._report, self._device = settings, cache, report, device
        self.name = packaged.NAME if isinstance(settings, Offline) else _name(settings)
        self.identity = remember.key(
            _VERSION, packaged.identity() if isinstance(settings, Offline) else _identity(settings)
        )

    def embed_images(self, images: ndarray, report: Report) -> ndarray:
        """Returns (N, D) float32, each row of length 1, of (N, C, H, W) uint8; read where it is known."""
        path = self._cache / f"images-{remember.key(self.identity, images)}.npz"
        return remember.array(
            path, lambda: self._towers.embed_images(images, report), rows=len(images), waiting=self.wait
        )[0]

    def embed_texts(self, texts: list[str]) -> ndarray:
        """Returns (K, D) float32, each row of length 1; read where it is known."""
        path = self._cache / f"texts-{remember.key(self.identity, *texts)}.npz"
        return remember.array(
            path, lambda: self._towers.embed_texts(texts), rows=len(texts), waiting=self.wait
        )[0]

    def wait(self) -> None:
        """Reports that another process is computing what is wanted here."""
        self._report(WAITING, 0.0)

    @cached_property
    def _towers(self) -> Encoder:
        self._report(LOADING, 0.0)
        device = torch.device(self._device)
        if isinstance(self._settings, OpenClip):
            return towers.load(self._settings, name=self.name, device=device)
        with packaged.no_hub():
            return towers.load(packaged.checkpoint(self._cache, self._report), name=self.name, device=device)


def _name(settings: OpenClip) -> str:
    if settings.model.startswith(towers.LOCAL):
        return Path(settings.model.removeprefix(towers.LOCAL)).name
    return f"{settings.model} ({Path(settings.pretrained).name})"


def _identity(settings: OpenClip) -> str:
    """Tells encoders apart: by their tag, or by what is in the files of a local one."""
    if settings.model.startswith(towers.LOCAL):
        folder = Path(settings.model.removeprefix(towers.LOCAL))
        files = sorted(path for path in folder.glob("*") if path.is_file())
        return remember.key(*(part for path in files for part in (path.name, path)))
    path = Path(settings.pretrained)
    return remember.key(settings.model, path if path.is_file() else settings.pretrained)
