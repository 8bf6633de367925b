"""Which optimizer trains: settings alone, so that the app can show them without loading what trains."""

from typing import Literal

from pydantic import Field

from engine.settings import Settings


class Sgd(Settings):
    """Stochastic gradient descent with Nesterov's momentum; all weights decay."""

    kind: Literal["sgd"] = "sgd"
    learning_rate: float = Field(0.1, gt=0, le=10, description="at the peak of the schedule")
    momentum: float = Field(0.9, ge=0, lt=1, description="share of the last update that is kept")
    weight_decay: float = Field(5e-4, ge=0, le=1, description="pull of the weights towards 0")


class AdamW(Settings):
    """Adam with decoupled weight decay (arXiv 1711.05101); norms and biases do not decay."""

    kind: Literal["adamw"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0, le=1, description="at the peak of the schedule")
    weight_decay: float = Field(0.05, ge=0, le=1, description="pull of the weights towards 0")
    beta1: float = Field(0.9, ge=0, lt=1, description="memory of the mean gradient")
    beta2: float = Field(0.999, ge=0, lt=1, description="memory of the mean squared gradient")
