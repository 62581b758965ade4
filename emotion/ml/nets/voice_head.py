"""The small head that ships: features of a voice → which expression it has, with or without knowing the speaker."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from emotion.ml.labels import LABELS


@dataclass(frozen=True)
class VoiceHeadConfig:
    """
    features      of a window: VoiceFeatures.count
    usual_share   how far a speaker's neutral voice is moved towards everybody's, when it is known: at 1 four neutral
                  clips are trusted more than four clips deserve
    """

    features: int = 2304
    labels: tuple[str, ...] = LABELS
    usual_share: float = 0.4


class VoiceHead(nn.Module):
    """Multinomial logistic regression on standardised features, once for a stranger and once for a known speaker.

    The encoder below it was trained on 680,000 hours; what is left to learn from 1,200 clips is a plane between labels.
    Wider heads and more of them were tried and were not better (`emotion/README.md`).
    """

    neutral: Tensor

    def __init__(self, config: VoiceHeadConfig = VoiceHeadConfig()) -> None:
        super().__init__()
        self.config = config
        self.stranger = Plane(config.features, len(config.labels))
        self.known = Plane(config.features, len(config.labels))
        self.register_buffer("neutral", torch.zeros(config.features))  # everybody's

    def forward(self, features: Tensor, usual: Tensor | None = None) -> Tensor:
        """
        features: (window, feature)
        usual:    (feature,) or (window, feature): the mean over the speaker's neutral clips; None for a stranger
        returns   (window, label) logits, already divided by the fitted temperature
        """
        if usual is None:
            return self.stranger(features)
        return self.known(self.towards_everybody(features, usual))

    def towards_everybody(self, features: Tensor, usual: Tensor) -> Tensor:
        """The features as they might be if the speaker's neutral voice were more like everybody's."""
        return features - self.config.usual_share * (usual - self.neutral)


class Plane(nn.Module):
    """Standardise, weigh, divide by the temperature."""

    mean: Tensor
    spread: Tensor
    temperature: Tensor

    def __init__(self, features: int, labels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.register_buffer("temperature", torch.ones(()))
        self.weigh = nn.Linear(features, labels)

    def forward(self, features: Tensor) -> Tensor:
        """(window, feature) to (window, label)."""
        return self.weigh((features - self.mean) / self.spread) / self.temperature
