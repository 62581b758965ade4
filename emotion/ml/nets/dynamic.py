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
        self, faces: Tensor, has_face: Tensor, heights: Tensor, cepstrum: Tensor, sound: Tensor, lengths: Tensor
    ) -> Tensor:
        """
        faces:     (clip, frame, 3, side, side)  0 to 1
        has_face:  (clip, frame)
        heights:   (clip,)           pixels of the face in the recording
        cepstrum:  (clip, 10, step)  of the sound, with silence after the shorter ones
        sound:     (clip, sample)    16 kHz
        lengths:   (clip,)           samples of each clip's own sound
        returns    (clip, 8)
        """
        return self.read(faces, has_face, heights, cepstrum, sound, lengths).fused.clip

    def read(
        self, faces: Tensor, has_face: Tensor, heights: Tensor, cepstrum: Tensor, sound: Tensor, lengths: Tensor
    ) -> Read:
        frames = faces.shape[1]
        watched = self.face.follow(self.face.meet(self.face.look(faces)))  # (clip, 128, frame)
        face = self.face.classifier_1(watched.transpose(1, 2))
        listened = self.voice.follow(self.voice.meet(cepstrum))  # (clip, 128, step)
        own_steps = [listened[clip, :, : steps_of(length)] for clip, length in enumerate(lengths.tolist())]
        moments = [adaptive_avg_pool1d(steps, frames) for steps in own_steps]
        voice = self.voice.classifier_1(torch.stack(moments).transpose(1, 2))
        own = [one[None, :length] for one, length in zip(sound, lengths.tolist(), strict=True)]
        voice_signs = torch.cat([signs_of_voice(one, frames) for one in own])
        heard = torch.cat([loudest(one, frames) for one in own]) > SILENCE
        face_signs = signs_of_faces(faces, heights[:, None].expand(-1, frames))
        fused = self.fusion(face, face_signs, voice, voice_signs, has_face, heard)
        return Read(fused, face, voice, has_face, heard)


def steps_of(samples: int) -> int:
    """How many steps of the convolved cepstrum a sound of 16 kHz has of its own: whole windows only lose twelve."""
    config = CepstrumConfig()
    return max(1, 1 + round(samples * config.rate / SAMPLE_RATE) // config.hop - 12)


def loudest(sound: Tensor, moments: int) -> Tensor:
    """(clip, sample) to (clip, moment)"""
    return torch.nn.functional.adaptive_max_pool1d(sound.abs()[:, None], moments)[:, 0]
