"""Image-text encoders: one loader for every open_clip model, the packaged one included.

A named encoder is the one that is used: where its weights cannot be had, loading ends with a sentence that
says how to get them, and never with another encoder.
"""

import copy
import logging
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from engine.consistency.settings import OpenClip
from engine.progress import Report

EMBEDDING = "embedding images"  # a phase that is reported
LOCAL = "local-dir:"  # how open_clip marks a folder with configuration and weights

_BATCH = 32
_PROBE_BATCH = 4
_WORTH_IT = 1.5  # bfloat16 is 3.6x faster on ViT-B/32 where the processor has it, far slower where it has not

_log = logging.getLogger(__name__)


class _Clip(Protocol):
    """What is used of an open_clip model."""

    visual: Any

    def encode_image(self, image: Tensor, normalize: bool) -> Tensor: ...
    def encode_text(self, text: Tensor, normalize: bool) -> Tensor: ...


class Towers:
    """An image tower and a text tower of open_clip behind the contract of an Encoder."""

    def __init__(self, name: str, model: Any, tokenizer: Any, device: torch.device) -> None:
        self.name = name
        self._model: _Clip = model.eval().to(device=device, memory_format=torch.channels_last)
        self._tokenizer, self._device = tokenizer, device
        self._dtype = torch.float32
        if device.type == "cpu" and not hasattr(model.visual, "trunk"):
            self._halve_if_faster()

    def embed_images(self, images: ndarray, report: Report) -> ndarray:
        """Returns (N, D) float32, each row of length 1, of (N, C, H, W) uint8 with 1 or 3 channels."""
        rows = []
        for start in range(0, len(images), _BATCH):
            report(EMBEDDING, start / len(images))
            with torch.inference_mode():
                pixels = np.array(
                    images[start : start + _BATCH], order="C"
                )  # a view may be read-only or flipped
                batch = self._prepared(torch.from_numpy(pixels).to(self._device))
                rows.append(_unit(self._model.encode_image(batch, normalize=False)))
        report(EMBEDDING, 1.0)
        return np.concatenate(rows)

    def embed_texts(self, texts: list[str]) -> ndarray:
        """Returns (K, D) float32, each row of length 1."""
        tokens = self._tokenizer(texts).to(self._device)
        with torch.inference_mode():
            return np.concatenate(
                [_unit(self._model.encode_text(part, normalize=False)) for part in tokens.split(_BATCH)]
            )

    def _prepared(self, images: Tensor) -> Tensor:
        """Resizes and normalises (B, C, H, W) uint8 as the tower was trained."""
        wanted = self._model.visual.preprocess_cfg
        pixels = _resized(images.expand(-1, 3, -1, -1).float(), wanted)
        pixels = transforms.normalize(pixels.clamp(0, 255) / 255, wanted["mean"], wanted["std"])
        return pixels.to(self._dtype, memory_format=torch.channels_last)

    def _halve_if_faster(self) -> None:
        """Takes bfloat16 weights for the image tower where a batch shows that they are clearly faster."""
        whole = self._model.visual
        sample = torch.zeros((_PROBE_BATCH, 3, 32, 32), dtype=torch.uint8)
        half = copy.deepcopy(whole).to(torch.bfloat16)
        seconds = {}
        for dtype, tower in ((torch.float32, whole), (torch.bfloat16, half)):
            self._dtype, self._model.visual = dtype, tower
            seconds[dtype] = min(self._seconds(sample) for _ in range(3))
        gain = seconds[torch.float32] / seconds[torch.bfloat16]
        if gain < _WORTH_IT:
            self._dtype, self._model.visual = torch.float32, whole
        _log.info("%s embeds in %s: bfloat16 weights are %.1fx as fast", self.name, self._dtype, gain)

    def _seconds(self, images: Tensor) -> float:
        started = perf_counter()
        with torch.inference_mode():
            self._model.encode_image(self._prepared(images), normalize=False)
        return perf_counter() - started


def load(settings: OpenClip, *, name: str, device: torch.device) -> Towers:
    """Returns the towers of an open_clip model; raises RuntimeError with the way to its weights.

    Does not draw from the global generator, so a run computes the same whether its answer is kept or not.
    """
    import open_clip  # takes seconds, and is not needed where the answer is kept

    local = settings.model.startswith(LOCAL)
    if not local:
        _check_names(settings)
    try:
        with torch.random.fork_rng(devices=[]):
            model, _, _ = open_clip.create_model_and_transforms(
                settings.model,
                pretrained=None if local else settings.pretrained,
                force_quick_gelu=_tag(settings).get("quick_gelu", False),
                require_pretrained=True,
            )
            tokenizer = open_clip.get_tokenizer(settings.model)
    except Exception as error:  # a download, a file and a model each fail in types of their own
        raise RuntimeError(_way_to_the_weights(settings, error)) from error
    return Towers(name, model, tokenizer, device)


def _check_names(settings: OpenClip) -> None:
    import open_clip

    if settings.model.replace("/", "-") not in open_clip.list_models():
        raise RuntimeError(
            f"consistency.model must be the name of an open_clip model; got {settings.model!r}"
        )
    if not _tag(settings) and not Path(settings.pretrained).is_file():
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(settings.model)) or "it has none"
        raise RuntimeError(
            f"consistency.pretrained must be a tag of {settings.model} ({tags}) or the path of a checkpoint; "
            f"got {settings.pretrained!r}"
        )


def _tag(settings: OpenClip) -> dict[str, Any]:
    """Returns what open_clip knows of the tag; empty where it is none."""
    from open_clip.pretrained import get_pretrained_cfg

    known: dict[str, Any] = get_pretrained_cfg(settings.model.replace("/", "-"), settings.pretrained)
    return known


def _way_to_the_weights(settings: OpenClip, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if settings.model.startswith(LOCAL):
        return f"{settings.model} cannot be loaded; give a folder in open_clip's form: {reason}"
    if not _tag(settings):
        return (
            f"the checkpoint {settings.pretrained} cannot be loaded as {settings.model}; "
            f"give a checkpoint of that model: {reason}"
        )
    command = (
        f'python -c "import open_clip; '
        f"open_clip.create_model('{settings.model}', pretrained='{settings.pretrained}')\""
    )
    return (
        f"the weights of {settings.model} with tag {settings.pretrained} could not be fetched; on a machine "
        f"with a network run {command}, bring the file it downloads here and give its path as "
        f"consistency.pretrained (the reason was: {reason})"
    )


def _resized(pixels: Tensor, wanted: dict[str, Any]) -> Tensor:
    """Brings (B, C, H, W) to the tower's size by the resize mode that it was trained with."""
    size = wanted["size"] if isinstance(wanted["size"], (tuple, list)) else (wanted["size"], wanted["size"])
    height, width = pixels.shape[-2:]
    scales = (size[0] / height, size[1] / width)
    if wanted["resize_mode"] != "squash":
        scale = max(scales) if wanted["resize_mode"] == "shortest" else min(scales)
        scales = (scale, scale)
    target = [max(1, round(height * scales[0])), max(1, round(width * scales[1]))]
    mode = InterpolationMode.BILINEAR if wanted["interpolation"] == "bilinear" else InterpolationMode.BICUBIC
    return transforms.center_crop(transforms.resize(pixels, target, mode, antialias=True), list(size))


def _unit(embeddings: Tensor) -> ndarray:
    rows: ndarray = functional.normalize(embeddings.float(), dim=-1).cpu().numpy()
    return rows
