"""MMER: what was said and how it was said, each asking the other; also learns to spell, and from an altered twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
import transformers  # its nets load when they are first named: seconds that only those who use them pay
from torch import Tensor, nn

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.nets.blocks import EncoderLayer, StillWhereFrozen, max_over_time, rest
from emotion.ml.nets.wav2vec2 import EncoderConfig, Wav2Vec2Encoder

# The alphabet of wav2vec2's English recognisers, in their order. The first stands for "no letter" in CTC.
LETTERS = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")
NO_LETTER = -100


@dataclass(frozen=True)
class MMERConfig:
    encoder: EncoderConfig = field(default_factory=EncoderConfig)  # as wide as the words
    heads: int = 12
    inner: int = 3072
    letters: int = len(LETTERS)
    dropout: float = 0.1
    classes: int = len(LABELS)  # the published ones are 4: happy with excited, angry, neutral, sad


class Understood(NamedTuple):
    """What training needs of one pass.

    logits:   (clip, class)
    joint:    (clip, 2 * width)  what the classifier sees
    spelling: (clip, step, letter) logits, one step each 20 ms
    heard:    (clip, step) False where there is only padding; None where there is none
    """

    logits: Tensor
    joint: Tensor
    spelling: Tensor
    heard: Tensor | None


class MMER(StillWhereFrozen):
    """Words from a frozen RoBERTa and sound through wav2vec2, three cross-modal layers and an acoustic gate.

    Source: Ghosh, Tyagi, Ramaneswaran, Srivastava & Manocha, "MMER: Multimodal multi-task learning for speech
    emotion recognition", Interspeech 2023. Differs: padding of the sound is masked, so that a clip reads the same in
    any batch. The convolutions of wav2vec2 rest, as published.
    """

    def __init__(self, config: MMERConfig | None = None):
        super().__init__()
        self.config = config or MMERConfig()
        width = self.config.encoder.width
        self.voice = Wav2Vec2Encoder(self.config.encoder)
        rest(self.voice.model.feature_extractor)
        self.dropout = nn.Dropout(self.config.dropout)
        self.words = self._layer()
        self.sound_for_words, self.sound_that_asks = nn.Linear(width, width), nn.Linear(width, width)
        self.words_ask_sound, self.sound_asks_words, self.words_ask_answer = (self._layer() for _ in range(3))
        self.gate = nn.Linear(2 * width, width)
        self.merge = nn.Linear(2 * width, width)
        self.classifier = nn.Linear(2 * width, self.config.classes)
        self.speller = nn.Linear(width, self.config.letters)
        self.original_view, self.altered_view = view(width), view(width)

    def _layer(self) -> EncoderLayer:
        config = self.config
        return EncoderLayer(config.encoder.width, config.heads, config.inner, config.dropout)

    def forward(
        self, words: Tensor, sound: Tensor, said: Tensor | None = None, lengths: Tensor | None = None
    ) -> Tensor:
        """
        words:   (clip, token, 768)  of RoBERTa
        sound:   (clip, sample)      16 kHz
        said:    (clip, token)       False where there is only padding
        lengths: (clip,)             samples of each clip's own sound
        returns  (clip, class)
        """
        return self.understand(words, sound, said, lengths).logits

    def understand(
        self, words: Tensor, sound: Tensor, said: Tensor | None = None, lengths: Tensor | None = None
    ) -> Understood:
        told, heard = self.voice(sound, lengths)
        told, words = self.dropout(told), self.dropout(words)  # (clip, step, width), (clip, token, width)
        meant = self.words(words, words, said)
        sounding = self.words_ask_sound(meant, self.sound_for_words(told), heard)  # (clip, token, width)
        worded = self.sound_asks_words(self.sound_that_asks(told), meant, said)  # (clip, step, width)
        answered = self.words_ask_answer(meant, worded, heard)  # (clip, token, width)
        gate = torch.sigmoid(self.gate(torch.cat([answered, sounding], dim=-1)))
        both = torch.cat([answered, gate * sounding], dim=-1)  # (clip, token, 2 * width)
        joint = torch.cat([max_over_time(told, heard), self.merge(max_over_time(both, said))], dim=1)
        return Understood(self.classifier(joint), joint, self.speller(told), heard)


def view(width: int) -> nn.Sequential:
    """Where an utterance and its altered twin are compared."""
    return nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, width))


def spell(texts: Sequence[str]) -> Tensor:
    """(clip, letter) places in LETTERS, padded with NO_LETTER; what is not in the alphabet is left out."""
    places = {letter: place for place, letter in enumerate(LETTERS)}
    spelt = [[places[x] for x in "|".join(text.upper().split()) if x in places] for text in texts]
    longest = max(map(len, spelt), default=0)
    return torch.tensor([row + [NO_LETTER] * (longest - len(row)) for row in spelt], dtype=torch.long)


class RobertaWords(StillWhereFrozen):
    """Texts to RoBERTa's vectors, frozen. The texts may be transcripts that a recogniser made, empty ones too."""

    def __init__(
        self, roberta: transformers.RobertaModel, tokenizer: transformers.PreTrainedTokenizerBase | None = None
    ):
        super().__init__()
        self.roberta = roberta
        self.tokenizer = tokenizer
        rest(self.roberta)

    @classmethod
    def base(cls) -> RobertaWords:
        """roberta-base without its weights, for counting."""
        config = transformers.RobertaConfig(
            vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5
        )
        return cls(transformers.RobertaModel(config, add_pooling_layer=False))

    @classmethod
    def from_pretrained(cls, source: str | Path = "roberta-base", local_files_only: bool = False) -> RobertaWords:
        """A hub id or a local folder. Raises WrongCheckpoint."""
        try:
            roberta = transformers.RobertaModel.from_pretrained(
                source, add_pooling_layer=False, local_files_only=local_files_only
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=local_files_only)
        except (OSError, ValueError) as error:
            raise WrongCheckpoint(f"{source} is neither a folder of RoBERTa nor one that can be fetched.") from error
        return cls(roberta, tokenizer)

    def read(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(clip, token, 768), and (clip, token) False where there is only padding"""
        if self.tokenizer is None:
            raise WrongCheckpoint("This RoBERTa was made without a tokenizer.")
        found = self.tokenizer(list(texts), padding=True, truncation=True, max_length=512, return_tensors="pt")
        device = next(self.roberta.parameters()).device
        said = found["attention_mask"].bool().to(device)
        return self(found["input_ids"].to(device), said), said

    @torch.no_grad()
    def forward(self, tokens: Tensor, said: Tensor | None = None) -> Tensor:
        """(clip, token) to (clip, token, 768)"""
        return self.roberta(tokens, attention_mask=said).last_hidden_state
