"""The prototype's five late fusions, for comparison: two whole nets that stay as they are, a small head that learns.

Source: github.com/Omar-Mohamed-Ibrahim-Alsayed/Multi-modal-Emotion-Recognition, models/fusion1.py to fusion5.py.
Differs: it pools over the frames of each clip; there, fusions 3 to 5 pooled over the batch and so read one clip only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.ml.labels import LABELS
from emotion.ml.nets.blocks import StillWhereFrozen, rest
from emotion.ml.nets.temporal import EfficientFaceTemporal, TemporalConfig
from emotion.ml.nets.wav2vec2 import EncoderConfig, Wav2Vec2Voice, Wav2Vec2VoiceConfig


def prototype_voice() -> Wav2Vec2VoiceConfig:
    """XLSR-large with the RAVDESS checkpoint's head of 1,024, without its tanh, as the prototype had it."""
    return Wav2Vec2VoiceConfig(encoder=EncoderConfig.xlsr(), projection=1024)


@dataclass(frozen=True)
class LateFusionConfig:
    """`kind`: 1 the logits of both; 2 every frame in its place; 3 the mean over frames; 4 the same, a deeper head;
    5 the maximum over frames, a deeper head. In 2 to 5 the voice is its pooled projection."""

    kind: Literal[1, 2, 3, 4, 5] = 5
    face: TemporalConfig = field(default_factory=TemporalConfig)
    voice: Wav2Vec2VoiceConfig = field(default_factory=prototype_voice)
    frames: int = 15  # kind 2 brings a clip of any other number to this one
    dropout: float = 0.3
    classes: int = len(LABELS)


class LateFusion(StillWhereFrozen):
    """Only the head learns. Load the backbones with `face.load_face` and `Wav2Vec2Voice.from_pretrained`."""

    def __init__(self, config: LateFusionConfig | None = None):
        super().__init__()
        self.config = config or LateFusionConfig()
        self.face = EfficientFaceTemporal(self.config.face)
        self.voice = Wav2Vec2Voice(self.config.voice)
        self.head = LateFusionHead(self.config)
        rest(self.face, self.voice)

    def forward(self, faces: Tensor, sound: Tensor, lengths: Tensor | None = None) -> Tensor:
        """
        faces:   (clip, frame, 3, 224, 224)
        sound:   (clip, sample)  16 kHz
        lengths: (clip,)         samples of each clip's own sound
        returns  (clip, 8)
        """
        seen, told = self.face.look(faces), self.voice.pooled(sound, lengths)
        if self.config.kind == 1:
            seen, told = self.face.classify(self.face.follow(self.face.meet(seen))), self.voice.classify(told)
        return self.head(seen, told)


class LateFusionHead(nn.Module):
    def __init__(self, config: LateFusionConfig):
        super().__init__()
        self.config = config
        face, voice = config.face.face.widths[-1], config.voice.projection
        if config.kind == 1:
            self.classifier: nn.Module = nn.Linear(config.face.classes + config.voice.classes, config.classes)
        elif config.kind in (2, 3):
            self.classifier = nn.Linear(face + voice, config.classes)
        else:
            deep = nn.Linear(face + voice, voice)
            last = nn.Linear(voice, config.classes)
            self.classifier = nn.Sequential(deep, nn.Dropout(config.dropout), nn.ELU(), last)
        if config.kind == 2:
            self.all_frames = nn.Linear(config.frames * face, face)

    def forward(self, seen: Tensor, told: Tensor) -> Tensor:
        """
        seen:    (clip, frame, 1024); kind 1: logits (clip, 8)
        told:    (clip, 1024); kind 1: logits (clip, 8)
        returns  (clip, 8)
        """
        return self.classifier(torch.cat([told, self._pool(seen)], dim=1))

    def _pool(self, seen: Tensor) -> Tensor:
        """(clip, frame, 1024) to (clip, 1024)"""
        match self.config.kind:
            case 1:
                return seen
            case 2:
                each = seen.transpose(1, 2)  # (clip, 1024, frame)
                if each.shape[2] != self.config.frames:
                    each = functional.interpolate(each, self.config.frames, mode="linear", align_corners=True)
                return self.all_frames(each.flatten(1))
            case 3 | 4:
                return seen.mean(dim=1)
            case 5:
                return seen.amax(dim=1)
