"""Cepstral coefficients of a voice, as the published audio branch was fed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.ml.nets.blocks import evenly


@dataclass(frozen=True)
class CepstrumConfig:
    """The defaults are librosa's for `feature.mfcc(n_mfcc=10)`, which the published preprocessing left as they are."""

    rate: int = 22_050  # Hz
    window: int = 2048  # samples
    hop: int = 512  # samples
    mels: int = 128
    coefficients: int = 10
    floor: float = 80.0  # dB below the loudest


class Cepstrum(nn.Module):
    """Source: Davis & Mermelstein, 1980; mel scale and filters of Slaney's Auditory Toolbox, as in librosa."""

    window: Tensor
    filters: Tensor
    cosines: Tensor

    def __init__(self, config: CepstrumConfig | None = None):
        super().__init__()
        self.config = config or CepstrumConfig()
        self.register_buffer("window", torch.hann_window(self.config.window), persistent=False)
        self.register_buffer("filters", mel_filters(self.config), persistent=False)
        self.register_buffer("cosines", cosine_basis(self.config.coefficients, self.config.mels), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """
        sound:   (clip, sample)  at config.rate
        returns  (clip, 10, step)  a step each 512 samples: 156 for 3.6 s
        """
        config = self.config
        waves = torch.stft(
            sound, config.window, config.hop, window=self.window, center=True, pad_mode="constant", return_complex=True
        )
        mels = self.filters @ waves.abs().square()  # (clip, mel, step)
        loudness = 10 * mels.clamp_min(1e-10).log10()
        # Below each clip's own peak, so that its neighbours in the batch do not matter.
        loudness = loudness.maximum(loudness.amax(dim=(1, 2), keepdim=True) - config.floor)
        return self.cosines @ loudness


def mel_filters(config: CepstrumConfig) -> Tensor:
    """(mel, frequency) triangles of equal area, evenly spaced on the mel scale"""
    edges = to_hertz(evenly(0, float(to_mel(config.rate / 2)), config.mels + 2, torch.float64))
    bins = evenly(0, config.rate / 2, config.window // 2 + 1, torch.float64)
    below, peak, above = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - below) / (peak - below), (above - bins) / (above - peak)
    return (rising.minimum(falling).clamp_min(0) * 2 / (above - below)).float()


def to_mel(hertz: float) -> float:
    """Linear to 1 kHz, logarithmic above."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + math.log(hertz / 1000) * 27 / math.log(6.4)


def to_hertz(mels: Tensor) -> Tensor:
    return torch.where(mels < 15, mels * 200 / 3, 1000 * torch.exp((mels - 15) * math.log(6.4) / 27))


def cosine_basis(coefficients: int, mels: int) -> Tensor:
    """(coefficient, mel) rows of the orthonormal cosine transform, type II"""
    angles = torch.arange(coefficients, dtype=torch.float64)[:, None] * (torch.arange(mels) + 0.5) * math.pi / mels
    basis = torch.cos(angles) * math.sqrt(2 / mels)
    basis[0] /= math.sqrt(2)
    return basis.float()


def window_of(sound: Tensor, samples: int = 79_380) -> Tensor:
    """The middle of a clip at that length (3.6 s at 22,050 Hz), zeros after a shorter one: (clip, sample)"""
    spare = sound.shape[1] - samples
    if spare < 0:
        return functional.pad(sound, (0, -spare))
    return sound[:, spare // 2 : spare // 2 + samples]
