"""AudioCNNPool: eight expressions from the cepstral coefficients of a voice."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from emotion.ml.labels import LABELS


@dataclass(frozen=True)
class VoiceConfig:
    coefficients: int = 10
    widths: tuple[int, int, int, int] = (64, 128, 256, 128)
    classes: int = len(LABELS)


class AudioCNNPool(nn.Module):
    """Four convolutions over time, two before and two after the place where the intermediate fusions meet, then a mean.

    Source: Chumachenko, Iosifidis & Gabbouj, ICPR 2022, the audio branch; names of the weights as published.
    Each convolution keeps whole windows only and each pooling moves one step, so 12 steps are lost: give at least 13.
    """

    def __init__(self, config: VoiceConfig | None = None):
        super().__init__()
        self.config = config or VoiceConfig()
        first, second, third, fourth = self.config.widths
        self.conv1d_0 = over_steps(self.config.coefficients, first)
        self.conv1d_1 = over_steps(first, second)
        self.conv1d_2 = over_steps(second, third)
        self.conv1d_3 = over_steps(third, fourth)
        self.classifier_1 = nn.Sequential(nn.Linear(self.config.widths[-1], self.config.classes))

    def forward(self, cepstrum: Tensor) -> Tensor:
        """
        cepstrum: (clip, 10, step)  156 steps for 3.6 s
        returns   (clip, 8)
        """
        return self.classify(self.follow(self.meet(cepstrum)))

    def meet(self, cepstrum: Tensor) -> Tensor:
        """(clip, 10, step) to (clip, 128, step - 6)"""
        return self.conv1d_1(self.conv1d_0(cepstrum))

    def follow(self, heard: Tensor) -> Tensor:
        """(clip, 128, step) to (clip, 128, step - 6)"""
        return self.conv1d_3(self.conv1d_2(heard))

    def classify(self, heard: Tensor) -> Tensor:
        """(clip, 128, step) to (clip, 8)"""
        return self.classifier_1(heard.mean(dim=2))


def over_steps(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(inside, outside, 3), nn.BatchNorm1d(outside), nn.ReLU(), nn.MaxPool1d(2, stride=1))
