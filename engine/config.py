"""RunConfig: everything that decides a run, in one frozen model.

The same object is the form in the app, the JSON file, the command line and the engine's input, so what one of
them accepts the others accept. Importing it loads nothing that trains.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from engine.consistency.settings import ConsistencySettings, NoConsistency, Offline
from engine.datasets.digits import Digits
from engine.datasets.noise import NoNoise, SymmetricNoise
from engine.selection.everything import Everything
from engine.selection.joint import Joint
from engine.selection.random_subset import RandomSubset
from engine.settings import Settings, assigned, explain
from engine.signals import InfluenceSettings
from engine.strength.constant import Constant
from engine.strength.none import NoStrength
from engine.strength.random_strength import RandomStrength
from engine.strength.sada import Sada

STRATEGIES = (Everything, RandomSubset, Joint)
POLICIES = (NoStrength, Constant, RandomStrength, Sada)
DATASETS = (Digits,)
NOISES = (NoNoise, SymmetricNoise)


class DensitySettings(Settings):
    """How crowded each sample's surroundings in feature space are (arXiv 2505.03809)."""

    index: Literal["hnsw", "exact"] = Field(
        "hnsw", description="neighbours by HNSW, or by comparing all pairs"
    )
    k: int = Field(10, ge=1, le=100, description="neighbours whose mean distance is taken (ours)")
    refresh_every: int = Field(
        5,
        ge=1,
        le=1000,
        description="epochs between forward passes over all samples for fresh features (ours)",
    )
    m: int = Field(
        12, ge=4, le=64, description="links a point in the HNSW graph; more: better recall, more time"
    )
    ef_construction: int = Field(60, ge=10, le=1000, description="candidates while the HNSW graph is built")
    ef: int = Field(30, ge=10, le=1000, description="candidates while the HNSW graph is asked")

    @model_validator(mode="after")
    def _search_is_wide_enough(self) -> "DensitySettings":
        if self.ef <= self.k:
            raise ValueError(f"ef must be larger than k = {self.k}, or the index cannot return k neighbours")
        return self


class MapSettings(Settings):
    """How often and from how many samples the map of feature space is drawn."""

    every: int = Field(2, ge=0, le=1000, description="epochs between two maps; 0 draws none")
    samples: int = Field(
        10_000, ge=50, le=1_000_000, description="above 20,000 samples, a fixed draw of so many"
    )


class RunConfig(Settings):
    """One training run."""

    name: str = Field("", max_length=80, description="what the run is called on screen")
    study: str = Field("", max_length=80, description="the study the run belongs to")
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="decides weights, order of batches, augmentation and draws"
    )
    source: Digits = Field(Digits(), description="what is trained on")
    noise: Annotated[NoNoise | SymmetricNoise, Field(discriminator="kind")] = Field(
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
    strategy: Annotated[Everything | RandomSubset | Joint, Field(discriminator="kind")] = Field(
        Everything(), description="which samples an epoch trains on"
    )
    policy: Annotated[NoStrength | Constant | RandomStrength | Sada, Field(discriminator="kind")] = Field(
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
    """Returns the config of these settings with dotted assignments put in; raises InvalidConfig."""
    try:
        return RunConfig.model_validate(assigned(settings, assignments))
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
