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
from engine.datasets.digits import Digits
from engine.datasets.noise import NoNoise, SymmetricNoise
from engine.density import DensitySettings
from engine.maps import MapSettings
from engine.selection.everything import Everything
from engine.selection.joint import Joint
from engine.selection.random_subset import RandomSubset
from engine.settings import Settings, assigned, explain
from engine.signals import InfluenceSettings
from engine.strength.constant import Constant
from engine.strength.none import NoStrength
from engine.strength.random_strength import RandomStrength
from engine.strength.sada import Sada

# One line each: the union that a config accepts and the tuple that tests and pages run over are the same.
AnyStrategy = Everything | RandomSubset | Joint
AnyPolicy = NoStrength | Constant | RandomStrength | Sada
AnyNoise = NoNoise | SymmetricNoise
AnySource = Digits
STRATEGIES: tuple[type[Settings], ...] = get_args(AnyStrategy)
POLICIES: tuple[type[Settings], ...] = get_args(AnyPolicy)
NOISES: tuple[type[Settings], ...] = get_args(AnyNoise)
DATASETS: tuple[type[Settings], ...] = (AnySource,)


class RunConfig(Settings):
    """One training run."""

    name: str = Field("", max_length=80, description="what the run is called on screen")
    study: str = Field("", max_length=80, description="the study the run belongs to")
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="decides weights, order of batches, augmentation and draws"
    )
    source: AnySource = Field(Digits(), description="what is trained on")
    noise: Annotated[AnyNoise, Field(discriminator="kind")] = Field(
        NoNoise(), description="wrong labels at a known rate"
    )
    model: Literal["resnet8", "air_xs", "air_s"] = Field(
        "resnet8", description="a small net for two CPU cores"
    )
    epochs: int = Field(20, ge=1, le=1000, description="passes over the selected samples")
    batch_size: int = Field(64, ge=2, le=4096, description="samples of one step")
    learning_rate: float = Field(0.1, gt=0, le=10, description="at the peak of the one-cycle schedule")
    momentum: float = Field(0.9, ge=0, lt=1, description="of SGD with Nesterov's correction")
    weight_decay: float = Field(5e-4, ge=0, le=1, description="pull of the weights towards 0")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="number format; auto measures at the start which one trains faster"
    )
    strategy: Annotated[AnyStrategy, Field(discriminator="kind")] = Field(
        Everything(), description="which samples an epoch trains on"
    )
    policy: Annotated[AnyPolicy, Field(discriminator="kind")] = Field(
        RandomStrength(), description="how strongly each sample is augmented"
    )
    influence: InfluenceSettings = Field(
        InfluenceSettings(), description="how influence and variance are measured"
    )
    consistency: ConsistencySettings = Field(
        Offline(), description="what measures the agreement of image and label"
    )
    density: DensitySettings = Field(DensitySettings(), description="how neighbours are found")
    maps: MapSettings = Field(MapSettings(), description="the map of feature space")

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "RunConfig":
        if isinstance(self.strategy, Joint) and isinstance(self.consistency, NoConsistency):
            raise ValueError(
                "joint selection must have a consistency encoder; set consistency.kind or another strategy"
            )
        return self


class InvalidConfig(ValueError):
    """Settings that break a rule; the message is a sentence a person can act on."""


def parse(settings: Mapping[str, Any], assignments: Iterable[str] = ()) -> RunConfig:
    """Returns the config of these settings with dotted assignments put in; raises InvalidConfig.

    An assignment into a part that the settings leave out changes the part's default.
    """
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
