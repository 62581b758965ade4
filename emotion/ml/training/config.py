"""What a training run is told: every value with its range, read from TOML, refused with a sentence a field."""

from __future__ import annotations

import tomllib
from math import cos, pi
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from emotion.ml.errors import EmotionError

CorpusName = Literal["made"]
NetName = Literal["lt", "it", "ia"]


class ConfigRefused(EmotionError):
    """A config that cannot be run. `fields` has a sentence for each place, such as "phases.0.epochs"."""

    def __init__(self, fields: dict[str, str]):
        super().__init__(" ".join(f"{name}: {sentence}" for name, sentence in fields.items()))
        self.fields = fields


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusConfig(Strict):
    """Which clips, and which actors are the test: each fold begins its turn of the actors one further on."""

    name: CorpusName = "made"
    fold: Annotated[int, Field(ge=1, le=6)] = 1
    actors: Annotated[int, Field(ge=3, le=200)] = 12


class NetConfig(Strict):
    """Which net, and how large. `width` 1 is the published size; a small share trains on a CPU in minutes."""

    name: NetName = "lt"
    heads: Literal[1, 2, 4] = 1
    width: Annotated[float, Field(gt=0, le=1)] = 1.0
    side: Annotated[int, Field(ge=32, le=224, multiple_of=16, description="pixels of a face")] = 224
    face_weights: Path | None = Field(default=None, description="a public EfficientFace checkpoint to start from")

    @model_validator(mode="after")
    def _fits_its_weights(self) -> NetConfig:
        if self.face_weights and self.width != 1:
            raise ValueError("published face weights fit the published width of 1 only")
        return self


class Schedule(Strict):
    """How the learning rate moves: `steps` multiplies by `factor` at each of `at`; both others by epoch."""

    kind: Literal["constant", "steps", "cosine"] = "constant"
    warm_up: Annotated[int, Field(ge=0, le=100, description="epochs from 0 to the full rate")] = 0
    at: tuple[int, ...] = ()
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1

    def rate(self, epoch: int, epochs: int) -> float:
        """The share of the full learning rate in this epoch, counted from 0."""
        if epoch < self.warm_up:
            return (epoch + 1) / (self.warm_up + 1)
        if self.kind == "steps":
            return self.factor ** sum(epoch >= step for step in self.at)
        if self.kind == "cosine":
            return 0.5 * (1 + cos(pi * (epoch - self.warm_up) / max(1, epochs - self.warm_up)))
        return 1.0


class TrainingConfig(Strict):
    corpus: CorpusConfig = CorpusConfig()
    net: NetConfig = NetConfig()
    epochs: Annotated[int, Field(ge=1, le=2000)] = 30
    batch_size: Annotated[int, Field(ge=2, le=512)] = 8
    optimiser: Literal["sgd", "adamw"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-3
    schedule: Schedule = Schedule()
    gradient_clip: Annotated[float, Field(gt=0, le=100, description="largest norm of the gradients")] | None = 1.0
    modality_dropout: Literal["none", "softhard", "noise"] = "softhard"
    patience: Annotated[int, Field(ge=1, le=2000, description="epochs without a better validation UAR")] | None = 10
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False

    @classmethod
    def from_toml(cls, text: str) -> TrainingConfig:
        """Raises ConfigRefused: not TOML, an unknown name, or a value out of its range."""
        try:
            return cls.checked(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigRefused({"config": f"This is not TOML: {error}."}) from error

    @classmethod
    def checked(cls, values: dict) -> TrainingConfig:
        """Raises ConfigRefused."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigRefused({place(found["loc"]): sentence(found) for found in error.errors()}) from error


def place(where: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in where) or "config"


def sentence(found: ErrorDetails) -> str:
    if found["type"] == "extra_forbidden":
        return "There is no such setting."
    text = found["msg"].removeprefix("Value error, ").rstrip(".")
    given = "" if found["type"] == "value_error" else f" (given: {found['input']!r})"
    return f"{text[:1].upper()}{text[1:]}{given}."
