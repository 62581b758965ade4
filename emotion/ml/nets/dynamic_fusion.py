"""Dynamic fusion: face and voice weigh, moment by moment, what their quality lets them be trusted with.

Our own. A log-linear pool of experts (Genest & Zidek, Statistical Science 1986) whose exponents are reliabilities,
estimated from signs that have nothing to do with emotion: how large and sharp the face is, whether anybody speaks and
how far above the noise. Its four promises, each of which a test holds:

* A channel that is absent counts for nothing, and what its net says then cannot be felt.
* A better sign never lowers a channel's weight (the weights inside are positive).
* Two bad channels do not add up to a good one: reliabilities are not shared out to sum to 1, so when both fade the
  result goes flat, which whoever reads it can see.
* An emotion that a channel cannot name (a face net has no "calm") is judged by the other channel alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.ml.nets.blocks import evenly

FRAME, HOP = 0.025, 0.010  # seconds, of the measurement of loudness
SPEECH = 6.0  # dB above the noise at which sound counts as speech
QUIET = 1e-8  # power under which sound is digital silence: -80 dB


@dataclass(frozen=True)
class DynamicFusionConfig:
    """`doubt`: how many moments of full reliability weigh as much as knowing nothing, when a clip is summed up."""

    face_signs: int = 2
    voice_signs: int = 2
    hidden: int = 8
    doubt: float = 0.5


class Fused(NamedTuple):
    """
    clip:    (clip, class)          logits of the whole clip; all equal where no channel has evidence
    moments: (clip, moment, class)  logits of each moment, likewise
    face:    (clip, moment)         the face's reliability, 0 to 1
    voice:   (clip, moment)         the voice's
    """

    clip: Tensor
    moments: Tensor
    face: Tensor
    voice: Tensor

    def abstains(self) -> Tensor:
        """(clip, moment) True where neither channel has evidence"""
        return (self.face + self.voice) == 0


class DynamicFusion(nn.Module):
    """Two channels' logits a moment to one reading a moment and one a clip."""

    def __init__(self, config: DynamicFusionConfig | None = None):
        super().__init__()
        self.config = config or DynamicFusionConfig()
        self.face = Reliability(self.config.face_signs, self.config.hidden)
        self.voice = Reliability(self.config.voice_signs, self.config.hidden)

    def forward(
        self,
        face: Tensor,
        face_signs: Tensor,
        voice: Tensor,
        voice_signs: Tensor,
        face_there: Tensor | None = None,
        voice_there: Tensor | None = None,
    ) -> Fused:
        """
        face, voice:              (clip, moment, class)  logits; -inf for an emotion the channel cannot name
        face_signs, voice_signs:  (clip, moment, sign)   of `signs_of_faces` and `signs_of_voice`
        face_there, voice_there:  (clip, moment)         False where the channel has a gap
        """
        seen, seen_weight = self.face(face, face_signs, face_there)
        told, told_weight = self.voice(voice, voice_signs, voice_there)
        clip = self._sum_up(seen, seen_weight) + self._sum_up(told, told_weight)
        return Fused(clip, seen + told, seen_weight, told_weight)

    def _sum_up(self, evidence: Tensor, weight: Tensor) -> Tensor:
        """(clip, moment, class) and (clip, moment) to (clip, class): the mean of what is trusted, shrunk by doubt"""
        return evidence.sum(dim=1) / (weight.sum(dim=1, keepdim=True) + self.config.doubt)


class Reliability(nn.Module):
    """One channel: its evidence (calibrated, centred log-probabilities) times how far it can be trusted."""

    def __init__(self, signs: int, hidden: int):
        super().__init__()
        self.temperature = nn.Parameter(torch.zeros(()))  # its logarithm
        self.inner = nn.Parameter(torch.randn(hidden, signs) * 0.5)
        self.bias = nn.Parameter(evenly(-1, 1, hidden))
        self.outer = nn.Parameter(torch.randn(hidden) * 0.5)
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, logits: Tensor, signs: Tensor, there: Tensor | None) -> tuple[Tensor, Tensor]:
        """(clip, moment, class) evidence, 0 where flat, and (clip, moment) its weight"""
        weight = self.weight(signs)
        if there is not None:
            weight = weight.masked_fill(~there, 0.0)
            # A net's answer to nothing may be anything, and 0 times infinity is not 0.
            logits = logits.masked_fill(~there[..., None], 0.0)
        return weight[..., None] * evidence(logits / self.temperature.exp()), weight

    def weight(self, signs: Tensor) -> Tensor:
        """(clip, moment, sign) to (clip, moment), rising with every sign"""
        hidden = torch.tanh(functional.linear(signs, functional.softplus(self.inner), self.bias))
        return torch.sigmoid(hidden @ functional.softplus(self.outer) + self.offset)


def evidence(logits: Tensor) -> Tensor:
    """Log-probabilities less their mean over what the channel can name; 0 for what it cannot: (…, class)"""
    nameable = logits.isfinite()
    log_shares = logits.log_softmax(dim=-1).masked_fill(~nameable, 0.0)
    mean = log_shares.sum(dim=-1, keepdim=True) / nameable.sum(dim=-1, keepdim=True).clamp_min(1)
    return (log_shares - mean).masked_fill(~nameable, 0.0)


def signs_of_faces(faces: Tensor, heights: Tensor) -> Tensor:
    """
    faces:   (clip, moment, 3, side, side)  0 to 1
    heights: (clip, moment)                 pixels of the face in the recording, before it was resized
    returns  (clip, moment, 2)              octaves above 64 pixels; sharpness, in decades of Laplacian over contrast
    """
    grey = faces.mean(dim=2).flatten(0, 1)[:, None]  # (face, 1, side, side)
    laplacian = grey.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).view(1, 1, 3, 3)
    edges = functional.conv2d(grey, laplacian).flatten(1).var(dim=1)
    # Over the contrast, so that a dim picture is not taken for a blurred one.
    sharpness = ((edges + 1e-8) / (grey.flatten(1).var(dim=1) + 1e-4)).log10()
    size = (heights.clamp_min(1) / 64).log2()
    return torch.stack([size, sharpness.view_as(size)], dim=-1)


def signs_of_voice(sound: Tensor, moments: int, rate: int = 16_000) -> Tensor:
    """
    sound:   (clip, sample)
    returns  (clip, moment, 2)  share of the moment in which somebody speaks; tens of dB above the clip's noise

    The noise is the loudness that a tenth of the clip stays under, so a clip needs some pause; somebody who never
    pauses is taken for noise, and trusted less.
    """
    frames = sound.unfold(1, int(FRAME * rate), int(HOP * rate))
    loudness = 10 * (frames.square().mean(dim=2) + QUIET).log10()  # (clip, frame)
    above = (loudness - loudness.quantile(0.1, dim=1, keepdim=True)).clamp(0, 40)
    return torch.stack(
        [
            functional.adaptive_avg_pool1d((above > SPEECH).to(sound.dtype), moments),
            functional.adaptive_avg_pool1d(above, moments) / 10,
        ],
        dim=-1,
    )
