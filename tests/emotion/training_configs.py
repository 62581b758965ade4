"""Configs that train in a second."""

from typing import Any

from emotion.ml.training.config import TrainingConfig

TINY: dict[str, Any] = {
    "corpus": {"actors": 8},
    "net": {"name": "voice-small", "width": 0.25},
    "epochs": 2,
    "batch_size": 16,
    "device": "cpu",
}


def tiny(**values: Any) -> TrainingConfig:
    return TrainingConfig.checked({**TINY, **values})
