"""A checkpoint → what reads clips with it: one place that knows which nets can be tested, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from emotion.ml.checkpoint import Card, Checkpoint
from emotion.ml.datasets.made import MadeConfig
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.nets.voice_head import VoiceHead, VoiceHeadConfig
from emotion.ml.nets.whisper_encoder import load_whisper_encoder
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.examples import Collating, Example, batches
from emotion.ml.training.learners import Learner, learner_for
from emotion.ml.training.loop import ask
from emotion.ml.training.systems import rebuild
from emotion.ml.training.testing import Missing, rows_of, taking
from emotion.ml.voice import installed_whisper, with_tuples
from emotion.ml.voice_features import VoiceFeatures, VoiceFeaturesConfig

Logits = NDArray[np.float64]


class Reader(Protocol):
    """
    rows         by name, the ways it can be asked, and what is missing in each
    channels     of "face", "voice", "text": what it reads
    frames       faces of a clip that it was taught with; None: as many as there are by default
    temperature  of its probabilities, from the validation of its own training
    """

    rows: Mapping[str, Missing]
    channels: frozenset[str]
    frames: int | None
    temperature: float

    def logits(self, examples: Sequence[Example], samples: int, missing: Missing = "") -> Logits:
        """(clip, 8). samples: of the longest sound."""
        ...


def reader_for(saved: Checkpoint, device: str = "cpu") -> Reader:
    """Raises WrongCheckpoint: a net that reads no clips."""
    if saved.card.net == "voice-head":
        return VoiceHeadReader(saved)
    return TrainedReader(saved, torch.device(device))


class TrainedReader:
    """A net of a training run here."""

    def __init__(self, saved: Checkpoint, device: torch.device) -> None:
        config = training_of(saved.card)
        self.learner: Learner = learner_for(rebuild(saved), config).to(device)
        self.config, self.device = config, device
        self.rows, self.frames = rows_of(config.net), config.net.frames
        has = {"face": config.net.has_faces, "voice": config.net.has_voice, "text": "text" in config.net.inputs}
        self.channels = frozenset(channel for channel, there in has.items() if there)
        self.temperature = float(saved.card.metrics.get("temperature", 1.0))

    def logits(self, examples: Sequence[Example], samples: int, missing: Missing = "") -> Logits:
        shown = batches(examples, self.config.batch_size, Collating(self.config.net.inputs, samples))
        told = ask(self.learner, shown, device=self.device, change=taking(missing, self.config))
        return told.logits.double().numpy()


class VoiceHeadReader:
    """The voice head that ships, as it reads a stranger. Its temperature is among its weights."""

    rows: Mapping[str, Missing] = {"voice only": ""}
    channels = frozenset({"voice"})
    frames: int | None = None
    temperature = 1.0

    def __init__(self, saved: Checkpoint) -> None:
        try:
            head, features = (with_tuples(saved.card.config[part]) for part in ("head", "features"))
            self.head = saved.into(VoiceHead(VoiceHeadConfig(**head))).eval()
            self.features = VoiceFeatures(load_whisper_encoder(installed_whisper()), VoiceFeaturesConfig(**features))
        except (KeyError, TypeError) as error:
            raise WrongCheckpoint("The card does not say how large its voice head is.") from error

    @torch.inference_mode()
    def logits(self, examples: Sequence[Example], samples: int, missing: Missing = "") -> Logits:
        # One by one: a shorter sound beside a longer one would have silence after it.
        each = [self.head(self.features(example.sound[None])) for example in examples]
        return torch.cat(each).double().numpy()


def training_of(card: Card) -> TrainingConfig:
    """Raises WrongCheckpoint."""
    try:
        told = {name: value for name, value in card.config.items() if name in TrainingConfig.model_fields}
        return TrainingConfig.model_validate(told)
    except ValueError as error:
        raise WrongCheckpoint(f"This checkpoint is not of a training run here: {card.net}.") from error


def actors_of(card: Card) -> int:
    """How many actors the made corpus had that the net learned from."""
    corpus = card.config.get("corpus")
    return int(corpus.get("actors", MadeConfig.actors)) if isinstance(corpus, dict) else MadeConfig.actors
