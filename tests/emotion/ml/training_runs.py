"""Configs, data and learners so small that a whole run takes a second."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.data import Data, data_for
from emotion.ml.training.examples import Collating, Example
from emotion.ml.training.learners import Learner, generator_for, learner_for
from emotion.ml.training.systems import build, voice_size

ON_THE_CPU = {"corpus": {"actors": 3}, "batch_size": 16, "epochs": 2, "device": "cpu"}
NET = {"width": 0.05, "side": 32, "encoder": "tiny", "text_encoder": "tiny", "projection": 16}


def tiny(name: str, net: dict[str, Any] | None = None, **values: Any) -> TrainingConfig:
    return TrainingConfig.checked({**ON_THE_CPU, "net": {**NET, "name": name, **(net or {})}, **values})


@cache
def made(actors: int = 3) -> Data:
    return data_for(tiny("lt", corpus={"actors": actors}))


def four() -> list[Example]:
    """Made clips of one actor, each with another label."""
    return [next(example for example in made().train if example.label == label) for label in range(0, 8, 2)]


def a_learner(config: TrainingConfig) -> Learner:
    torch.manual_seed(0)
    return learner_for(build(config.net, voice_size(config.net)), config, generator_for(config))


def collating(config: TrainingConfig) -> Collating:
    return Collating(config.net.inputs, made().samples)
