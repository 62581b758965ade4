"""MultimodalNet: the whole, from the faces and the voice of a clip to eight logits.

Two voices: `AudioCNNPool` over cepstral coefficients (the published nets), and wav2vec2 with a projector of 128,
which with the late transformer is the prototype's enhanced model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from emotion.ml.labels import LABELS
from emotion.ml.nets.blocks import StillWhereFrozen, rest
from emotion.ml.nets.cross_fusion import (
    CrossFusionConfig,
    IntermediateAttention,
    IntermediateTransformer,
    LateTransformer,
)
from emotion.ml.nets.published import bare_names, load_strictly
from emotion.ml.nets.temporal import EfficientFaceTemporal, TemporalConfig
from emotion.ml.nets.voice import AudioCNNPool, VoiceConfig
from emotion.ml.nets.wav2vec2 import Wav2Vec2Voice, Wav2Vec2VoiceConfig


@dataclass(frozen=True)
class MultimodalConfig:
    """`fusion`: late transformer, intermediate transformer or intermediate attention. wav2vec2 fuses late only."""

    fusion: Literal["lt", "it", "ia"] = "lt"
    cross: CrossFusionConfig = field(default_factory=CrossFusionConfig)
    face: TemporalConfig = field(default_factory=TemporalConfig)
    voice: VoiceConfig | Wav2Vec2VoiceConfig = field(default_factory=VoiceConfig)
    classes: int = len(LABELS)

    def __post_init__(self) -> None:
        if isinstance(self.voice, Wav2Vec2VoiceConfig):
            if self.fusion != "lt":
                raise ValueError("wav2vec2 has no middle to meet in: use the late transformer")
            if self.voice.projection != self.face.late:
                raise ValueError(f"project the voice to {self.face.late}, as wide as the face")

    @classmethod
    def enhanced(cls, voice: Wav2Vec2VoiceConfig) -> MultimodalConfig:
        """The prototype's last model: wav2vec2 at 128, EfficientFaceTemporal, late transformer of one head."""
        return cls(fusion="lt", voice=voice)


class MultimodalNet(StillWhereFrozen):
    """Face and voice of a clip, fused by attention.

    Source: Chumachenko et al., ICPR 2022; the enhanced model as the prototype's report describes it. The two branches
    are whole nets that can be trained and loaded alone; their own classifiers rest here.
    """

    def __init__(self, config: MultimodalConfig | None = None):
        super().__init__()
        self.config = config or MultimodalConfig()
        face, cross = self.config.face, self.config.cross
        self.face = EfficientFaceTemporal(face)
        if isinstance(self.config.voice, Wav2Vec2VoiceConfig):
            self.voice: Wav2Vec2Voice | AudioCNNPool = Wav2Vec2Voice(self.config.voice)
            middle = late = self.config.voice.projection
            rest(self.voice.classifier)
        else:
            self.voice = AudioCNNPool(self.config.voice)
            middle, late = self.config.voice.widths[1], self.config.voice.widths[3]
            rest(self.voice.classifier_1)
        rest(self.face.classifier_1)
        if self.config.fusion == "lt":
            self.fusion: nn.Module = LateTransformer(face.late, late, face.late, cross)
            width = 2 * face.late
        else:
            kind = IntermediateTransformer if self.config.fusion == "it" else IntermediateAttention
            self.fusion = kind(face.early, middle, cross)
            width = face.late + late
        self.classifier = nn.Linear(width, self.config.classes)

    def forward(self, faces: Tensor, voice: Tensor, lengths: Tensor | None = None) -> Tensor:
        """
        faces:   (clip, frame, 3, 224, 224)
        voice:   (clip, 10, step) coefficients, or (clip, sample) of sound at 16 kHz for wav2vec2
        lengths: (clip,) samples of each clip's own sound, wav2vec2 only
        returns  (clip, 8)
        """
        if isinstance(self.voice, Wav2Vec2Voice):
            told, heard = self.voice.steps(voice, lengths)
            return self.classifier(self.fusion(self._face_steps(faces), told, heard))
        if self.config.fusion == "lt":
            told = self.voice.follow(self.voice.meet(voice)).transpose(1, 2)
            return self.classifier(self.fusion(self._face_steps(faces), told))
        return self.classifier(self._fused_midway(faces, voice))

    def _face_steps(self, faces: Tensor) -> Tensor:
        """(clip, frame, 3, 224, 224) to (clip, frame, 128)"""
        return self.face.follow(self.face.meet(self.face.look(faces))).transpose(1, 2)

    def _fused_midway(self, faces: Tensor, voice: Tensor) -> Tensor:
        """(clip, 256), the voice's half first"""
        assert isinstance(self.voice, AudioCNNPool)
        seen, told = self.face.meet(self.face.look(faces)), self.voice.meet(voice)
        seen, told = self.fusion(seen.transpose(1, 2), told.transpose(1, 2))
        seen, told = self.face.follow(seen.transpose(1, 2)), self.voice.follow(told.transpose(1, 2))
        return torch.cat([told.mean(dim=2), seen.mean(dim=2)], dim=1)

    def load_published(self, found: Mapping[str, Any]) -> None:
        """Take the weights of a checkpoint of the published LT, IT or IA net. Raises WrongCheckpoint."""
        load_strictly(self, from_published_names(bare_names(found)))


# av: the voice asks (its queries), the face answers; va the other way round.
PUBLISHED_PARTS = {
    "audio_model": "voice",
    "visual_model": "face",
    "av": "fusion.voice_asks_face",
    "va": "fusion.face_asks_voice",
    "av1": "fusion.voice_asks_face",
    "va1": "fusion.face_asks_voice",
}
PUBLISHED_BLOCK = {
    "norm1_q": "norm_asker",
    "norm1_k": "norm_answerer",
    "norm2": "norm_answer",
    "mlp.fc1": "perceptron.0",
    "mlp.fc2": "perceptron.2",
    "attn.q": "attention.query",
    "attn.kv": "attention.kv",
    "attn.proj": "attention.out",
    "q": "query",
    "proj": "out",
}


def from_published_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published nets' names as ours; their joined key and value weights taken apart."""
    ours: dict[str, Tensor] = {}
    for name, value in state.items():
        where, _, rest_of_name = name.partition(".")
        part = PUBLISHED_PARTS.get(where)
        if where == "classifier_1":
            ours[f"classifier.{rest_of_name.removeprefix('0.')}"] = value
        elif part is None or not part.startswith("fusion"):
            ours[f"{part or where}.{rest_of_name}"] = value
        else:
            inner, _, kind = rest_of_name.rpartition(".")
            target = f"{part}.{PUBLISHED_BLOCK.get(inner, inner)}"
            if inner.endswith("kv"):
                stem = target.removesuffix("kv")
                ours[f"{stem}key.{kind}"], ours[f"{stem}value.{kind}"] = value.chunk(2)
            else:
                ours[f"{target}.{kind}"] = value
    return ours
