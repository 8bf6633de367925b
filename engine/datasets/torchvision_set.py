"""Any classification set that torchvision has, by the name of its class.

Sets differ in how they name their parts: some take train=True, some split="train", some have one part. Which
one it is, is read from the signature, so that a new set of torchvision needs no line here.
"""

import inspect
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy import ndarray
from PIL import Image
from pydantic import BeforeValidator, Field

from engine.cache import cache_folder
from engine.datasets import Dataset, decode, strata
from engine.datasets.pictures import Flip, Gray, Side
from engine.datasets.prompts import PHOTO, Prompts
from engine.progress import Report
from engine.settings import Settings

TRAIN_SPLITS, TEST_SPLITS = ("train", "trainval"), ("test", "val", "valid")


def _value(text: object) -> object:
    """Text from a form or a command line is read as JSON where it is: 30 is a number, balanced stays text."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


Option = Annotated[int | float | bool | str | tuple[int, ...], BeforeValidator(_value)]


class TorchvisionSet(Settings):
    """Any classification set of torchvision that fits into memory, such as KMNIST, SVHN or Flowers102."""

    kind: Literal["torchvision"] = "torchvision"
    name: str = Field("EuroSAT", min_length=1, description="name of its class in torchvision.datasets")
    root: str = Field("", description="folder of its files; empty: Undertow's cache, downloaded on first use")
    side: Side = 0
    gray: Gray = False
    flip: Flip = True
    prompts: Prompts = PHOTO
    options: Annotated[dict[str, Option], BeforeValidator(_value)] = Field(
        {}, description='further arguments of the class, such as {"split": "balanced"} for EMNIST'
    )

    def load(self, report: Report) -> Dataset:
        """Returns the set; without test images a stratified fifth at a fixed seed is held out.

        Raises ValueError for a name that torchvision does not have and where its files are not to be had.
        """
        report(decode.LOADING, 0.0)
        train, test = self._parts()
        parts = [self._decoded(part, report) for part in (train, test) if part is not None]
        labels = np.concatenate([part.labels for part in parts])
        names = _class_names(train, int(labels.max()) + 1)
        if len(parts) == 1:
            kept, held = strata.hold_out(labels, len(names), strata.HELD_OUT)
            parts = [_Part(parts[0].images[rows], labels[rows]) for rows in (kept, held)]
        return Dataset(
            images=parts[0].images,
            labels=parts[0].labels,
            test_images=parts[1].images,
            test_labels=parts[1].labels,
            class_names=names,
            prompts=self.prompts,
            flip=self.flip,
        )

    def _parts(self) -> tuple[Any, Any]:
        """Makes the set's training part and its test part; None where it has no test part."""
        made, parameters = _class_of(self.name)
        options: dict[str, Any] = dict(self.options)
        if "root" in parameters:
            options["root"] = Path(self.root).expanduser() if self.root else cache_folder() / "datasets"
        if "download" in parameters:
            options["download"] = True
        make = partial(self._made, made, options)
        if "train" in parameters:
            return make(train=True), make(train=False)
        if "split" not in parameters or "split" in options:
            return make(), None
        train = _first(make, TRAIN_SPLITS)
        if train is None:
            raise ValueError(
                f"{self.name} has no split named {' or '.join(TRAIN_SPLITS)}; name one in source.options"
            )
        return train, _first(make, TEST_SPLITS)

    def _made(self, made: Any, options: dict[str, Any], **part: Any) -> Any:
        try:
            return made(**options, **part)
        except (OSError, RuntimeError, ImportError) as error:
            place = options.get("root", "its own place")
            raise ValueError(
                f"torchvision could not load {self.name} from {place}; put its files there as torchvision "
                f"lays them out ({error})"
            ) from error
        except TypeError as error:
            raise ValueError(
                f"source.options must be arguments of torchvision.datasets.{self.name}; {error}"
            ) from error

    def _decoded(self, part: Any, report: Report) -> "_Part":
        """Decodes one part, in one thread: not every set may be asked by several."""
        first = part[0][0]
        if not isinstance(first, Image.Image):
            raise ValueError(f"source.name must be a set of images; {self.name} gives {type(first).__name__}")
        width, height = (self.side, self.side) if self.side else first.size
        images = np.empty((len(part), 1 if self.gray else 3, height, width), np.uint8)
        labels = np.full(len(part), -1, np.int64)
        pictures = _pictures(part, labels, self.name)
        decode.fill(images, pictures, resize=self.side > 0, report=report, workers=1)
        return _Part(images, labels)


class _Part(NamedTuple):
    images: ndarray  # (n, C, H, W) uint8
    labels: ndarray  # (n,) int64


def _class_of(name: str) -> tuple[Any, set[str]]:
    """Returns the class of this name and the names of all arguments that it takes."""
    from torchvision import datasets

    found = getattr(datasets, name, None)
    if not (inspect.isclass(found) and issubclass(found, datasets.VisionDataset)):
        known = ", ".join(sorted(datasets.__all__))
        raise ValueError(f"source.name must be a class of torchvision.datasets ({known}); got {name!r}")
    parameters: set[str] = set()
    for ancestor in found.__mro__:
        own = inspect.signature(vars(ancestor).get("__init__", found)).parameters
        parameters |= set(own)
        if "kwargs" not in own:  # hands nothing on
            break
    return found, parameters


def _first(make: Any, splits: tuple[str, ...]) -> Any:
    """Makes the part with the first name that the set knows; None where it knows none."""
    for split in splits:
        try:
            return make(split=split)
        except ValueError as error:
            if error.__cause__ is not None:  # the name is known, what it names is not to be had
                raise
    return None


def _pictures(part: Any, labels: ndarray, name: str) -> Iterator[decode.Picture]:
    def member(row: int) -> Image.Image:
        image, label = part[row]
        if not isinstance(label, int | np.integer):
            raise ValueError(f"its label is {type(label).__name__}, not a class")
        labels[row] = label
        return image

    return (decode.Picture(row, f"image {row} of {name}", partial(member, row)) for row in range(len(part)))


def _class_names(part: Any, classes: int) -> tuple[str, ...]:
    """The names that the set gives its classes, of synonyms the first; else their numbers."""
    names = [name if isinstance(name, str) else str(name[0]) for name in getattr(part, "classes", None) or ()]
    return tuple(names) if len(names) >= classes else tuple(str(label) for label in range(classes))
