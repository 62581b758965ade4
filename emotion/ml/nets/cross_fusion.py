"""The three ways in which face and voice meet inside a net: late transformer, intermediate transformer, attention.

Source: Chumachenko, Iosifidis & Gabbouj, "Self-attention fusion for audiovisual emotion recognition with incomplete
data", ICPR 2022, section III; details as in github.com/katerynaCh/multimodal-emotion-recognition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from emotion.ml.nets.blocks import Attention, AttentionBlock, mean_over_time, rest


@dataclass(frozen=True)
class CrossFusionConfig:
    """`over` says how an intermediate attention map becomes one weight a step.

    "mean" over the queries does not depend on how long a clip is. "sum" is as published: with 15 frames and 150
    steps it scales the face by 10 and the voice by 0.1, which only batch normalisation over that same length undoes.
    """

    heads: int = 1
    over: Literal["mean", "sum"] = "mean"


class LateTransformer(nn.Module):
    """Each channel asks the other after its own last convolution; the answers are pooled over time."""

    def __init__(self, face: int, voice: int, width: int, config: CrossFusionConfig):
        super().__init__()
        self.voice_asks_face = AttentionBlock(voice, face, width, config.heads)
        self.face_asks_voice = AttentionBlock(face, voice, width, config.heads)

    def forward(self, face: Tensor, voice: Tensor, heard: Tensor | None = None) -> Tensor:
        """
        face:    (clip, frame, width)
        voice:   (clip, step, width)
        heard:   (clip, step)  False where the voice is padding
        returns  (clip, 2 * width), the voice's half first
        """
        told = mean_over_time(self.voice_asks_face(voice, face), heard)
        shown = self.face_asks_voice(face, voice, heard).mean(dim=1)
        return torch.cat([told, shown], dim=1)


class IntermediateTransformer(nn.Module):
    """Half-way through its convolutions, each channel takes in what the other answers."""

    def __init__(self, face: int, voice: int, config: CrossFusionConfig):
        super().__init__()
        self.voice_asks_face = AttentionBlock(voice, face, voice, config.heads)
        self.face_asks_voice = AttentionBlock(face, voice, face, config.heads)

    def forward(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """(clip, frame, face) and (clip, step, voice), both returned in the same shapes"""
        return face + self.face_asks_voice(face, voice), voice + self.voice_asks_face(voice, face)


class IntermediateAttention(nn.Module):
    """Half-way, each channel's moments are weighted by how much the other attends to them; nothing else is passed on.

    Only the maps are used, so the value and output weights, which published checkpoints carry, rest.
    """

    def __init__(self, face: int, voice: int, config: CrossFusionConfig):
        super().__init__()
        self.over = config.over
        self.voice_asks_face = Attention(voice, face, voice, config.heads)
        self.face_asks_voice = Attention(face, voice, face, config.heads)
        for asking in (self.voice_asks_face, self.face_asks_voice):
            rest(asking.value, asking.out)

    def forward(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """(clip, frame, face) and (clip, step, voice), both returned in the same shapes"""
        watched = self._attended(self.voice_asks_face.weights(voice, face))  # (clip, frame, 1)
        listened = self._attended(self.face_asks_voice.weights(face, voice))  # (clip, step, 1)
        return face * watched, voice * listened

    def _attended(self, weights: Tensor) -> Tensor:
        """(clip, head, asking, answering) to (clip, answering, 1)"""
        by_query = weights.mean(dim=1)
        if self.over == "sum":
            return by_query.sum(dim=1)[:, :, None]
        # Rows sum to 1, so a plain mean would shrink with the number of answers: times that number, even attention
        # weighs every step by 1 whatever the two lengths.
        return by_query.mean(dim=1)[:, :, None] * by_query.shape[2]
