"""DynamicNet: face and voice each read by a net of its own, weighed moment by moment by their quality."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d

from emotion.ml.nets.dynamic_fusion import DynamicFusion, DynamicFusionConfig, Fused, signs_of_faces, signs_of_voice
from emotion.ml.nets.mfcc import CepstrumConfig
from emotion.ml.nets.temporal import EfficientFaceTemporal, TemporalConfig
from emotion.ml.nets.voice import AudioCNNPool, VoiceConfig

SAMPLE_RATE = 16_000  # Hz
SILENCE = 1e-4  # of full scale: a moment that never gets above it has no voice


@dataclass(frozen=True)
class DynamicConfig:
    face: TemporalConfig = field(default_factory=TemporalConfig)
    voice: VoiceConfig = field(default_factory=VoiceConfig)
    fusion: DynamicFusionConfig = field(default_factory=DynamicFusionConfig)


class Read(NamedTuple):
    """
    fused:        of the whole clip and of each moment
    face, voice:  (clip, moment, 8)  logits of each channel alone
    seen, heard:  (clip, moment)     False where that channel has nothing
    """

    fused: Fused
    face: Tensor
    voice: Tensor
    seen: Tensor
    heard: Tensor


class DynamicNet(nn.Module):
    """Our own: the two branches of Chumachenko et al., ICPR 2022, under the fusion of `dynamic_fusion`.

    A moment is a frame: the voice is averaged over the same share of the clip.
    """

    def __init__(self, config: DynamicConfig | None = None):
        super().__init__()
        self.config = config or DynamicConfig()
        self.face = EfficientFaceTemporal(self.config.face)
        self.voice = AudioCNNPool(self.config.voice)
        self.fusion = DynamicFusion(self.config.fusion)

    def forward(
        self,
        faces: Tensor,
        cepstrum: Tensor,
        sound: Tensor,
        heights: Tensor,
        has_face: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> Tensor:
        """
        faces:     (clip, frame, 3, side, side)  0 to 1
        cepstrum:  (clip, 10, step)  of the sound, with silence after the shorter ones
        sound:     (clip, sample)    16 kHz
        heights:   (clip,)           pixels of the face in the recording
        has_face:  (clip, frame)     False where no face was found
        lengths:   (clip,)           samples of each clip's own sound
        returns    (clip, 8)
        """
        return self.read(faces, cepstrum, sound, heights, has_face, lengths).fused.clip

    def read(
        self,
        faces: Tensor,
        cepstrum: Tensor,
        sound: Tensor,
        heights: Tensor,
        has_face: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> Read:
        """As `forward`, with what led to it."""
        frames = faces.shape[1]
        watched = self.face.follow(self.face.meet(self.face.look(faces)))  # (clip, 128, frame)
        face = self.face.classifier_1(watched.transpose(1, 2))
        seen = faces.new_ones(faces.shape[:2], dtype=torch.bool) if has_face is None else has_face
        face_signs = signs_of_faces(faces, heights[:, None].expand(-1, frames))
        listened = self.voice.follow(self.voice.meet(cepstrum))  # (clip, 128, step)
        if lengths is None or bool((lengths == sound.shape[1]).all()):
            told = adaptive_avg_pool1d(own_steps(listened, sound.shape[1]), frames)
            voice_signs, loud = signs_of_voice(sound, frames), loudest(sound, frames)
        else:
            each = list(zip(listened[:, None], sound[:, None], lengths.tolist(), strict=True))
            told = torch.cat([adaptive_avg_pool1d(own_steps(steps, length), frames) for steps, _, length in each])
            voice_signs = torch.cat([signs_of_voice(own[:, :length], frames) for _, own, length in each])
            loud = torch.cat([loudest(own[:, :length], frames) for _, own, length in each])
        voice = self.voice.classifier_1(told.transpose(1, 2))
        heard = loud > SILENCE
        return Read(self.fusion(face, face_signs, voice, voice_signs, seen, heard), face, voice, seen, heard)


def own_steps(listened: Tensor, samples: int) -> Tensor:
    """(clip, 128, step), cut to those of a sound of so many samples at 16 kHz: whole windows only lose twelve steps"""
    config = CepstrumConfig()
    return listened[:, :, : max(1, 1 + round(samples * config.rate / SAMPLE_RATE) // config.hop - 12)]


def loudest(sound: Tensor, moments: int) -> Tensor:
    """(clip, sample) to (clip, moment)"""
    return torch.nn.functional.adaptive_max_pool1d(sound.abs()[:, None], moments)[:, 0]
