"""Wav2Vec2Voice: eight expressions from sound, by a pretrained wav2vec2 encoder (base, or XLSR-large)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
import transformers  # its nets load when they are first named: seconds that only those who use them pay
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers.utils import cached_file

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.nets.blocks import StillWhereFrozen, mean_over_time, steps_heard
from emotion.ml.nets.published import load_strictly, read_published

SAMPLE_RATE = 16_000  # Hz


@dataclass(frozen=True)
class EncoderConfig:
    """The size of a wav2vec2 encoder; what is not here is as in transformers' defaults."""

    width: int = 768
    layers: int = 12
    heads: int = 12
    inner: int = 3072
    large: bool = False  # normalised before each layer and in each convolution, with biases: XLSR and "large-robust"
    convolutions: tuple[int, ...] = (512,) * 7
    kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    dropout: float = 0.1
    layer_dropout: float = 0.0

    @classmethod
    def xlsr(cls) -> EncoderConfig:
        return cls(width=1024, layers=24, heads=16, inner=4096, large=True)

    @classmethod
    def of(cls, found: transformers.Wav2Vec2Config) -> EncoderConfig:
        return cls(
            width=found.hidden_size,
            layers=found.num_hidden_layers,
            heads=found.num_attention_heads,
            inner=found.intermediate_size,
            large=found.do_stable_layer_norm,
            convolutions=tuple(found.conv_dim),
            kernels=tuple(found.conv_kernel),
            strides=tuple(found.conv_stride),
        )

    def for_transformers(self) -> transformers.Wav2Vec2Config:
        return transformers.Wav2Vec2Config(
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=self.inner,
            do_stable_layer_norm=self.large,
            feat_extract_norm="layer" if self.large else "group",
            conv_bias=self.large,
            conv_dim=self.convolutions,
            conv_kernel=self.kernels,
            conv_stride=self.strides,
            hidden_dropout=self.dropout,
            attention_dropout=self.dropout,
            activation_dropout=self.dropout,
            feat_proj_dropout=self.dropout,
            layerdrop=self.layer_dropout,
            # No masking of time in training, so no vector for it that would never learn.
            mask_time_prob=0.0,
            mask_feature_prob=0.0,
        )


class Wav2Vec2Encoder(nn.Module):
    """Sound to one vector each 20 ms; a clip reads the same alone as padded in a batch.

    Source: Baevski et al., NeurIPS 2020; transformers' Wav2Vec2Model. Differs: the convolutions see each clip at its
    own length, because the base model's group normalisation runs over time and would count the padding; no masking
    of time in training.
    """

    def __init__(self, config: EncoderConfig | None = None):
        super().__init__()
        self.config = config or EncoderConfig()
        self.model = transformers.Wav2Vec2Model(self.config.for_transformers())

    def forward(self, sound: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """
        sound:   (clip, sample)  16 kHz, any level
        lengths: (clip,)         samples of each clip's own sound, the rest being padding
        returns  (clip, step, width), and (clip, step) False where there is only padding, None where there is none
        """
        heard = None
        if lengths is None or bool((lengths == sound.shape[1]).all()):
            found = self._convolve(sound)
        else:
            own = zip(sound, lengths.tolist(), strict=True)
            each = [self._convolve(clip[None, :length])[0] for clip, length in own]
            heard = steps_heard(torch.tensor([len(clip) for clip in each], device=sound.device), max(map(len, each)))
            found = pad_sequence(each, batch_first=True)  # (clip, step, 512)
        projected, _ = self.model.feature_projection(found)
        return self.model.encoder(projected, attention_mask=heard).last_hidden_state, heard

    def load_pretrained(self, source: str | Path, local_files_only: bool = False) -> None:
        """Take the encoder of a hub id or a local folder, which must be of this net's size. Raises WrongCheckpoint."""
        settings, state = read_pretrained(source, local_files_only)
        own = replace(self.config, dropout=EncoderConfig.dropout, layer_dropout=EncoderConfig.layer_dropout)
        if EncoderConfig.of(settings) != own:
            raise WrongCheckpoint(f"{source} has an encoder of another size.")
        self.load(state)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the encoder of a checkpoint of any wav2vec2 model, whole or not at all. Raises WrongCheckpoint."""
        load_strictly(self.model, encoder_weights(state))

    def _convolve(self, sound: Tensor) -> Tensor:
        """(clip, sample) to (clip, step, 512)"""
        found = to_unit_level(sound)[:, None]
        for layer in self.model.feature_extractor.conv_layers:
            found = layer(found)
        return found.transpose(1, 2)


@dataclass(frozen=True)
class Wav2Vec2VoiceConfig:
    """`tanh`: between projector and classifier, as in the RAVDESS checkpoint; transformers' own heads have none."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    projection: int = 256
    tanh: bool = False
    classes: int = len(LABELS)


class Wav2Vec2Voice(StillWhereFrozen):
    """The encoder's steps, projected, pooled over time, classified.

    Source: Wav2Vec2ForSequenceClassification of transformers; with `tanh`, the head of github.com/m3hrdadfi/soxan.
    Pooling comes after the projector, which is linear, so the order does not change the result.
    """

    def __init__(self, config: Wav2Vec2VoiceConfig | None = None):
        super().__init__()
        self.config = config or Wav2Vec2VoiceConfig()
        self.encoder = Wav2Vec2Encoder(self.config.encoder)
        self.projector = nn.Linear(self.config.encoder.width, self.config.projection)
        self.classifier = nn.Linear(self.config.projection, self.config.classes)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        head: Literal["published", "new"] = "published",
        projection: int = 128,
        local_files_only: bool = False,
    ) -> Wav2Vec2Voice:
        """The net with the weights of a hub id or a local folder.

        head: "published" takes the checkpoint's own classifier, its labels put in our order, and refuses a checkpoint
        without one or with other labels; "new" takes the encoder alone, for training a head of `projection` on it.
        Raises WrongCheckpoint.
        """
        settings, state = read_pretrained(source, local_files_only)
        shape = EncoderConfig.of(settings)
        if head == "new":
            net = cls(Wav2Vec2VoiceConfig(encoder=shape, projection=projection))
        else:
            weights, tanh = head_weights(state, labels_of(settings))
            net = cls(Wav2Vec2VoiceConfig(encoder=shape, projection=len(weights["projector.bias"]), tanh=tanh))
            load_strictly(nn.ModuleDict({"projector": net.projector, "classifier": net.classifier}), weights)
        net.encoder.load(state)
        return net.eval()

    def forward(self, sound: Tensor, lengths: Tensor | None = None) -> Tensor:
        """
        sound:   (clip, sample)  16 kHz, any level
        lengths: (clip,)         samples of each clip's own sound
        returns  (clip, 8)
        """
        return self.classify(self.pooled(sound, lengths))

    def steps(self, sound: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """(clip, sample) to (clip, step, projection), one step each 20 ms, with the mask of the encoder"""
        found, heard = self.encoder(sound, lengths)
        return self.projector(found), heard

    def pooled(self, sound: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(clip, sample) to (clip, projection)"""
        return mean_over_time(*self.steps(sound, lengths))

    def classify(self, pooled: Tensor) -> Tensor:
        """(clip, projection) to (clip, 8)"""
        return self.classifier(pooled.tanh() if self.config.tanh else pooled)


def to_unit_level(sound: Tensor) -> Tensor:
    """Each clip with mean 0 and variance 1, as wav2vec2 was trained."""
    variance, mean = torch.var_mean(sound, dim=1, keepdim=True, correction=0)
    return (sound - mean) / (variance + 1e-7).sqrt()


def read_pretrained(
    source: str | Path, local_files_only: bool
) -> tuple[transformers.Wav2Vec2Config, dict[str, Tensor]]:
    """Settings and tensors of a hub id or a local folder. Raises WrongCheckpoint."""
    options: dict[str, Any] = {"local_files_only": local_files_only, "_raise_exceptions_for_missing_entries": False}
    try:
        settings = cached_file(str(source), "config.json", **options)
        weights = cached_file(str(source), "model.safetensors", **options) or cached_file(
            str(source), "pytorch_model.bin", **options
        )
    except OSError as error:
        raise WrongCheckpoint(f"{source} cannot be fetched, and is no folder here.") from error
    if settings is None or weights is None:
        raise WrongCheckpoint(f"{source} is not here, or lacks config.json or its weights.")
    found = json.loads(Path(settings).read_text())
    if found.get("model_type") != "wav2vec2":
        raise WrongCheckpoint(f"{source} is not a wav2vec2 model.")
    return transformers.Wav2Vec2Config.from_dict(found), read_published(Path(weights))


def encoder_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's part of a checkpoint of any wav2vec2 model: pretraining, recognition or classification."""
    prefixed = any(name.startswith("wav2vec2.") for name in state)
    found = {
        name.removeprefix("wav2vec2."): value
        for name, value in state.items()
        if name.startswith("wav2vec2.") or not (prefixed or name.split(".")[0] in NOT_ENCODER)
    }
    # Weight normalisation was kept under these names before torch 2.
    renamed = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    return {
        re.sub(r"weight_[gv]$", lambda old: renamed[old[0]], name): value
        for name, value in found.items()
        if name != NOT_USED
    }


NOT_ENCODER = ("quantizer", "project_q", "project_hid", "lm_head", "projector", "classifier", "layer_weights")
NOT_USED = "masked_spec_embed"  # stands for masked time in pretraining


def head_weights(state: Mapping[str, Tensor], names: Mapping[int, str]) -> tuple[dict[str, Tensor], bool]:
    """A checkpoint's projector and classifier in our label order, and whether a tanh stands between them.

    Transformers would leave the RAVDESS checkpoint's head random, with a warning: it looks for `projector` and
    `classifier` where the file has `classifier.dense` and `classifier.output`. Raises WrongCheckpoint.
    """
    for inner, outer, tanh in (("classifier.dense", "classifier.output", True), ("projector", "classifier", False)):
        wanted = [f"{part}.{kind}" for part in (inner, outer) for kind in ("weight", "bias")]
        if all(name in state for name in wanted):
            order = our_order(names)
            weights = dict(zip(HEAD, (state[name] for name in wanted), strict=True))
            for name in ("classifier.weight", "classifier.bias"):
                if len(weights[name]) != len(order):
                    raise WrongCheckpoint("The head has another number of outputs than labels.")
                weights[name] = weights[name][order]
            return weights, tanh
    raise WrongCheckpoint("This checkpoint has no trained emotion head. Ask for a new one to train it on the encoder.")


def labels_of(settings: transformers.Wav2Vec2Config) -> dict[int, str]:
    return {int(row): str(name) for row, name in (settings.id2label or {}).items()}


HEAD = ("projector.weight", "projector.bias", "classifier.weight", "classifier.bias")


def our_order(names: Mapping[int, str]) -> list[int]:
    """For each of our labels, the row where the checkpoint has it. Raises WrongCheckpoint."""
    rows = {name.lower(): row for row, name in names.items()}
    rows |= {ours: rows[theirs] for theirs, ours in ALIASES.items() if theirs in rows}
    missing = [label for label in LABELS if label not in rows]
    if missing or len(names) != len(LABELS):
        raise WrongCheckpoint(f"The head's labels are not the eight of RAVDESS ({', '.join(names.values())}).")
    return [rows[label] for label in LABELS]


ALIASES = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
    "disgusted": "disgust",
}
