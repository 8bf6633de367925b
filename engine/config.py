"""RunConfig: everything that decides a run, in one frozen model.

The same object is the form in the app, the JSON file, the command line and the engine's input, so what one of
them accepts the others accept. Importing it loads nothing that trains.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from engine.consistency.settings import ConsistencySettings, NoConsistency, Offline
from engine.datasets.cifar import Cifar10, Cifar100
from engine.datasets.digits import Digits
from engine.datasets.fashion_mnist import FashionMnist
from engine.datasets.given_labels import GivenLabels
from engine.datasets.image_folder import ImageFolder
from engine.datasets.image_parquet import ImageParquet
from engine.datasets.noise import AsymmetricNoise, NoNoise, SymmetricNoise
from engine.datasets.subset import Subset
from engine.datasets.tail import ExponentialTail, NoTail, StepTail
from engine.datasets.torchvision_set import TorchvisionSet
from engine.density import DensitySettings
from engine.influence import InfluenceSettings
from engine.maps import MapSettings
from engine.models.settings import SmallNet, Timm
from engine.operations import Augmentation
from engine.optimizers import AdamW, Sgd
from engine.selection.consistency_only import ConsistencyOnly
from engine.selection.everything import Everything
from engine.selection.infobatch import InfoBatch
from engine.selection.joint import Joint
from engine.selection.random_subset import RandomSubset
from engine.selection.rarity_only import RarityOnly
from engine.settings import Settings, assigned, explain
from engine.strength.constant import Constant
from engine.strength.entropy import Entropy
from engine.strength.none import NoStrength
from engine.strength.random_strength import RandomStrength
from engine.strength.sada import Sada

# One line each: the union that a config accepts and the tuple that tests and pages run over are the same.
AnyStrategy = Everything | RandomSubset | InfoBatch | RarityOnly | ConsistencyOnly | Joint
AnyPolicy = NoStrength | Constant | RandomStrength | Entropy | Sada
AnyNoise = NoNoise | SymmetricNoise | AsymmetricNoise | GivenLabels
AnyTail = NoTail | ExponentialTail | StepTail
AnySource = Digits | FashionMnist | Cifar10 | Cifar100 | TorchvisionSet | ImageFolder | ImageParquet
AnyModel = SmallNet | Timm
AnyOptimizer = Sgd | AdamW
STRATEGIES: tuple[type[Settings], ...] = get_args(AnyStrategy)
POLICIES: tuple[type[Settings], ...] = get_args(AnyPolicy)
NOISES: tuple[type[Settings], ...] = get_args(AnyNoise)
TAILS: tuple[type[Settings], ...] = get_args(AnyTail)
DATASETS: tuple[type[Settings], ...] = get_args(AnySource)
MODELS: tuple[type[Settings], ...] = get_args(AnyModel)
OPTIMIZERS: tuple[type[Settings], ...] = get_args(AnyOptimizer)


class RunConfig(Settings):
    """One training run."""

    name: str = Field("", max_length=80, description="what the run is called on screen")
    study: str = Field("", max_length=80, description="the study the run belongs to")
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="decides weights, order of batches, augmentation and draws"
    )
    source: Annotated[AnySource, Field(discriminator="kind")] = Field(
        Digits(), description="what is trained on"
    )
    subset: Subset = Field(Subset(), description="a share of the training set, for quick trials")
    tail: Annotated[AnyTail, Field(discriminator="kind")] = Field(
        NoTail(), description="classes of unequal size, made from equal ones"
    )
    validation: float = Field(
        0,
        ge=0,
        le=0.5,
        description="share of the training set held out, the same in every run, each class in proportion",
    )
    noise: Annotated[AnyNoise, Field(discriminator="kind")] = Field(
        NoNoise(), description="wrong labels at a known rate"
    )
    model: Annotated[AnyModel, Field(discriminator="kind")] = Field(
        SmallNet(), description="the net that is trained"
    )
    optimizer: Annotated[AnyOptimizer, Field(discriminator="kind")] = Field(
        Sgd(), description="how a step changes the weights"
    )
    schedule: Literal["one_cycle", "cosine"] = Field(
        "one_cycle",
        description="the learning rate climbs for a quarter (one_cycle) or a twentieth (cosine) of the run, "
        "then falls along a half cosine to 0",
    )
    label_smoothing: float = Field(
        0,
        ge=0,
        le=0.5,
        description="share of each target spread over all classes in training; losses are logged without",
    )
    ema: float = Field(
        0,
        ge=0,
        lt=1,
        description="decay of the averaged weights, which are tested, 0 for none; signals come from the "
        "weights in training",
    )
    compile: bool = Field(
        False,
        description="run the net through torch.compile where that works; slow to start, faster a step; a "
        "resumed run may then differ in rounding",
    )
    epochs: int = Field(20, ge=1, le=1000, description="passes over the selected samples")
    test_every: int = Field(
        1,
        ge=1,
        le=1000,
        description="epochs between passes over the held-out images, test and validation; the last epoch "
        "always has one (a pass over CIFAR-10's takes as long as a third of an epoch on 10,000 images)",
    )
    batch_size: int = Field(64, ge=2, le=4096, description="samples of one step")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="number format; auto measures at the start which one trains faster"
    )
    strategy: Annotated[AnyStrategy, Field(discriminator="kind")] = Field(
        Everything(), description="which samples an epoch trains on"
    )
    policy: Annotated[AnyPolicy, Field(discriminator="kind")] = Field(
        RandomStrength(), description="how strongly each sample is augmented"
    )
    augmentation: Augmentation = Field(Augmentation(), description="what a strength does to an image")
    influence: InfluenceSettings = Field(
        InfluenceSettings(), description="how influence and variance are measured"
    )
    consistency: ConsistencySettings = Field(
        Offline(), description="what measures the agreement of image and label"
    )
    density: DensitySettings = Field(DensitySettings(), description="how neighbours are found")
    maps: MapSettings = Field(MapSettings(), description="the map of feature space")

    def tests(self, epoch: int) -> bool:
        """Says whether the net is asked about the held-out images after this epoch."""
        return epoch % self.test_every == 0 or epoch == self.epochs - 1

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "RunConfig":
        needs_consistency = isinstance(self.strategy, Joint | ConsistencyOnly)
        if needs_consistency and isinstance(self.consistency, NoConsistency):
            raise ValueError(
                f"{self.strategy.kind} selection must have a consistency encoder; set consistency.kind or "
                "another strategy"
            )
        threshold = getattr(self.strategy, "min_consistency", 0)
        if threshold and isinstance(self.consistency, NoConsistency):
            raise ValueError(
                "strategy.min_consistency must be 0 without a consistency encoder; set it or consistency.kind"
            )
        check_rarity(self.strategy, self.density)
        if isinstance(self.policy, NoStrength) and self.augmentation.ranges == "torchvision":
            raise ValueError(
                "augmentation.ranges must be monotone with policy none, since torchvision's change images at "
                "strength 0; set it or another policy"
            )
        return self

    def refreshes(self, epoch: int) -> bool:
        """Whether an epoch ends with features of all samples: for neighbours, or else for maps."""
        return (self.density.seeks or self.maps.every > 0) and epoch % self.density.refresh_every == 0


def check_rarity(strategy: object, density: DensitySettings) -> None:
    """Raises ValueError where the strategy goes by rarity and nothing seeks the neighbours it comes from."""
    by_rarity = isinstance(strategy, Joint | RarityOnly) or getattr(strategy, "max_rarity", 1) < 1
    if by_rarity and not density.seeks:
        raise ValueError(
            "density.index must not be none where a strategy goes by rarity; set it to auto, or another "
            "strategy without max_rarity"
        )


class InvalidConfig(ValueError):
    """Settings that break a rule; the message is a sentence a person can act on."""


def parse(settings: Mapping[str, Any], assignments: Iterable[str] = ()) -> RunConfig:
    """Returns the config of these settings with dotted assignments put in; raises InvalidConfig.

    An assignment into a part that the settings leave out changes the part's default.
    """
    if settings.get("tracked"):
        raise InvalidConfig(
            "this run was trained by a program of its own, which Undertow only logged; run that program again"
        )
    try:
        return RunConfig.model_validate(assigned({**RunConfig().model_dump(), **settings}, assignments))
    except ValidationError as error:
        raise InvalidConfig(explain(error)) from None
    except ValueError as error:
        raise InvalidConfig(str(error)) from None


def read(path: Path) -> dict[str, Any]:
    """Returns the settings in a JSON file; raises InvalidConfig where it cannot be read as such."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidConfig(f"{path} is not there; give the path of a JSON file with settings") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidConfig(f"{path} must be a JSON file; {error}") from None
    if not isinstance(settings, dict):
        raise InvalidConfig(f"{path} must hold a JSON object of settings; got {type(settings).__name__}")
    return settings
